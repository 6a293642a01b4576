//! Frames: a byte of kind, four of length (little-endian), the payload.

use crate::cacheprog::id::{ID_BYTES, Id};
use crate::cacheprog::remote::revise::Used;

/// Version of the conversation.
pub(super) const VERSION: u16 = 1;

/// Longest payload.
pub(super) const MAX_PAYLOAD: usize = 256 << 10;

/// Bytes of a frame's kind and length.
pub(super) const HEAD: usize = 5;

/// Longest name of a scope.
pub(super) const MAX_SCOPE: usize = 4 << 10;

/// Bytes of an entry in [`Frame::Used`].
const USED: usize = 2 * ID_BYTES + 8;

/// Most entries of a frame.
pub(super) const USED_PER_FRAME: usize = 2048;

/// A frame. Frames of the step come first, then those of the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The step begins.
    Hello { version: u16, scope: String },
    /// The packs that the step wants.
    Want(Vec<u16>),
    /// The step looks an action up in the client's own cache.
    Get(Id),
    /// Entries that the build used.
    Used(Vec<Used>),
    /// These were all.
    UsedEnd,
    /// Bytes of the outputs that the relay asked for, one after the other.
    Body(Vec<u8>),
    /// The next output has gone.
    Gone,
    /// The relay begins.
    Welcome {
        version: u16,
        /// There is a cache that answers [`Frame::Get`].
        has_host: bool,
        /// What the build used is wanted.
        is_writable: bool,
    },
    /// Bytes of the index.
    Index(Vec<u8>),
    /// There are no more. `false`: the store could not be read.
    IndexEnd(bool),
    /// Bytes of a pack.
    Pack(u16, Vec<u8>),
    /// There are no more. `false`: the store could not be read.
    PackEnd(u16, bool),
    /// The cache has the action; the bytes of the output follow.
    Found { action: Id, output: Id, size: u64 },
    /// Bytes of the output that was found.
    Data(Vec<u8>),
    /// The cache does not have the action.
    Missing(Id),
    /// Outputs that the store lacks.
    Need(Vec<Id>),
    /// These were all.
    NeedEnd,
    /// The store has them, or not.
    Done(bool),
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of kind {0} is malformed")]
pub struct FrameError(u8);

impl Frame {
    /// Appends the frame.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[self.kind(), 0, 0, 0, 0]);
        match self {
            Self::Hello { version, scope } => {
                out.extend_from_slice(&version.to_le_bytes());
                out.extend_from_slice(scope.as_bytes());
            }
            Self::Want(packs) => packs
                .iter()
                .for_each(|pack| out.extend_from_slice(&pack.to_le_bytes())),
            Self::Get(id) | Self::Missing(id) => out.extend_from_slice(&id.0),
            Self::Used(entries) => {
                for used in entries {
                    out.extend_from_slice(&used.action.0);
                    out.extend_from_slice(&used.output.0);
                    out.extend_from_slice(&used.size.to_le_bytes());
                }
            }
            Self::Body(bytes) | Self::Index(bytes) | Self::Data(bytes) => {
                out.extend_from_slice(bytes);
            }
            Self::Welcome {
                version,
                has_host,
                is_writable,
            } => {
                out.extend_from_slice(&version.to_le_bytes());
                out.extend_from_slice(&[u8::from(*has_host), u8::from(*is_writable)]);
            }
            Self::Pack(pack, bytes) => {
                out.extend_from_slice(&pack.to_le_bytes());
                out.extend_from_slice(bytes);
            }
            Self::PackEnd(pack, is_whole) => {
                out.extend_from_slice(&pack.to_le_bytes());
                out.push(u8::from(*is_whole));
            }
            Self::Found {
                action,
                output,
                size,
            } => {
                out.extend_from_slice(&action.0);
                out.extend_from_slice(&output.0);
                out.extend_from_slice(&size.to_le_bytes());
            }
            Self::Need(outputs) => outputs
                .iter()
                .for_each(|output| out.extend_from_slice(&output.0)),
            Self::IndexEnd(yes) | Self::Done(yes) => out.push(u8::from(*yes)),
            Self::UsedEnd | Self::Gone | Self::NeedEnd => {}
        }
        let length = (out.len() - start - HEAD) as u32;
        out[start + 1..start + HEAD].copy_from_slice(&length.to_le_bytes());
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Hello { .. } => 1,
            Self::Want(_) => 2,
            Self::Get(_) => 3,
            Self::Used(_) => 4,
            Self::UsedEnd => 5,
            Self::Body(_) => 6,
            Self::Gone => 7,
            Self::Welcome { .. } => 17,
            Self::Index(_) => 18,
            Self::IndexEnd(_) => 19,
            Self::Pack(..) => 20,
            Self::PackEnd(..) => 21,
            Self::Found { .. } => 22,
            Self::Data(_) => 23,
            Self::Missing(_) => 24,
            Self::Need(_) => 25,
            Self::NeedEnd => 26,
            Self::Done(_) => 27,
        }
    }

    /// Returns the length of a payload, from the bytes before it.
    ///
    /// # Errors
    /// It is beyond the limit.
    pub(super) fn length(head: [u8; HEAD]) -> Result<usize, FrameError> {
        let [kind, length @ ..] = head;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        (length <= MAX_PAYLOAD + 2)
            .then_some(length)
            .ok_or(FrameError(kind))
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// The payload is not what the kind says.
    pub(super) fn parse(kind: u8, payload: Vec<u8>) -> Result<Self, FrameError> {
        Self::parsed(kind, payload).ok_or(FrameError(kind))
    }

    fn parsed(kind: u8, payload: Vec<u8>) -> Option<Self> {
        let rest = &payload[..];
        Some(match kind {
            1 => hello(rest)?,
            2 => {
                let (packs, rest) = rest.as_chunks();
                rest.is_empty().then_some(())?;
                Self::Want(packs.iter().map(|pack| u16::from_le_bytes(*pack)).collect())
            }
            3 => Self::Get(Id(rest.try_into().ok()?)),
            4 => {
                let (entries, rest) = rest.as_chunks::<USED>();
                rest.is_empty().then_some(())?;
                let entries = entries.iter().map(|entry| triple(entry));
                Self::Used(entries.collect::<Option<_>>()?)
            }
            5 => empty(rest, Self::UsedEnd)?,
            6 => Self::Body(payload),
            7 => empty(rest, Self::Gone)?,
            17 => welcome(rest)?,
            18 => Self::Index(payload),
            19 => Self::IndexEnd(flag(rest)?),
            20 => {
                let (pack, bytes) = rest.split_first_chunk()?;
                Self::Pack(u16::from_le_bytes(*pack), bytes.to_vec())
            }
            21 => {
                let (pack, is_whole) = rest.split_first_chunk()?;
                Self::PackEnd(u16::from_le_bytes(*pack), flag(is_whole)?)
            }
            22 => {
                let Used {
                    action,
                    output,
                    size,
                } = triple(rest)?;
                Self::Found {
                    action,
                    output,
                    size,
                }
            }
            23 => Self::Data(payload),
            24 => Self::Missing(Id(rest.try_into().ok()?)),
            25 => {
                let (outputs, rest) = rest.as_chunks();
                rest.is_empty().then_some(())?;
                Self::Need(outputs.iter().copied().map(Id).collect())
            }
            26 => empty(rest, Self::NeedEnd)?,
            27 => Self::Done(flag(rest)?),
            _ => return None,
        })
    }
}

fn hello(rest: &[u8]) -> Option<Frame> {
    let (version, scope) = rest.split_first_chunk()?;
    let scope = str::from_utf8(scope).ok()?.to_owned();
    let version = u16::from_le_bytes(*version);
    (scope.len() <= MAX_SCOPE).then_some(Frame::Hello { version, scope })
}

fn welcome(rest: &[u8]) -> Option<Frame> {
    let [a, b, has_host, is_writable] = rest.try_into().ok()?;
    Some(Frame::Welcome {
        version: u16::from_le_bytes([a, b]),
        has_host: flag(&[has_host])?,
        is_writable: flag(&[is_writable])?,
    })
}

fn empty(rest: &[u8], frame: Frame) -> Option<Frame> {
    rest.is_empty().then_some(frame)
}

fn flag(rest: &[u8]) -> Option<bool> {
    match rest {
        [0] => Some(false),
        [1] => Some(true),
        _ => None,
    }
}

fn triple(rest: &[u8]) -> Option<Used> {
    let (action, rest) = rest.split_first_chunk()?;
    let (output, size) = rest.split_first_chunk()?;
    Some(Used {
        action: Id(*action),
        output: Id(*output),
        size: u64::from_le_bytes(size.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reread(bytes: &[u8]) -> Result<Frame, FrameError> {
        let length = Frame::length(bytes[..HEAD].try_into().unwrap())?;
        assert_eq!(length, bytes.len() - HEAD);
        Frame::parse(bytes[0], bytes[HEAD..].to_vec())
    }

    #[test]
    fn frames_survive() {
        let (action, output, size) = (Id([1; 32]), Id([2; 32]), 3);
        let used = Used {
            action,
            output,
            size,
        };
        let scope = "main linux/amd64".to_owned();
        let (version, bytes) = (VERSION, b"bytes".to_vec());
        for frame in [
            Frame::Hello { version, scope },
            Frame::Want(vec![0, 7]),
            Frame::Get(action),
            Frame::Used(vec![used, used]),
            Frame::UsedEnd,
            Frame::Body(bytes.clone()),
            Frame::Gone,
            Frame::Welcome {
                version,
                has_host: true,
                is_writable: false,
            },
            Frame::Index(bytes.clone()),
            Frame::IndexEnd(true),
            Frame::Pack(7, bytes.clone()),
            Frame::PackEnd(7, false),
            Frame::Found {
                action,
                output,
                size,
            },
            Frame::Data(bytes),
            Frame::Missing(action),
            Frame::Need(vec![output]),
            Frame::NeedEnd,
            Frame::Done(true),
        ] {
            let mut bytes = Vec::new();
            frame.write(&mut bytes);
            assert_eq!(reread(&bytes), Ok(frame));
        }
    }

    #[test]
    fn what_is_too_long_or_unknown_is_refused() {
        assert!(Frame::length([6, 0, 0, 4, 0]).is_ok());
        assert!(Frame::length([6, 3, 0, 4, 0]).is_err());
        assert!(Frame::length([6, 255, 255, 255, 255]).is_err());
        assert!(Frame::parse(99, Vec::new()).is_err());
        assert!(Frame::parse(5, vec![1]).is_err());
        assert!(Frame::parse(1, vec![b'x'; MAX_SCOPE + 3]).is_err());
    }

    proptest! {
        #[test]
        fn no_payload_is_fatal(kind: u8, payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Frame::parse(kind % 32, payload);
        }
    }
}

//! File names inside a cache folder, made on the stack.

use std::ffi::CStr;

use crate::cacheprog::id::{ID_BYTES, Id};

/// Bytes of a folder's name, the slash after it, an id, a dash, the kind.
pub(super) const NAME_BYTES: usize = 3 + 2 * ID_BYTES + 2;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::cacheprog) enum Kind {
    /// An action file.
    Action,
    /// An output.
    Data,
}

/// The path of a file, relative to the cache's folder.
#[derive(Clone, Copy)]
pub(super) struct Name([u8; NAME_BYTES + 1]);

impl Name {
    pub(super) fn new(id: &Id, kind: Kind) -> Self {
        let hex = id.hex();
        let mut name = [0; NAME_BYTES + 1];
        name[..2].copy_from_slice(&hex[..2]);
        name[2] = b'/';
        name[3..3 + 2 * ID_BYTES].copy_from_slice(&hex);
        name[NAME_BYTES - 2] = b'-';
        name[NAME_BYTES - 1] = match kind {
            Kind::Action => b'a',
            Kind::Data => b'd',
        };
        Self(name)
    }

    /// Returns the path.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0[..NAME_BYTES]
    }

    /// Returns the path as system calls take it.
    pub(super) fn c_str(&self) -> &CStr {
        // The name is hexadecimal: its one NUL is the last byte.
        CStr::from_bytes_with_nul(&self.0).unwrap_or_default()
    }
}

/// Returns what the last part of a path says; `None` for files that are not the cache's.
pub(super) fn parse(name: &[u8]) -> Option<(Id, Kind)> {
    let (hex, kind) = name.split_at_checked(2 * ID_BYTES)?;
    let kind = match kind {
        b"-a" => Kind::Action,
        b"-d" => Kind::Data,
        _ => return None,
    };
    Some((Id::from_hex(hex)?, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_go_s() {
        let id = Id([0xab; 32]);
        let name = Name::new(&id, Kind::Data);
        let text = String::from_utf8(name.bytes().to_vec()).unwrap();
        assert_eq!(text, format!("ab/{}-d", "ab".repeat(32)));
        assert_eq!(name.c_str().to_bytes(), name.bytes());
        assert_eq!(parse(&name.bytes()[3..]), Some((id, Kind::Data)));
        assert_eq!(parse(b"ab-d"), None);
    }
}

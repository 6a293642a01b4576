//! The index of a scope.

use crate::cacheprog::id::{ID_BYTES, Id};

use super::MAX_OUTPUT;

const MAGIC: &[u8; 16] = b"gobuild-index-1\n";

/// Most packs that an index names.
pub(in crate::cacheprog) const MAX_PACKS: usize = 64;
const MAX_ENTRIES: usize = 500_000;
const PACK_BYTES: usize = ID_BYTES + 16;
const ENTRY_BYTES: usize = 2 * ID_BYTES + 12;
const FIXED_BYTES: usize = 16 + 12 + ID_BYTES;

/// Longest index.
pub(in crate::cacheprog) const MAX_INDEX: usize =
    FIXED_BYTES + MAX_PACKS * (PACK_BYTES + ID_BYTES) + MAX_ENTRIES * ENTRY_BYTES;

/// What a scope's last builds used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cacheprog) struct Index {
    /// The packs that entries are in.
    pub(in crate::cacheprog) packs: Vec<PackRef>,
    /// Packs that are not needed any more.
    pub(in crate::cacheprog) retired: Vec<Id>,
    /// The entries, in the order in which a build asks for them.
    pub(in crate::cacheprog) entries: Vec<IndexEntry>,
}

/// A pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct PackRef {
    /// Hash of the pack, and its name.
    pub(in crate::cacheprog) digest: Id,
    /// Bytes of the pack.
    pub(in crate::cacheprog) bytes: u64,
    /// Bytes of the outputs in it.
    pub(in crate::cacheprog) plain: u64,
}

/// An action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct IndexEntry {
    pub(in crate::cacheprog) action: Id,
    pub(in crate::cacheprog) output: Id,
    pub(in crate::cacheprog) size: u64,
    /// Position in [`Index::packs`].
    pub(in crate::cacheprog) pack: u16,
    /// How often the index was written since a build used the entry.
    pub(in crate::cacheprog) age: u16,
}

/// Why bytes are no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// They begin or end with something else.
    #[error("it is no index of version 1, or not a whole one")]
    Damaged,
    /// A number is beyond its limit.
    #[error("it names too much")]
    Limit,
    /// An entry is in a pack that is not named.
    #[error("an entry is in no pack")]
    Pack,
}

impl Index {
    /// Returns the index as bytes.
    pub(in crate::cacheprog) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(FIXED_BYTES + self.entries.len() * ENTRY_BYTES);
        out.extend_from_slice(MAGIC);
        for length in [self.packs.len(), self.retired.len(), self.entries.len()] {
            out.extend_from_slice(&(length as u32).to_le_bytes());
        }
        for pack in &self.packs {
            out.extend_from_slice(&pack.digest.0);
            out.extend_from_slice(&pack.bytes.to_le_bytes());
            out.extend_from_slice(&pack.plain.to_le_bytes());
        }
        for digest in &self.retired {
            out.extend_from_slice(&digest.0);
        }
        for entry in &self.entries {
            out.extend_from_slice(&entry.action.0);
            out.extend_from_slice(&entry.output.0);
            out.extend_from_slice(&entry.size.to_le_bytes());
            out.extend_from_slice(&entry.pack.to_le_bytes());
            out.extend_from_slice(&entry.age.to_le_bytes());
        }
        let hash = Id::of(&out);
        out.extend_from_slice(&hash.0);
        out
    }

    /// Reads an index.
    ///
    /// # Errors
    /// The bytes are not an index, or ask for too much.
    pub(in crate::cacheprog) fn decode(bytes: &[u8]) -> Result<Self, IndexError> {
        let end = bytes.len().checked_sub(ID_BYTES);
        let (content, hash) = bytes.split_at(end.ok_or(IndexError::Damaged)?);
        if !content.starts_with(MAGIC) || Id::of(content).0 != hash {
            return Err(IndexError::Damaged);
        }
        let mut rest = Rest(&content[MAGIC.len()..]);
        let mut length = |limit| match rest.u32()? as usize {
            length if length <= limit => Ok(length),
            _ => Err(IndexError::Limit),
        };
        let (packs, retired) = (length(MAX_PACKS)?, length(MAX_PACKS)?);
        let entries = length(MAX_ENTRIES)?;
        if rest.0.len() != packs * PACK_BYTES + retired * ID_BYTES + entries * ENTRY_BYTES {
            return Err(IndexError::Damaged);
        }
        let index = Self {
            packs: (0..packs).map(|_| rest.pack()).collect::<Result<_, _>>()?,
            retired: (0..retired).map(|_| rest.id()).collect::<Result<_, _>>()?,
            entries: (0..entries)
                .map(|_| rest.entry())
                .collect::<Result<_, _>>()?,
        };
        let is_known = |entry: &IndexEntry| usize::from(entry.pack) < packs;
        if !index.entries.iter().all(is_known) {
            return Err(IndexError::Pack);
        }
        if index.entries.iter().any(|entry| entry.size > MAX_OUTPUT) {
            return Err(IndexError::Limit);
        }
        Ok(index)
    }
}

struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], IndexError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(IndexError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn id(&mut self) -> Result<Id, IndexError> {
        self.take().map(Id)
    }

    fn u16(&mut self) -> Result<u16, IndexError> {
        self.take().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, IndexError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, IndexError> {
        self.take().map(u64::from_le_bytes)
    }

    fn pack(&mut self) -> Result<PackRef, IndexError> {
        Ok(PackRef {
            digest: self.id()?,
            bytes: self.u64()?,
            plain: self.u64()?,
        })
    }

    fn entry(&mut self) -> Result<IndexEntry, IndexError> {
        Ok(IndexEntry {
            action: self.id()?,
            output: self.id()?,
            size: self.u64()?,
            pack: self.u16()?,
            age: self.u16()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index(packs: usize, entries: usize) -> Index {
        let pack = |number: usize| PackRef {
            digest: Id([number as u8; 32]),
            bytes: number as u64,
            plain: 3 * number as u64,
        };
        let entry = |number: usize| IndexEntry {
            action: Id([number as u8; 32]),
            output: Id([!number as u8; 32]),
            size: number as u64,
            pack: (number % packs) as u16,
            age: (number % 3) as u16,
        };
        Index {
            packs: (0..packs).map(pack).collect(),
            retired: vec![Id([9; 32])],
            entries: (0..entries).map(entry).collect(),
        }
    }

    fn sealed(mut content: Vec<u8>) -> Vec<u8> {
        let hash = Id::of(&content);
        content.extend_from_slice(&hash.0);
        content
    }

    #[test]
    fn an_index_survives_and_a_part_of_it_does_not() {
        let index = index(3, 100);
        let bytes = index.encode();
        assert_eq!(Index::decode(&bytes), Ok(index));
        for length in 0..bytes.len() {
            assert_eq!(Index::decode(&bytes[..length]), Err(IndexError::Damaged));
        }
    }

    #[test]
    fn limits_hold_whatever_the_hash_says() {
        let mut content = index(1, 1).encode();
        content.truncate(content.len() - ID_BYTES);
        let with = |at: usize, bytes: &[u8]| {
            let mut changed = content.clone();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            Index::decode(&sealed(changed))
        };
        assert!(with(0, b"g").is_ok());
        assert_eq!(with(14, b"2"), Err(IndexError::Damaged));
        assert_eq!(with(16, &[255; 4]), Err(IndexError::Limit));
        assert_eq!(with(24, &[255; 4]), Err(IndexError::Limit));
        assert_eq!(with(24, &[2]), Err(IndexError::Damaged));
        let entry = 28 + PACK_BYTES + ID_BYTES;
        assert_eq!(with(entry + 64, &[255; 8]), Err(IndexError::Limit));
        assert_eq!(with(entry + 72, &[1, 0]), Err(IndexError::Pack));
    }

    proptest! {
        #[test]
        fn no_bytes_are_fatal(content in prop::collection::vec(any::<u8>(), 0..400), head: bool) {
            let mut bytes = if head { MAGIC.to_vec() } else { Vec::new() };
            bytes.extend_from_slice(&content);
            let _ = Index::decode(&sealed(bytes.clone()));
            let _ = Index::decode(&bytes);
        }
    }
}

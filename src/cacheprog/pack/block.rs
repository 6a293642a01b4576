//! Packs, block by block.

use crate::cacheprog::id::{ID_BYTES, Id};

use super::MAX_OUTPUT;

/// What a pack begins with.
pub(in crate::cacheprog) const MAGIC: &[u8; 16] = b"gobuild-packs-1\n";

/// What a pack ends with.
pub(in crate::cacheprog) const END: [u8; 8] = [0; 8];

/// Bytes before an output.
const HEAD: usize = ID_BYTES + 8;

/// Longest plain block: one output of the greatest length.
pub(in crate::cacheprog) const MAX_PLAIN: usize = MAX_OUTPUT as usize + HEAD;

/// Longest compressed block; zstd adds little to what it cannot compress.
const MAX_COMPRESSED: usize = MAX_PLAIN + MAX_PLAIN / 128 + 1024;

/// Fast, and smaller by a few hundredths only if it took thrice the time.
const LEVEL: i32 = 3;

/// Why bytes are no pack.
#[derive(Debug, thiserror::Error)]
pub enum BlockError {
    /// They begin with something else.
    #[error("it is no pack of version 1")]
    Magic,
    /// A block is longer than blocks may be.
    #[error("a block is too long")]
    Limit,
    /// Bytes are missing.
    #[error("it is not whole")]
    Truncated,
    /// zstd refuses a block.
    #[error("a block cannot be unpacked")]
    Zstd(#[source] std::io::Error),
    /// What is in a block is not a sequence of outputs.
    #[error("a block holds something else than outputs")]
    Content,
}

/// A compressed block.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct Block {
    plain: usize,
    compressed: Vec<u8>,
}

/// Cuts the bytes of a pack into blocks, as they arrive.
#[derive(Debug, Default)]
pub(in crate::cacheprog) struct Blocks {
    head: Vec<u8>,
    is_begun: bool,
    is_ended: bool,
    /// The block that is being read, and its compressed length.
    open: Option<(Block, usize)>,
}

impl Blocks {
    /// Takes some bytes; returns the blocks that are whole with them.
    ///
    /// # Errors
    /// The bytes are not those of a pack.
    pub(in crate::cacheprog) fn push(
        &mut self,
        mut bytes: &[u8],
    ) -> Result<Vec<Block>, BlockError> {
        let mut whole = Vec::new();
        loop {
            if self.is_ended {
                let is_over = bytes.is_empty();
                return is_over.then_some(whole).ok_or(BlockError::Content);
            }
            if let Some((block, length)) = &mut self.open {
                let missing = *length - block.compressed.len();
                let (part, rest) = bytes.split_at(missing.min(bytes.len()));
                block.compressed.extend_from_slice(part);
                bytes = rest;
                if block.compressed.len() < *length {
                    return Ok(whole);
                }
                whole.extend(self.open.take().map(|(block, _)| block));
                continue;
            }
            let wanted = if self.is_begun { 8 } else { MAGIC.len() };
            let missing = wanted - self.head.len();
            let (part, rest) = bytes.split_at(missing.min(bytes.len()));
            self.head.extend_from_slice(part);
            bytes = rest;
            if self.head.len() < wanted {
                return Ok(whole);
            }
            self.begin()?;
        }
    }

    /// Tells whether the pack was whole.
    ///
    /// # Errors
    /// Its end did not arrive.
    pub(in crate::cacheprog) fn finish(&self) -> Result<(), BlockError> {
        self.is_ended.then_some(()).ok_or(BlockError::Truncated)
    }

    /// Reads what is whole in `head`: the magic, or the lengths of a block.
    fn begin(&mut self) -> Result<(), BlockError> {
        let head = std::mem::take(&mut self.head);
        if !self.is_begun {
            self.is_begun = true;
            return (head == MAGIC).then_some(()).ok_or(BlockError::Magic);
        }
        let number = |bytes: &[u8]| {
            let number = bytes
                .iter()
                .rev()
                .fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
            usize::try_from(number).unwrap_or(usize::MAX)
        };
        let (compressed, plain) = (number(&head[..4]), number(&head[4..]));
        if compressed == 0 && plain == 0 {
            self.is_ended = true;
        } else if compressed > MAX_COMPRESSED || plain > MAX_PLAIN {
            return Err(BlockError::Limit);
        } else {
            let block = Block {
                plain,
                compressed: Vec::new(),
            };
            self.open = Some((block, compressed));
        }
        Ok(())
    }
}

impl Block {
    /// Unpacks the block and passes each output on, with the id that it claims to have.
    ///
    /// # Errors
    /// The block is not what zstd and the format say.
    pub(in crate::cacheprog) fn outputs(
        &self,
        mut each: impl FnMut(Id, &[u8]),
    ) -> Result<(), BlockError> {
        let plain = self.unpack()?;
        let mut rest = &plain[..];
        while let Some((id, after)) = rest.split_first_chunk::<ID_BYTES>() {
            let (size, after) = after.split_first_chunk().ok_or(BlockError::Content)?;
            let size = usize::try_from(u64::from_le_bytes(*size));
            let body = size.ok().and_then(|size| after.split_at_checked(size));
            let (body, after) = body.ok_or(BlockError::Content)?;
            each(Id(*id), body);
            rest = after;
        }
        rest.is_empty().then_some(()).ok_or(BlockError::Content)
    }

    /// The room grows with what really comes out, up to the limit.
    fn unpack(&self) -> Result<Vec<u8>, BlockError> {
        use std::io::Read as _;
        // Sensible lengths are believed; a frame that promises far more than zstd often does is
        // unpacked bit by bit.
        if self.plain <= 64 * self.compressed.len() + (1 << 20) {
            let plain = zstd::bulk::decompress(&self.compressed, self.plain);
            let plain = plain.map_err(BlockError::Zstd)?;
            return (plain.len() == self.plain)
                .then_some(plain)
                .ok_or(BlockError::Truncated);
        }
        let decoder = zstd::stream::read::Decoder::with_buffer(&self.compressed[..]);
        let mut decoder = decoder
            .map_err(BlockError::Zstd)?
            .take(self.plain as u64 + 1);
        let mut plain = Vec::new();
        decoder.read_to_end(&mut plain).map_err(BlockError::Zstd)?;
        (plain.len() == self.plain)
            .then_some(plain)
            .ok_or(BlockError::Truncated)
    }
}

/// Appends an output to a plain block.
pub(in crate::cacheprog) fn append(plain: &mut Vec<u8>, output: &Id, body: &[u8]) {
    plain.extend_from_slice(&output.0);
    plain.extend_from_slice(&(body.len() as u64).to_le_bytes());
    plain.extend_from_slice(body);
}

/// Returns a block of outputs with its lengths.
///
/// # Errors
/// zstd fails, which it does for lack of memory.
pub(in crate::cacheprog) fn compress(outputs: &[(Id, Vec<u8>)]) -> std::io::Result<Vec<u8>> {
    let length = outputs.iter().map(|(_, body)| body.len() + HEAD).sum();
    let mut plain = Vec::with_capacity(length);
    for (output, body) in outputs {
        append(&mut plain, output, body);
    }
    let compressed = zstd::bulk::compress(&plain, LEVEL)?;
    let mut block = Vec::with_capacity(8 + compressed.len());
    block.extend_from_slice(&(compressed.len() as u32).to_le_bytes());
    block.extend_from_slice(&(plain.len() as u32).to_le_bytes());
    block.extend_from_slice(&compressed);
    Ok(block)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pack(blocks: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut pack = MAGIC.to_vec();
        for bodies in blocks {
            let outputs: Vec<_> = bodies
                .iter()
                .map(|body| (Id::of(body), body.clone()))
                .collect();
            pack.extend(compress(&outputs).unwrap());
        }
        pack.extend(END);
        pack
    }

    fn unpack(pack: &[u8], step: usize) -> Result<Vec<Vec<u8>>, BlockError> {
        let (mut blocks, mut bodies) = (Blocks::default(), Vec::new());
        for part in pack.chunks(step) {
            for block in blocks.push(part)? {
                block.outputs(|id, body| {
                    assert_eq!(Id::of(body), id);
                    bodies.push(body.to_vec());
                })?;
            }
        }
        blocks.finish().map(|()| bodies)
    }

    #[test]
    fn a_part_of_a_pack_is_no_pack() {
        let pack = pack(&[vec![b"one".to_vec(), Vec::new()], vec![vec![7; 5000]]]);
        assert_eq!(unpack(&pack, 3).unwrap().len(), 3);
        for length in 0..pack.len() {
            let error = unpack(&pack[..length], 64).unwrap_err();
            assert!(matches!(error, BlockError::Truncated), "{error}");
        }
        let longer = [&pack[..], b"x"].concat();
        assert!(matches!(unpack(&longer, 64), Err(BlockError::Content)));
    }

    #[test]
    fn lengths_are_not_believed() {
        let with = |compressed: u32, plain: u32, bytes: &[u8]| {
            let lengths = [compressed.to_le_bytes(), plain.to_le_bytes()].concat();
            unpack(&[MAGIC, &lengths[..], bytes, &END].concat(), 1000)
        };
        assert!(matches!(with(u32::MAX, 1, b""), Err(BlockError::Limit)));
        assert!(matches!(with(1, u32::MAX, b""), Err(BlockError::Limit)));
        assert!(matches!(with(3, 100, b"abc"), Err(BlockError::Zstd(_))));
        // Half a hundred million zeros that are said to be ten.
        let zeros = zstd::bulk::compress(&vec![0; 50 << 20], 3).unwrap();
        let length = zeros.len() as u32;
        assert!(with(length, 10, &zeros).is_err());
        assert!(matches!(
            with(length, 60 << 20, &zeros),
            Err(BlockError::Truncated)
        ));
        let outside = zstd::bulk::compress(&[[1_u8; 40].as_slice(), b"x"].concat(), 3).unwrap();
        assert!(matches!(
            with(outside.len() as u32, 41, &outside),
            Err(BlockError::Content)
        ));
    }

    proptest! {
        #[test]
        fn packs_survive(
            blocks in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3000), 0..5), 0..5),
            step in 1_usize..5000,
        ) {
            let bodies: Vec<_> = blocks.iter().flatten().cloned().collect();
            prop_assert_eq!(unpack(&pack(&blocks), step).unwrap(), bodies);
        }

        #[test]
        fn no_bytes_are_fatal(bytes in prop::collection::vec(any::<u8>(), 0..600), at in 0_usize..600, head: bool) {
            let mut damaged = pack(&[vec![bytes.clone()]]);
            if head {
                damaged.truncate(MAGIC.len());
                damaged.extend_from_slice(&bytes);
            } else {
                let at = at % damaged.len();
                damaged[at] ^= bytes.first().copied().unwrap_or(1);
            }
            let mut blocks = Blocks::default();
            for block in blocks.push(&damaged).unwrap_or_default() {
                let _ = block.outputs(|_, _| ());
            }
        }
    }
}

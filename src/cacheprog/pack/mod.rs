//! The bytes that a remote store holds: an index per scope, and packs of outputs.
//!
//! A *scope* is what is built: main package, platform, toolchain, flags. Its [`Index`] lists the
//! actions that its last builds used, what each produced, and the pack that holds it. Packs are
//! immutable and named by their own hash. Both formats are version 1; numbers are little-endian.
//!
//! Index:
//!
//! | bytes | |
//! |---|---|
//! | 16 | `gobuild-index-1\n` |
//! | 4, 4, 4 | number of packs, of retired packs, of entries |
//! | 32, 8, 8 each | pack: hash, its length, the length of the outputs in it |
//! | 32 each | retired pack: no entry is in it; the next writer removes it |
//! | 32, 32, 8, 2, 2 each | entry: action, output, length of the output, number of its pack, writes since its last use |
//! | 32 | hash of all that |
//!
//! Pack: `gobuild-packs-1\n`, then blocks. A block is two 4-byte lengths, compressed and plain,
//! and one zstd frame of so many bytes. Plain, it is a sequence of outputs: 32 bytes of hash, 8 of
//! length, the bytes. No output is split, so that blocks are unpacked in parallel and as they
//! arrive. Two lengths of zero are the end.
//!
//! Whatever is read was written by others: all numbers have limits, nothing is reserved on their
//! word alone, and an output counts only if its bytes hash to its id.

mod block;
mod index;

pub use block::BlockError;
pub(super) use block::{Block, Blocks, END, MAGIC, compress};
pub use index::IndexError;
pub(super) use index::{Index, IndexEntry, MAX_INDEX, MAX_PACKS, PackRef};

/// Longest output that travels; Go's largest packages compile to some 50 MB.
pub(super) const MAX_OUTPUT: u64 = 128 << 20;

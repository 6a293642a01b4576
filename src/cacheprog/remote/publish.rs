//! What the index lacks → packs → the store.
//!
//! Packs first, then the index that names them, then packs that nobody names any more are removed:
//! whoever reads in between has a whole picture. Of two writers at once the last index wins; what it
//! does not name travels with the next write. Packs that no index names any more, of the other
//! writer or of one that was killed, stay: buckets have rules for objects of an age.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::revise::Revision;
use super::store::{Scope, StoreError};
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{self, Index, PackRef};
use crate::cacheprog::report::Traffic;

/// Bytes of outputs in a block: small enough for the first ones to be used early, large enough to
/// compress well.
const BLOCK: u64 = 1 << 20;

/// Bytes of outputs in a pack; it is held in memory while it is sent.
const PACK_BYTES: u64 = 256 << 20;

/// Why an index was not replaced.
#[derive(Debug, thiserror::Error)]
pub(in crate::cacheprog) enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot compress")]
    Compress(#[from] std::io::Error),
}

/// Writes packs and the index. `read` returns the bytes of an output, checked, or `None` where
/// it has gone. Tells whether everything fitted.
///
/// # Errors
/// The store fails.
pub(in crate::cacheprog) async fn publish(
    scope: &Scope,
    revision: Revision,
    read: impl Fn(&Id, u64) -> Option<Vec<u8>> + Sync,
    traffic: &Traffic,
) -> Result<bool, PublishError> {
    let mut written = Vec::new();
    let packs = split(&revision.missing, PACK_BYTES);
    let room = revision.room();
    let is_whole = packs.len() <= room;
    for outputs in packs.into_iter().take(room) {
        let Pack { bytes, held } = build(outputs, &read)?;
        if held.is_empty() {
            continue;
        }
        let pack = PackRef {
            digest: Id::of(&bytes),
            bytes: bytes.len() as u64,
            plain: held.iter().map(|(_, size)| size).sum(),
        };
        traffic.wrote(bytes.len());
        traffic.round_trip();
        scope.put_pack(&pack.digest, bytes).await?;
        written.push((pack, held.into_iter().map(|(output, _)| output).collect()));
    }
    let obsolete = revision.obsolete.clone();
    let index: Index = revision.index(&written);
    traffic.round_trip();
    scope.put_index(&index).await?;
    for digest in &obsolete {
        if index.packs.iter().all(|pack| pack.digest != *digest) {
            // One that stays costs a little room.
            let _ = scope.remove_pack(digest).await;
        }
    }
    Ok(is_whole)
}

/// Splits outputs so that each part has about so many bytes.
fn split(outputs: &[(Id, u64)], limit: u64) -> Vec<&[(Id, u64)]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, (_, size)) in outputs.iter().enumerate() {
        if at > start && bytes + size > limit {
            parts.push(&outputs[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    if start < outputs.len() {
        parts.push(&outputs[start..]);
    }
    parts
}

/// A pack, and what is in it with its sizes.
struct Pack {
    bytes: Vec<u8>,
    held: Vec<(Id, u64)>,
}

/// Reads and compresses blocks on all cores; returns the pack and what is in it.
fn build(
    outputs: &[(Id, u64)],
    read: &(impl Fn(&Id, u64) -> Option<Vec<u8>> + Sync),
) -> std::io::Result<Pack> {
    let parts = split(outputs, BLOCK);
    let blocks: Mutex<Vec<(usize, Vec<u8>)>> = Mutex::new(Vec::new());
    let held = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let work = || -> std::io::Result<()> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = parts.get(number) else {
                return Ok(());
            };
            let bodies = part
                .iter()
                .filter_map(|(output, size)| Some((*output, read(output, *size)?)));
            let bodies: Vec<(Id, Vec<u8>)> = bodies.collect();
            if bodies.is_empty() {
                continue;
            }
            let block = pack::compress(&bodies)?;
            let sizes = bodies.iter().map(|(id, body)| (*id, body.len() as u64));
            held.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(sizes);
            blocks
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((number, block));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.min(parts.len()))
            .map(|_| scope.spawn(work))
            .collect();
        let own = work();
        let stopped = |_| Err(std::io::Error::other("a thread ended"));
        let others = others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(stopped));
        others.chain([own]).collect::<std::io::Result<()>>()
    })?;
    let mut blocks = blocks.into_inner().unwrap_or_else(PoisonError::into_inner);
    blocks.sort_by_key(|(number, _)| *number);
    let mut bytes = pack::MAGIC.to_vec();
    for (_, block) in blocks {
        bytes.extend_from_slice(&block);
    }
    bytes.extend_from_slice(&pack::END);
    let held = held.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Pack { bytes, held })
}

//! A scope's index, then its packs, all at once: two round trips.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::store::{Scope, StoreError};
use super::unpack::{Incoming, Unpackers};
use crate::cacheprog::core::{Core, said};
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{BlockError, Index, PackRef};
use crate::cacheprog::report::Traffic;

#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the store fails")]
    Stream(#[from] object_store::Error),
    #[error("the pack is damaged")]
    Block(#[from] BlockError),
}

/// Fetches what the scope has and the tiers lack. Returns the index; `None` if it could not be
/// read, in which case it must not be replaced.
pub(in crate::cacheprog) async fn index(
    core: &Core,
    scope: &Scope,
    traffic: &Traffic,
) -> Option<Index> {
    traffic.round_trip();
    match scope.index().await {
        Ok(index) => Some(index.unwrap_or_default()),
        Err(StoreError::Index(error)) => {
            // A damaged index is replaced.
            core.drop_output(&format!("the index was dropped: {error}"));
            Some(Index::default())
        }
        Err(error) => {
            traffic.failed(core, &said(&error));
            None
        }
    }
}

/// Fetches packs; outputs are unpacked as they arrive, and what does not arrive is lost.
pub(in crate::cacheprog) async fn packs(
    core: &Arc<Core>,
    scope: &Scope,
    index: &Index,
    missing: Vec<Vec<Id>>,
    unpackers: &Unpackers,
    traffic: &Traffic,
) {
    let mut under_way = FuturesUnordered::new();
    for (pack, outputs) in index.packs.iter().zip(missing) {
        if outputs.is_empty() {
            continue;
        }
        let Some(incoming) = unpackers.pack(core, outputs) else {
            continue;
        };
        under_way.push(async move {
            let limit = scope.store().patience(pack.bytes);
            let fetched = tokio::time::timeout(limit, stream(scope, pack, incoming, traffic)).await;
            (pack.digest, fetched)
        });
    }
    if !under_way.is_empty() {
        traffic.round_trip();
    }
    while let Some((digest, fetched)) = under_way.next().await {
        match fetched {
            Ok(Ok(())) => {}
            Ok(Err(PackError::Store(StoreError::Length(length)))) => {
                core.drop_output(&format!("pack {digest} was dropped: it has {length} bytes"));
            }
            Ok(Err(PackError::Block(error))) => {
                core.drop_output(&format!("pack {digest} was dropped: {error}"));
            }
            Ok(Err(error)) => traffic.failed(core, &said(&error)),
            Err(_) => traffic.failed(core, "the store is too slow"),
        }
    }
}

async fn stream(
    scope: &Scope,
    pack: &PackRef,
    mut incoming: Incoming,
    traffic: &Traffic,
) -> Result<(), PackError> {
    let mut parts = scope.pack(pack).await?;
    traffic.pack_read();
    while let Some(part) = parts.next().await {
        let part = part?;
        traffic.read(part.len());
        incoming.push(&part)?;
    }
    incoming.finish()?;
    Ok(())
}

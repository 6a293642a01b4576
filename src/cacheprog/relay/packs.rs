//! Packs on their way from the store to a step.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

use super::frame::{Frame, MAX_PAYLOAD};
use super::serve::{RelayError, Writer, send};
use crate::cacheprog::pack::{Index, PackRef};
use crate::cacheprog::remote::store::Scope;

/// What was sent, and what could not be.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) packs: AtomicU64,
    pub(super) found: AtomicU64,
    /// Packs that the store did not deliver.
    pub(super) failed: Arc<Mutex<HashSet<u16>>>,
}

/// Sends the packs that the step wants, all at once; returns only if it cannot be written to.
pub(super) async fn send_packs<W: AsyncWrite + Unpin>(
    mut wanted: Receiver<Vec<u16>>,
    scope: Option<&Scope>,
    index: &Index,
    writer: &Writer<W>,
    sent: &Sent,
) -> Result<(), RelayError> {
    while let (Some(numbers), Some(scope)) = (wanted.recv().await, scope) {
        let numbers: HashSet<u16> = numbers.into_iter().collect();
        let mut under_way = FuturesUnordered::new();
        for number in numbers {
            if usize::from(number) >= index.packs.len() {
                return Err(RelayError::Order);
            }
            under_way.push(send_pack(number, scope, index, writer, sent));
        }
        while let Some(broken) = under_way.next().await {
            broken?;
        }
    }
    std::future::pending().await
}

async fn send_pack<W: AsyncWrite + Unpin>(
    number: u16,
    scope: &Scope,
    index: &Index,
    writer: &Writer<W>,
    sent: &Sent,
) -> Result<(), RelayError> {
    let is_whole = forward(number, scope, &index.packs[usize::from(number)], writer).await?;
    if is_whole {
        sent.packs.fetch_add(1, Ordering::Relaxed);
    } else {
        let mut failed = sent.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.insert(number);
    }
    send(writer, &[Frame::PackEnd(number, is_whole)]).await
}

/// Sends what the store has of a pack; tells whether that is all of it. The store has so much time;
/// the step may take what it needs, and a frame to it is never cut off.
async fn forward<W: AsyncWrite + Unpin>(
    number: u16,
    scope: &Scope,
    pack: &PackRef,
    writer: &Writer<W>,
) -> Result<bool, RelayError> {
    let mut left = scope.store().patience(pack.bytes);
    let begun = Instant::now();
    let Ok(Ok(mut parts)) = timeout(left, scope.pack(pack)).await else {
        return Ok(false);
    };
    left = left.saturating_sub(begun.elapsed());
    loop {
        let begun = Instant::now();
        let part = match timeout(left, parts.next()).await {
            Ok(Some(Ok(part))) => part,
            Ok(None) => return Ok(true),
            Ok(Some(Err(_))) | Err(_) => return Ok(false),
        };
        left = left.saturating_sub(begun.elapsed());
        for part in part.chunks(MAX_PAYLOAD) {
            send(writer, &[Frame::Pack(number, part.to_vec())]).await?;
        }
    }
}

//! The sending side of one transfer.
//!
//! Three things run at once, so that neither side ever waits for the other in a circle: the
//! listing goes out; requests come in and queue up (a full queue stops reading them: the
//! peer feels it as back-pressure); and workers send the contents.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use buildkit_proto::fsutil::types::Packet;
use buildkit_proto::fsutil::types::packet::PacketType;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::filter::{Filter, FilterError};
use super::request::Wanted;
use super::source::{LocalSource, SourceError};
use super::walk::Walk;
use crate::buildkit::session::fsutil::{self, FileKind, GoMode};

/// How many packets wait for the network.
const OUTBOUND: usize = 64;
/// How many requests wait for a worker.
const REQUESTS: usize = 128;
/// How many files are read at once.
const WORKERS: usize = 4;
/// The longest piece of a file in one packet.
const PIECE: usize = 64 << 10;

type Outbound = mpsc::Sender<Result<Packet, Status>>;

/// Why a transfer failed.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("cannot send {path:?}: {source}")]
    Content { path: String, source: io::Error },
    #[error("invalid file id {0}")]
    InvalidId(u32),
    #[error("unexpected packet of type {0}")]
    UnexpectedPacket(i32),
    #[error("error from receiver: {0}")]
    Receiver(String),
    #[error("receiver left before the transfer was complete")]
    Gone,
}

/// Starts a transfer, and returns the packets to send; dropping them ends it.
pub(super) fn start(
    source: Arc<LocalSource>,
    wanted: Wanted,
    inbound: impl Stream<Item = Result<Packet, Status>> + Send + Unpin + 'static,
) -> mpsc::Receiver<Result<Packet, Status>> {
    let (outbound, packets) = mpsc::channel(OUTBOUND);
    tokio::spawn(async move {
        let transfer = Transfer {
            source,
            offered: Mutex::default(),
            outbound: outbound.clone(),
        };
        if let Err(error) = Arc::new(transfer).run(wanted, inbound).await {
            tracing::debug!(%error, "file transfer failed");
            // If the peer is gone nobody is left to tell.
            let message = error.to_string();
            outbound.send(Ok(fsutil::error(&message))).await.ok();
            outbound.send(Err(Status::unknown(message))).await.ok();
        }
    });
    packets
}

struct Transfer {
    source: Arc<LocalSource>,
    /// The listed files that were not requested yet, by their index in the listing.
    offered: Mutex<HashMap<u32, String>>,
    outbound: Outbound,
}

impl Transfer {
    async fn run(
        self: Arc<Self>,
        wanted: Wanted,
        inbound: impl Stream<Item = Result<Packet, Status>> + Unpin,
    ) -> Result<(), SendError> {
        let source = Arc::clone(&self.source);
        let filter = blocking(move || Filter::new(&source, &wanted)).await?;
        let (requests, queue) = mpsc::channel(REQUESTS);
        let queue = tokio::sync::Mutex::new(queue);
        let workers = futures_util::future::try_join_all((0..WORKERS).map(|_| self.work(&queue)));
        tokio::try_join!(self.list(filter), self.take(inbound, requests), workers)?;
        self.send(fsutil::fin()).await
    }

    async fn send(&self, packet: Packet) -> Result<(), SendError> {
        let sent = self.outbound.send(Ok(packet)).await;
        sent.map_err(|_| SendError::Gone)
    }

    /// Sends the listing.
    async fn list(&self, filter: Filter) -> Result<(), SendError> {
        let mut walk = Walk::start(Arc::clone(&self.source), filter).await?;
        let mut next_id = 0;
        while let Some(stat) = walk.next().await? {
            if GoMode(stat.mode).kind() == FileKind::Regular {
                self.offered().insert(next_id, stat.path.clone());
            }
            next_id += 1;
            self.send(fsutil::stat(stat)).await?;
        }
        self.send(fsutil::end_of_list()).await
    }

    /// Queues the peer's requests until it has all it wants.
    async fn take(
        &self,
        mut inbound: impl Stream<Item = Result<Packet, Status>> + Unpin,
        requests: mpsc::Sender<(u32, String)>,
    ) -> Result<(), SendError> {
        while let Some(packet) = inbound.next().await {
            let packet = packet.map_err(|_| SendError::Gone)?;
            match PacketType::try_from(packet.r#type) {
                Ok(PacketType::PacketReq) => {
                    let path = self.offered().remove(&packet.id);
                    let path = path.ok_or(SendError::InvalidId(packet.id))?;
                    let queued = requests.send((packet.id, path)).await;
                    queued.map_err(|_| SendError::Gone)?;
                }
                Ok(PacketType::PacketFin) => return Ok(()),
                Ok(PacketType::PacketErr) => {
                    let message = String::from_utf8_lossy(&packet.data).into_owned();
                    return Err(SendError::Receiver(message));
                }
                _ => return Err(SendError::UnexpectedPacket(packet.r#type)),
            }
        }
        Err(SendError::Gone)
    }

    /// Sends the contents of queued files one after the other.
    async fn work(
        &self,
        queue: &tokio::sync::Mutex<mpsc::Receiver<(u32, String)>>,
    ) -> Result<(), SendError> {
        loop {
            let next = queue.lock().await.recv().await;
            let Some((id, path)) = next else {
                return Ok(());
            };
            let source = Arc::clone(&self.source);
            let outbound = self.outbound.clone();
            blocking(move || content(&source, id, path, &outbound)).await?;
        }
    }

    fn offered(&self) -> std::sync::MutexGuard<'_, HashMap<u32, String>> {
        // Each use is a single call, after which the map is whole.
        self.offered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends one file and its end.
fn content(
    source: &LocalSource,
    id: u32,
    path: String,
    outbound: &Outbound,
) -> Result<(), SendError> {
    let send = |data| {
        let sent = outbound.blocking_send(Ok(fsutil::data(id, data)));
        sent.map_err(|_| SendError::Gone)
    };
    let failed = |source| SendError::Content {
        path: path.clone(),
        source,
    };
    let (mut file, length) = source.file(&path).map_err(failed)?;
    loop {
        let capacity = usize::try_from(length).unwrap_or(PIECE).min(PIECE);
        let mut piece = Vec::with_capacity(capacity);
        let mut taken = Read::by_ref(&mut file).take(PIECE as u64);
        taken.read_to_end(&mut piece).map_err(failed)?;
        let is_last = piece.len() < PIECE;
        if !piece.is_empty() {
            send(piece)?;
        }
        if is_last {
            return send(Vec::new());
        }
    }
}

/// Runs a blocking call on a thread of its own; its panic goes on here.
async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(call).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // A runtime that shuts down drops this task as well.
            Err(_) => std::future::pending().await,
        },
    }
}

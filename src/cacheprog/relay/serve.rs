//! The end in the client: a store and a cache of the client's, for one step at a time.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, timeout};

use super::frame::{Frame, FrameError, HEAD, MAX_PAYLOAD, VERSION};
use super::gather::Gathering;
use super::packs::{Sent, send_packs};
use crate::cacheprog::core::said;
use crate::cacheprog::gocache::{Access, Tier, TierError};
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{Index, MAX_OUTPUT};
use crate::cacheprog::remote::store::{Scope, Store, StoreError};

/// How long a step may take to say hello.
const GREETING: Duration = Duration::from_secs(10);

/// Scopes that are asked for in place of one that the store does not know.
const RELATED: usize = 4;

/// Questions that wait; a step that asks more is not read until some are answered.
const QUESTIONS: usize = 256;

/// What a relay offers.
#[derive(Clone, Debug)]
pub struct RelayOptions {
    /// A GOCACHE that is looked up and not changed.
    pub host_cache: Option<PathBuf>,
    /// Scopes of this invocation. One that the store does not know begins with what it has of another.
    pub kin: Vec<String>,
    /// Whether what builds used is written to the store.
    pub write: bool,
    /// Where outputs are kept between a step and the store.
    pub spool: PathBuf,
    /// Bytes of outputs that one step may send.
    pub max_upload: u64,
}

/// Serves steps. Each connection is served by itself, and they may be many.
#[derive(Clone, Debug)]
pub struct Relay {
    pub(super) store: Option<Store>,
    host: Option<Arc<Tier>>,
    pub(super) options: RelayOptions,
}

/// What a step got and gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayReport {
    /// What the step builds.
    pub scope: String,
    /// Packs that were sent.
    pub packs: u64,
    /// Questions for the client's cache.
    pub questions: u64,
    /// Those that it could answer.
    pub found: u64,
    /// Outputs that the step sent.
    pub received: u64,
    /// Whether the store has a new index.
    pub published: bool,
}

/// Why a step is not served any more.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The stream broke.
    #[error("the connection of the build step broke")]
    Io(#[from] io::Error),
    /// What comes is no frame.
    #[error("the build step sends something else than frames")]
    Frame(#[from] FrameError),
    /// The step is of another version.
    #[error("the build step speaks version {0}, not {VERSION}")]
    Version(u16),
    /// A frame came where it has no meaning.
    #[error("the build step says something at the wrong time")]
    Order,
    /// It asks for more than it may have, or sends more.
    #[error("the build step goes beyond a limit")]
    Limit,
    /// Outputs cannot be kept until they are stored.
    #[error("cannot keep what the build step sends")]
    Spool(#[source] io::Error),
}

/// The way to the step; whoever holds it sends a whole answer.
pub(super) type Writer<W> = Arc<Mutex<W>>;

impl Relay {
    /// Returns a relay for a store, a cache, or both.
    ///
    /// # Errors
    /// The cache cannot be opened.
    pub fn new(store: Option<Store>, options: RelayOptions) -> Result<Self, TierError> {
        let host = options.host_cache.as_deref();
        let host = host
            .map(|path| Tier::open(path, Access::Read))
            .transpose()?;
        Ok(Self {
            store,
            host: host.map(Arc::new),
            options,
        })
    }

    /// Serves one step until it goes.
    ///
    /// # Errors
    /// The step breaks off in the middle of something, or does not keep to the protocol. A store
    /// that fails is no error here: the step is told.
    pub async fn serve<S>(&self, stream: S) -> Result<RelayReport, RelayError>
    where
        S: AsyncRead + AsyncWrite + Send,
    {
        let (input, writer) = tokio::io::split(stream);
        let mut input = BufReader::with_capacity(MAX_PAYLOAD, input);
        let writer = Arc::new(Mutex::new(writer));
        let hello = timeout(GREETING, read(&mut input)).await;
        let hello = hello.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        let Some(Frame::Hello { version, scope }) = hello else {
            return Err(RelayError::Order);
        };
        let welcome = Frame::Welcome {
            version: VERSION,
            has_host: self.host.is_some(),
            is_writable: self.options.write && self.store.is_some(),
        };
        send(&writer, &[welcome]).await?;
        if version != VERSION {
            return Err(RelayError::Version(version));
        }
        let place = self.store.as_ref().map(|store| store.scope(&scope));
        let (own, related) = self.indexes(&scope, place.as_ref()).await;
        let own = own.map(Option::unwrap_or_default);
        let (source, index) = match related {
            Some((related, index)) => (Some(related), Some(index)),
            None => (place.clone(), own.clone()),
        };
        send_index(index.as_ref(), &writer).await?;
        let mut gathering = Gathering::new(self, scope, place, own);
        let sent = Sent {
            failed: Arc::clone(&gathering.failed),
            ..Sent::default()
        };
        let (wanted, packs) = mpsc::channel(4);
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let index = index.unwrap_or_default();
        tokio::select! {
            ended = listen(&mut input, &writer, &mut gathering, wanted, questions) => ended?,
            broken = send_packs(packs, source.as_ref(), &index, &writer, &sent) => broken?,
            broken = self.answer(asked, &writer, &sent) => broken?,
        }
        gathering.report.packs = sent.packs.into_inner();
        gathering.report.found = sent.found.into_inner();
        gathering.writer_closed(&writer).await;
        Ok(gathering.report)
    }

    /// Returns what the store has of a scope, and in place of nothing what it has of a related one.
    /// Both take no longer than one question may, since the step waits.
    async fn indexes(
        &self,
        scope: &str,
        place: Option<&Scope>,
    ) -> (Option<Option<Index>>, Option<(Scope, Index)>) {
        let Some(place) = place else {
            return (Some(None), None);
        };
        let begun = Instant::now();
        let own = read_index(place).await;
        if !matches!(own, Some(None)) {
            return (own, None);
        }
        let left = place.store().patience(0).saturating_sub(begun.elapsed());
        let related = timeout(left, self.related(scope)).await;
        (own, related.ok().flatten())
    }

    /// Returns what the store has of a scope for the same platform, toolchain and flags: such builds
    /// have most of their packages in common.
    async fn related(&self, scope: &str) -> Option<(Scope, Index)> {
        let store = self.store.as_ref()?;
        let (_, how) = scope.split_once('@')?;
        let built_alike = |kin: &&String| kin.split_once('@').is_some_and(|(_, own)| own == how);
        let kin = self.options.kin.iter().filter(|kin| *kin != scope);
        for kin in kin.filter(built_alike).take(RELATED) {
            let place = store.scope(kin);
            if let Some(Some(index)) = read_index(&place).await {
                return Some((place, index));
            }
        }
        None
    }

    /// Answers questions in their order; returns only if the step cannot be written to.
    async fn answer<W: AsyncWrite + Unpin>(
        &self,
        mut asked: Receiver<Id>,
        writer: &Writer<W>,
        sent: &Sent,
    ) -> Result<(), RelayError> {
        while let Some(action) = asked.recv().await {
            let host = self.host.clone();
            let found = tokio::task::spawn_blocking(move || {
                let host = host?;
                let entry = host.find(&action)?;
                let is_short = entry.size <= MAX_OUTPUT;
                let body = is_short.then(|| host.read(&entry.output, entry.size))??;
                Some((entry.output, body))
            });
            match found.await.ok().flatten() {
                None => send(writer, &[Frame::Missing(action)]).await?,
                Some((output, body)) => {
                    sent.found.fetch_add(1, Ordering::Relaxed);
                    let found = Frame::Found {
                        action,
                        output,
                        size: body.len() as u64,
                    };
                    let parts = body
                        .chunks(MAX_PAYLOAD)
                        .map(|part| Frame::Data(part.to_vec()));
                    let frames: Vec<Frame> = [found].into_iter().chain(parts).collect();
                    send(writer, &frames).await?;
                }
            }
        }
        std::future::pending().await
    }
}

/// Reads frames until the step goes, and gives each to whom it concerns.
async fn listen<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    input: &mut R,
    writer: &Writer<W>,
    gathering: &mut Gathering<'_>,
    wanted: Sender<Vec<u16>>,
    questions: Sender<Id>,
) -> Result<(), RelayError> {
    let mut is_ordered = false;
    while let Some(frame) = read(input).await? {
        match frame {
            // Once: a step knows the index before it asks.
            Frame::Want(packs) if !is_ordered => {
                is_ordered = true;
                wanted.send(packs).await.map_err(|_| RelayError::Order)?;
            }
            Frame::Get(action) => {
                gathering.report.questions += 1;
                questions
                    .send(action)
                    .await
                    .map_err(|_| RelayError::Order)?;
            }
            Frame::Used(_) | Frame::UsedEnd | Frame::Body(_) | Frame::Gone => {
                let answers = gathering.take(frame).await?;
                send(writer, &answers).await?;
            }
            _ => return Err(RelayError::Order),
        }
    }
    Ok(())
}

/// Returns the index that the store has of a scope; the inner `None` if it has none, or a damaged one,
/// which is replaced; the outer if the store failed.
async fn read_index(scope: &Scope) -> Option<Option<Index>> {
    match scope.index().await {
        Ok(index) => Some(index),
        Err(StoreError::Index(_)) => Some(None),
        Err(error) => {
            let error = said(&error);
            tracing::warn!(error, "the remote cache cannot be read");
            None
        }
    }
}

/// Sends an index, or that there will be none.
async fn send_index<W: AsyncWrite + Unpin>(
    index: Option<&Index>,
    writer: &Writer<W>,
) -> Result<(), RelayError> {
    let encoded = index.map(Index::encode);
    let parts = encoded.iter().flat_map(|bytes| bytes.chunks(MAX_PAYLOAD));
    for part in parts {
        send(writer, &[Frame::Index(part.to_vec())]).await?;
    }
    send(writer, &[Frame::IndexEnd(index.is_some())]).await
}

/// Sends frames one after the other, with nothing in between.
pub(super) async fn send<W: AsyncWrite + Unpin>(
    writer: &Writer<W>,
    frames: &[Frame],
) -> Result<(), RelayError> {
    let mut writer = writer.lock().await;
    let mut bytes = Vec::new();
    for frame in frames {
        bytes.clear();
        frame.write(&mut bytes);
        writer.write_all(&bytes).await?;
    }
    writer.flush().await?;
    Ok(())
}

/// Reads a frame; `None` where the stream ends between two.
pub(super) async fn read<R: AsyncRead + Unpin>(input: &mut R) -> Result<Option<Frame>, RelayError> {
    let mut head = [0; HEAD];
    match input.read_exact(&mut head[..1]).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        first => first?,
    };
    input.read_exact(&mut head[1..]).await?;
    let mut payload = vec![0; Frame::length(head)?];
    input.read_exact(&mut payload).await?;
    Ok(Some(Frame::parse(head[0], payload)?))
}

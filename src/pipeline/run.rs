//! Runs a build on a daemon: a session, one solve per export, all at once. What registries have
//! already is left out; see [`Pushed`].
//!
//! Each remote cache has a solve of its own beside them, which holds every image and platform: one
//! cache then has them all, and a cache that cannot be written fails nothing but itself.
//!
//! The solves share the daemon's work on every common vertex. Exporters that send bytes back name
//! their target by its index in their own solve, so each of those solves has a session of its
//! own; the others share one. The first failure ends all.

mod cache;
mod gate;
mod layout;
mod load;
mod pushed;
mod session;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::gate::Gate;
pub(super) use self::layout::{index, named};
pub use self::pushed::{Asking, Pushed};
use self::session::{Served, start};
use super::caches::Caches;
use super::exports::{Export, Receiver, Shape, requested};
use super::function::{Function, FunctionError, Inputs};
use super::load::{LoadError, Loader};
use super::outcome::Outcome;
use crate::buildkit::client::Client;
use crate::buildkit::engine::ArchiveWriter;
use crate::buildkit::error::{Error as WireError, ErrorKind};
use crate::buildkit::session::auth::CredentialStore;
use crate::buildkit::session::content::IndexError;
use crate::buildkit::session::secrets::{SecretError, SecretSource};
use crate::buildkit::session::ssh::SshService;
use crate::buildkit::solve::{BuildError, CacheEntry, SolveOptions, SolveResponse};
use crate::progress::event::{Event, Level, Made, Message};
use crate::registry::RegistryError;

/// What this machine offers to the daemon during the build.
#[derive(Clone)]
pub struct Offer {
    /// Folder of the project's files.
    pub root: PathBuf,
    /// Registry credentials.
    pub credentials: Arc<CredentialStore>,
    /// Secrets by id.
    pub secrets: BTreeMap<String, SecretSource>,
    /// SSH agents.
    pub ssh: SshService,
    /// Remote caches to read and to write.
    pub caches: Caches,
    /// Where images are loaded, if they are.
    pub loader: Option<Loader>,
    /// Whether images are built one after the other.
    pub in_turn: bool,
    /// What is known of earlier pushes; none if nothing is to be remembered of them.
    pub pushed: Option<Arc<Pushed>>,
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The build function failed.
    #[error(transparent)]
    Function(FunctionError),
    /// The daemon, the session or the connection failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A secret cannot be offered.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The folder of the project's files cannot be opened.
    #[error("cannot open {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// An image cannot be loaded.
    #[error("cannot load {image}")]
    Load {
        /// The image.
        image: String,
        /// What stands in the way.
        source: Box<LoadError>,
    },
    /// An output cannot be kept on this machine.
    #[error("{0}")]
    Output(String),
    /// A cache that must be written cannot be.
    #[error("the cache {cache} cannot be written")]
    Cache {
        /// The cache.
        cache: String,
        /// The daemon's answer, or what is wrong with a local cache's index.
        source: Box<RunError>,
    },
    /// The daemon does not say what it exported.
    #[error("the builder does not describe the image that it exported")]
    NoDescriptor,
    /// The index over what several nodes have pushed was not.
    #[error("the index {reference} cannot be pushed")]
    Push {
        /// Its name.
        reference: String,
        /// What is wrong.
        source: RegistryError,
    },
    /// What several nodes have built cannot be put together here.
    #[error("cannot write {place}")]
    Join {
        /// The archive or the layout.
        place: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The index of an OCI layout cannot be written.
    #[error("cannot write the index of {}", path.display())]
    Index {
        /// The layout.
        path: PathBuf,
        /// What is wrong.
        source: IndexError,
    },
}

impl RunError {
    /// Returns the wire's error, if it is one.
    #[must_use]
    pub fn wire(&self) -> Option<&WireError> {
        match self {
            Self::Wire(error) | Self::Function(FunctionError::Wire(error)) => Some(error),
            Self::Function(FunctionError::Resolve { source, .. }) => Some(source),
            Self::Cache { source, .. } => source.wire(),
            _ => None,
        }
    }

    /// Tells whether the build was cancelled from this side.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        self.wire()
            .is_some_and(|error| error.kind() == ErrorKind::Cancelled)
    }
}

/// Builds and exports what is not there already; the outcomes are in the order of `exports`.
///
/// # Errors
/// The first failure that is not a consequence of another one.
pub async fn run(
    client: &Client,
    inputs: &Inputs,
    exports: &[Export],
    offer: &Offer,
    events: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) -> Result<Vec<Outcome>, RunError> {
    let Some(pushed) = &offer.pushed else {
        return build(client, inputs, exports, offer, (events, cancel)).await;
    };
    // A credential helper may wait for its user.
    let known = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(WireError::Cancelled.into()),
        known = pushed.look_up(inputs, exports, offer) => known,
    };
    let missing = exports.iter().zip(&known);
    let missing = missing.filter(|(_, known)| known.outcome.is_none());
    let missing: Vec<Export> = missing.map(|(export, _)| export.clone()).collect();
    let built = match missing.as_slice() {
        [] => Vec::new(),
        missing => build(client, inputs, missing, offer, (events, cancel)).await?,
    };
    Ok(pushed.completed(known, built))
}

/// Builds and exports.
async fn build(
    client: &Client,
    inputs: &Inputs,
    exports: &[Export],
    offer: &Offer,
    (events, cancel): (&mpsc::Sender<Event>, &CancellationToken),
) -> Result<Vec<Outcome>, RunError> {
    let run = Run {
        client,
        function: Function::new(inputs),
        offer,
        shared: start(client, inputs, offer, &BTreeMap::new(), None).await?,
        events,
        failed: cancel.child_token(),
        // Who is built later cannot be waited for.
        gate: Gate::new(exports.len(), inputs.no_cache && !offer.in_turn),
    };
    let images = async {
        let images = exports.iter().map(|export| run.image(export));
        finished(match offer.in_turn {
            true => stream::iter(images).then(|image| image).collect().await,
            false => join_all(images).await,
        })
    };
    let caches = offer.caches.exports.iter();
    let caches = join_all(caches.map(|cache| run.cache(cache, exports)));
    let (images, caches) = tokio::join!(images, caches);
    let mut images = images?;
    for (written, cache) in caches.into_iter().zip(&offer.caches.exports) {
        let written = cache::judge(written, cache, events).await?;
        for image in &mut images {
            image.response.extend(written.clone());
        }
    }
    Ok(images)
}

/// Returns all outcomes, or the failure that is not a consequence of another one.
pub(super) fn finished<T>(outcomes: Vec<Result<T, RunError>>) -> Result<Vec<T>, RunError> {
    let (mut done, mut failures) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(outcome) => done.push(outcome),
            Err(error) => failures.push(error),
        }
    }
    let cause = failures
        .iter()
        .position(|error| !error.is_cancellation())
        .unwrap_or(0);
    match failures.is_empty() {
        true => Ok(done),
        false => Err(failures.swap_remove(cause)),
    }
}

/// One invocation: what its solves share.
struct Run<'a> {
    client: &'a Client,
    function: Function<'a>,
    offer: &'a Offer,
    shared: Served,
    events: &'a mpsc::Sender<Event>,
    /// Cancelled by the user, or when an image fails.
    failed: CancellationToken,
    gate: Gate,
}

impl Run<'_> {
    /// Builds and exports one image; a failure ends all.
    async fn image(&self, export: &Export) -> Result<Outcome, RunError> {
        let outcome = match &self.offer.loader {
            Some(loader) if export.is_loaded() => self.load(export, loader).await,
            _ => self.solve(export, None).await,
        };
        if outcome.is_err() {
            self.failed.cancel();
        }
        outcome
    }

    /// Builds and exports one image. An archive that is loaded goes to `archive`: its image was built,
    /// and described, a moment ago.
    async fn solve(
        &self,
        export: &Export,
        archive: Option<ArchiveWriter>,
    ) -> Result<Outcome, RunError> {
        let (function, gate) = (&self.function, &self.gate);
        let inputs = function.inputs();
        let is_built = archive.is_some();
        let own = match export.receivers.is_empty() {
            true => None,
            false => {
                Some(start(self.client, inputs, self.offer, &export.receivers, archive).await?)
            }
        };
        let mut attributes = requested(export.wanted().platforms(inputs));
        attributes.extend(export.attestations.clone());
        let inline = self.offer.caches.inline && export.shape != Shape::Binaries;
        let options = SolveOptions {
            exporters: export.exporters.clone(),
            cache_imports: self.offer.caches.imports.clone(),
            cache_exports: inline.then(CacheEntry::inline).into_iter().collect(),
            attributes,
            ..SolveOptions::default()
        };
        let served = own.as_ref().unwrap_or(&self.shared);
        let build = self.client.build(
            &served.session,
            options,
            self.events.clone(),
            self.failed.clone(),
            |gateway| async move {
                let wanted = export.wanted();
                let result = match is_built {
                    true => function.build_again(&gateway, wanted).await?,
                    false => function.build(&gateway, wanted).await?,
                };
                gate.pass().await;
                Ok(result)
            },
        );
        let built = build.await.map_err(|error| served.reason(error.into()))?;
        outcome(inputs, export, built)
    }
}

/// Has a line shown.
#[expect(clippy::disallowed_methods, reason = "a message has a time")]
async fn tell(events: &mpsc::Sender<Event>, level: Level, text: String) {
    let message = Message {
        level,
        text,
        timestamp: Timestamp::now(),
    };
    if events.send(Event::Message(message)).await.is_err() {
        tracing::debug!("nobody listens to a message");
    }
}

impl From<BuildError<FunctionError>> for RunError {
    fn from(error: BuildError<FunctionError>) -> Self {
        match error {
            BuildError::Driver(error) => Self::Function(error),
            BuildError::Wire(error) => Self::Wire(error),
        }
    }
}

/// Finishes what the daemon leaves to the client, and says what came of it.
fn outcome(inputs: &Inputs, export: &Export, response: SolveResponse) -> Result<Outcome, RunError> {
    let image = inputs.plan.images.get(export.image);
    let outcome = Outcome {
        name: image.map(|image| image.name.clone()).unwrap_or_default(),
        digest: match export.shape {
            Shape::Image(_) => response.exporter.get("containerimage.digest").cloned(),
            Shape::Binaries => None,
        },
        references: export.references.clone(),
        made: Made::of(export.pushes),
        by_id: export.by_id,
        response: response.exporter,
    };
    for receiver in export.receivers.values() {
        if let Receiver::Layout(path) = receiver {
            index(path, &outcome)?;
        }
    }
    Ok(outcome)
}

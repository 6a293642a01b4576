//! Images that registries have already.
//!
//! What an image is made from tells its digest: it is remembered what came of the last push of each
//! image. Where that is to be pushed again, and every one of its names still stands for it, there is
//! nothing to build and nothing to send, and the daemon is not asked. Registries are asked from this
//! machine; one that it cannot reach is left to the daemon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use oci_spec::image::Digest;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::Offer;
use crate::content::{remember, remembered};
use crate::oci::Reference;
use crate::pipeline::exports::Export;
use crate::pipeline::function::Function;
use crate::pipeline::location;
use crate::pipeline::outcome::Outcome;
use crate::progress::event::Made;
use crate::registry::{Registry, RegistryError};

/// How long a registry may take to answer. Building what did not change takes not much longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Attributes of exporters that leave it at a push of the image. Others make something of it on the
/// builder, or name it otherwise.
const KNOWN: [&str; 7] = [
    "compression",
    "compression-level",
    "force-compression",
    "name",
    "oci-mediatypes",
    "push",
    "registry.insecure",
];

/// What is remembered of the images of a project, and the way to their registries.
#[derive(Debug)]
pub struct Pushed {
    registry: Registry,
    path: PathBuf,
    images: Mutex<BTreeMap<String, Image>>,
}

/// The last push of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Image {
    /// What it was made from.
    identity: Digest,
    digest: Digest,
    /// What the exporter said.
    response: BTreeMap<String, String>,
    /// Whether its registry cannot be reached from this machine.
    is_silent: bool,
}

/// What is known of an export before it is built.
pub(super) struct Known {
    /// What tells it from every other one.
    identity: Option<Digest>,
    /// What came of it, if it is there already.
    pub(super) outcome: Option<Outcome>,
}

/// What a registry says of an image's names.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// They stand for it.
    Same,
    /// At least one of them does not.
    Other,
    /// There is none.
    Silence,
}

impl Pushed {
    /// Reads what is remembered of the project in `folder`. `cache` is a folder for what may be lost.
    #[must_use]
    pub fn read(cache: &Path, folder: &Path, registry: Registry) -> Self {
        let path = cache.join(format!("pushed/{}.json", location::key(folder)));
        let images = Mutex::new(remembered(&path).unwrap_or_default());
        Self {
            registry,
            path,
            images,
        }
    }

    /// Returns what is known of each export before anything is built.
    pub(super) async fn look_up(
        &self,
        function: &Function<'_>,
        exports: &[Export],
        offer: &Offer,
    ) -> Vec<Known> {
        let known = exports.iter().map(|export| async move {
            let identity = identity(function, export, offer).await;
            let image = function.inputs().plan.images.get(export.image);
            let outcome = match (&identity, image) {
                (Some(identity), Some(image)) => {
                    self.find(&image.name, &export.references, identity).await
                }
                _ => None,
            };
            Known { identity, outcome }
        });
        join_all(known).await
    }

    /// Returns all outcomes in their order, and remembers those that were built.
    pub(super) fn completed(&self, known: Vec<Known>, built: Vec<Outcome>) -> Vec<Outcome> {
        let is_new = !built.is_empty();
        let mut built = built.into_iter();
        let outcomes = known.into_iter().filter_map(|known| {
            if known.outcome.is_some() {
                return known.outcome;
            }
            let outcome = built.next()?;
            if let Some(identity) = known.identity {
                self.remember(identity, &outcome);
            }
            Some(outcome)
        });
        let outcomes = outcomes.collect();
        if is_new {
            self.write();
        }
        outcomes
    }

    /// Returns what came of the last push of an image, if this one would come to the same and its
    /// registries still have it.
    async fn find(&self, name: &str, references: &[String], identity: &Digest) -> Option<Outcome> {
        let known = self.images().get(name)?.clone();
        if known.identity != *identity || known.is_silent {
            return None;
        }
        let asked = references.iter();
        let answers = join_all(asked.map(|reference| self.ask(reference, &known.digest))).await;
        if answers.contains(&Answer::Silence) {
            let silent = Image {
                is_silent: true,
                ..known
            };
            self.images().insert(name.to_owned(), silent);
            return None;
        }
        let is_there = answers.iter().all(|answer| *answer == Answer::Same);
        is_there.then(|| Outcome {
            name: name.to_owned(),
            references: references.to_vec(),
            digest: Some(known.digest.to_string()),
            made: Made::Unchanged,
            by_id: false,
            response: known.response,
        })
    }

    async fn ask(&self, reference: &str, digest: &Digest) -> Answer {
        // What is no name is the daemon's to refuse.
        let Ok(reference) = reference.parse::<Reference>() else {
            return Answer::Other;
        };
        match timeout(PATIENCE, self.registry.digest(&reference)).await {
            Ok(Ok(found)) if found == *digest => Answer::Same,
            Ok(Ok(_) | Err(RegistryError::Refused { .. } | RegistryError::NoManifest { .. })) => {
                Answer::Other
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "a registry is left to the builder");
                Answer::Silence
            }
            Err(_) => Answer::Silence,
        }
    }

    /// Remembers what came of a push.
    fn remember(&self, identity: Digest, outcome: &Outcome) {
        let Some(digest) = outcome
            .digest
            .as_ref()
            .and_then(|digest| digest.parse().ok())
        else {
            return;
        };
        let mut images = self.images();
        let before = images.get(&outcome.name);
        let image = Image {
            is_silent: before.is_some_and(|before| before.is_silent && before.identity == identity),
            identity,
            digest,
            response: outcome.response.clone(),
        };
        images.insert(outcome.name.clone(), image);
    }

    /// Writes what is remembered, whole or not at all. Who cannot write builds again next time.
    fn write(&self) {
        if let Err(error) = remember(&self.path, &*self.images()) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remember what was pushed");
        }
    }

    fn images(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Image>> {
        // Every change is one call.
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns what tells an export from every other one, if all that it does is to push an image that
/// is known before it is built.
async fn identity(function: &Function<'_>, export: &Export, offer: &Offer) -> Option<Digest> {
    let caches = offer.caches.inline || !offer.caches.exports.is_empty();
    if function.inputs().no_cache || caches || !only_pushes(export) {
        return None;
    }
    function.identity(export).await
}

fn only_pushes(export: &Export) -> bool {
    let pushes = export.exporters.iter().all(|exporter| {
        let is =
            |key: &str, value: &str| exporter.attributes.get(key).is_some_and(|is| is == value);
        let is_known =
            |key: &String| KNOWN.contains(&key.as_str()) || key.starts_with("annotation");
        exporter.kind == "image" && is("push", "true") && exporter.attributes.keys().all(is_known)
    });
    pushes && !export.references.is_empty() && export.receivers.is_empty()
}

#[cfg(test)]
mod tests;

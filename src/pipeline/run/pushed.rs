//! Images that registries have already.
//!
//! What an image is made from tells its digest: it is remembered what came of the last push of each
//! image. Where that is to be pushed again, and every one of its names still stands for it, there is
//! nothing to build and nothing to send, and the daemon is left alone. Registries are asked from this
//! machine; one that it cannot reach is left to the daemon.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use futures_util::stream;
use oci_spec::image::Digest;
use serde::{Deserialize, Serialize};

use super::{Offer, cache};
use crate::content::{folder_key, remember, remembered};
use crate::oci::Reference;
use crate::pipeline::exports::Export;
use crate::pipeline::function::{Identities, Inputs};
use crate::pipeline::outcome::Outcome;
use crate::pipeline::project::ProjectTree;
use crate::progress::event::Made;
use crate::registry::{Registry, host};

/// Version of what images are made of besides graph, config and attributes. Raise it whenever an image
/// of the same is another one.
const VERSION: u32 = 1;

/// How long a registry may take to answer. Building what did not change takes not much longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long one that did not answer is left to the daemon.
const SILENCE: Duration = Duration::from_hours(1);

/// How many images are asked for at once.
const AT_ONCE: usize = 16;

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

/// What is remembered of the images of a project, and who is asked about them.
#[derive(Debug)]
pub struct Pushed {
    asking: Asking,
    path: PathBuf,
    images: BTreeMap<String, Image>,
    silent: Mutex<BTreeMap<String, u64>>,
}

/// Who is asked.
#[derive(Debug)]
pub struct Asking {
    /// The registries; none if everything is to be built.
    pub registry: Option<Registry>,
    /// The project's files.
    pub tree: Arc<ProjectTree>,
    /// The builder: what it calls a registry may be another one than here.
    pub builder: String,
}

/// What is remembered between runs.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// The last pushes.
    images: BTreeMap<String, Image>,
    /// Registries that did not answer this machine, and when, in seconds since 1970.
    silent: BTreeMap<String, u64>,
}

/// The last push of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Image {
    /// What it was made from.
    identity: Digest,
    /// Who pushed it.
    builder: String,
    digest: Digest,
    /// What the exporter said.
    response: BTreeMap<String, String>,
}

/// What is known of an export before it is built.
pub(super) struct Known {
    /// What its pushes are remembered by, and what tells it from every other one; none if it is not
    /// known or does more than to push.
    remembered: Option<(String, Digest)>,
    /// What came of it, if it is there already.
    pub(super) outcome: Option<Outcome>,
}

impl Pushed {
    /// Reads what is remembered of the project in `folder`. `cache` is a folder for what may be lost.
    #[must_use]
    pub fn read(cache: &Path, folder: &Path, asking: Asking) -> Self {
        let path = cache.join(format!("pushed/{}-{VERSION}.json", folder_key(folder)));
        let memory: Memory = remembered(&path).unwrap_or_default();
        Self {
            asking,
            path,
            images: memory.images,
            silent: Mutex::new(memory.silent),
        }
    }

    /// Returns what is known of each export before anything is built.
    #[expect(
        clippy::disallowed_methods,
        reason = "what is remembered must be older than a moment"
    )]
    pub(super) async fn look_up(
        &self,
        inputs: &Inputs,
        exports: &[Export],
        offer: &Offer,
    ) -> Vec<Known> {
        let now = SystemTime::now();
        // An image that carries its cache is another one.
        let is_plain = |export: &Export| !offer.caches.inline && only_pushes(export);
        let mut identities = match exports.iter().any(is_plain) {
            true => Identities::new(inputs, &self.asking.tree, now),
            false => None,
        };
        let wanted = exports.iter().map(|export| {
            let identities = identities.as_mut().filter(|_| is_plain(export));
            let identity = identities.and_then(|identities| identities.of(export));
            let image = inputs.plan.images.get(export.image);
            (export, image, identity)
        });
        let wanted: Vec<_> = wanted.collect();
        let looks = !inputs.no_cache && offer.caches.exports.is_empty();
        let registry = self.asking.registry.as_ref().filter(|_| looks);
        let known = wanted
            .into_iter()
            .map(|(export, image, identity)| async move {
                let (Some(image), Some(identity)) = (image, identity) else {
                    return Known {
                        remembered: None,
                        outcome: None,
                    };
                };
                let key = format!("{} {:?}", image.name, export.shape);
                let found = match registry {
                    Some(registry) => {
                        let names = &export.references;
                        self.find(registry, &key, names, &identity, now).await
                    }
                    None => None,
                };
                let outcome = found.map(|found| Outcome {
                    name: image.name.clone(),
                    references: export.references.clone(),
                    digest: Some(found.digest.to_string()),
                    made: Made::Unchanged,
                    by_id: export.by_id,
                    response: found.response,
                });
                Known {
                    remembered: Some((key, identity)),
                    outcome,
                }
            });
        stream::iter(known).buffered(AT_ONCE).collect().await
    }

    /// Returns all outcomes in their order, and remembers those that were built.
    pub(super) fn completed(&self, known: Vec<Known>, built: Vec<Outcome>) -> Vec<Outcome> {
        let mut built = built.into_iter();
        let mut new = BTreeMap::new();
        let outcomes = known.into_iter().filter_map(|known| {
            if known.outcome.is_some() {
                return known.outcome;
            }
            let outcome = built.next()?;
            if let Some((key, identity)) = known.remembered {
                new.extend(self.image(identity, &outcome).map(|image| (key, image)));
            }
            Some(outcome)
        });
        let outcomes = outcomes.collect();
        if !new.is_empty() {
            self.remember(new);
        }
        outcomes
    }

    /// Returns the last push of an image, if this one would come to the same and its registries still
    /// have it under all of `names`.
    async fn find(
        &self,
        registry: &Registry,
        key: &str,
        names: &[String],
        identity: &Digest,
        now: SystemTime,
    ) -> Option<Image> {
        let known = self.images.get(key)?;
        if known.identity != *identity || known.builder != self.asking.builder {
            return None;
        }
        let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
        for name in names {
            // What is no name is the daemon's to refuse.
            let name: Reference = name.parse().ok()?;
            let host = host(&name);
            let silent = self.silent().get(host).copied();
            if silent.is_some_and(|since| now.saturating_sub(since) < SILENCE.as_secs()) {
                return None;
            }
            match registry.has(&name, &known.digest, PATIENCE).await {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    tracing::debug!(%error, "a registry is left to the builder");
                    self.silent().insert(host.to_owned(), now);
                    return None;
                }
            }
        }
        Some(known.clone())
    }

    /// Returns what there is to remember of a push.
    fn image(&self, identity: Digest, outcome: &Outcome) -> Option<Image> {
        let mut response = outcome.response.clone();
        // A cache that was written beside it.
        response.remove(cache::MANIFEST);
        Some(Image {
            identity,
            builder: self.asking.builder.clone(),
            digest: outcome.digest.as_ref()?.parse().ok()?,
            response,
        })
    }

    /// Remembers pushes, beside those of other runs that have ended meanwhile. Who cannot write builds
    /// again next time.
    fn remember(&self, new: BTreeMap<String, Image>) {
        let mut memory: Memory = remembered(&self.path).unwrap_or_default();
        memory.images.extend(new);
        memory.silent.extend(self.silent().clone());
        if let Err(error) = remember(&self.path, &memory) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remember what was pushed");
        }
    }

    fn silent(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // Every change is one call.
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells whether all that an export does is to push an image.
fn only_pushes(export: &Export) -> bool {
    let pushes = export.exporters.iter().all(|exporter| {
        let is_known =
            |key: &String| KNOWN.contains(&key.as_str()) || key.starts_with("annotation");
        exporter.kind == "image" && exporter.attributes.keys().all(is_known)
    });
    pushes && export.pushes && !export.stores && !export.references.is_empty()
}

#[cfg(test)]
mod tests;

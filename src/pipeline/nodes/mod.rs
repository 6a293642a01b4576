//! A build on several nodes: each platform on the node that has it, one index over all.
//!
//! [`split()`] says which node makes what, [`run()`] lets all of them build at once and puts the parts
//! together: an index in the registry that the parts were pushed to, in a layout, in an archive.
//! Steps run on each node's own platform, and what comes out is the same wherever they run.
//!
//! Source: docker/buildx `build/build.go` (`BuildWithResultHandler`), which refuses archives.

mod annotations;
mod archive;
mod index;
mod split;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::index::{Entry, Listed, Manifest, Written};
use self::split::{At, Join, Place};
pub use self::split::{Split, split};
use super::function::Inputs;
use super::outcome::Outcome;
use super::run::{self, Offer, RunError};
use crate::buildkit::client::Client;
use crate::buildkit::error::Error as WireError;
use crate::buildkit::session::auth::CredentialStore;
use crate::buildkit::session::content::LayoutStore;
use crate::oci::exporter::Destination;
use crate::oci::{Platform, Reference};
use crate::progress::event::{Event, Made};
use crate::registry::Registry;

/// A node, and what it builds from.
#[derive(Clone, Copy)]
pub struct Node<'a> {
    /// Its daemon.
    pub client: &'a Client,
    /// What to build, for steps on the node's own platform.
    pub inputs: &'a Inputs,
    /// What this machine offers to it.
    pub offer: &'a Offer,
}

/// Builds on all nodes and puts the parts together; the outcomes are in the order of the exports
/// that were split.
///
/// # Errors
/// The first failure that is not a consequence of another one.
pub async fn run(
    nodes: &[Node<'_>],
    split: &Split,
    events: &mpsc::Sender<Event>,
    cancel: &CancellationToken,
) -> Result<Vec<Outcome>, RunError> {
    let failed = cancel.child_token();
    let shares = nodes.iter().zip(&split.shares).map(|(node, share)| {
        let failed = &failed;
        async move {
            if share.is_empty() {
                return Ok(Vec::new());
            }
            let built = run::run(node.client, node.inputs, share, node.offer, events, failed).await;
            if built.is_err() {
                failed.cancel();
            }
            built
        }
    });
    let built = run::finished(join_all(shares).await)?;
    let credentials = nodes.first().map(|node| &node.offer.credentials);
    // A registry may take its time.
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(WireError::Cancelled.into()),
        outcomes = outcomes(split, &built, credentials) => outcomes,
    }
}

/// Puts together what the nodes have built.
async fn outcomes(
    split: &Split,
    built: &[Vec<Outcome>],
    credentials: Option<&Arc<CredentialStore>>,
) -> Result<Vec<Outcome>, RunError> {
    let mut outcomes = Vec::new();
    for place in &split.places {
        outcomes.push(match place {
            Place::Whole(at) => at.of(built).cloned().unwrap_or_default(),
            Place::Parts(parts, join) => {
                let joined = joined(join, parts, built, credentials).await?;
                joined.finished(join, credentials).await?
            }
        });
    }
    Ok(outcomes)
}

impl At {
    fn of(self, built: &[Vec<Outcome>]) -> Option<&Outcome> {
        built.get(self.node)?.get(self.position)
    }
}

/// An image whose parts are known.
struct Joined {
    outcome: Outcome,
    /// None where there are just binaries.
    index: Option<Written>,
}

/// Puts an image together.
async fn joined(
    join: &Join,
    parts: &[(Platform, At)],
    built: &[Vec<Outcome>],
    credentials: Option<&Arc<CredentialStore>>,
) -> Result<Joined, RunError> {
    let outcome = Outcome {
        name: join.name.clone(),
        references: join.references.clone(),
        made: Made::of(!join.pushes.is_empty()),
        ..Outcome::default()
    };
    if !join.is_image {
        return Ok(Joined {
            outcome,
            index: None,
        });
    }
    let mut entries = Vec::new();
    for (platform, at) in parts {
        let exported = at.of(built).and_then(Outcome::descriptor);
        let exported = exported.and_then(|json| serde_json::from_slice::<Manifest>(&json).ok());
        let exported = exported.ok_or(RunError::NoDescriptor)?;
        let (manifest, attestations) = match exported.is_index() {
            true => {
                let part = part(join, &exported.digest, credentials).await?;
                index::attested(&part).ok_or(RunError::NoDescriptor)?
            }
            false => (exported, Vec::new()),
        };
        entries.push(Entry {
            platform: platform.clone(),
            image: Listed {
                manifest,
                annotations: join.annotations.of(platform),
            },
            attestations,
        });
    }
    let index = index::write(&entries, &join.annotations.index);
    let index = index.map_err(|_| RunError::NoDescriptor)?;
    let response = [
        ("containerimage.digest", index.digest.clone()),
        (
            "containerimage.descriptor",
            STANDARD.encode(index.descriptor()),
        ),
        ("image.name", join.references.join(",")),
    ];
    Ok(Joined {
        outcome: Outcome {
            digest: Some(index.digest.clone()),
            response: response.map(|(key, value)| (key.to_owned(), value)).into(),
            ..outcome
        },
        index: Some(index),
    })
}

/// Reads the index that a node has made of its part and what it attests of it.
async fn part(
    join: &Join,
    digest: &str,
    credentials: Option<&Arc<CredentialStore>>,
) -> Result<Vec<u8>, RunError> {
    if let Some(path) = &join.layout {
        let failed = |source| RunError::Join {
            place: path.display().to_string(),
            source,
        };
        return LayoutStore::new(path).read(digest).map_err(failed);
    }
    let pushed = join.pushes.iter().find_map(|(name, insecure)| {
        let reference = name.parse::<Reference>().ok()?;
        let reference = reference.repository().with_digest(digest).ok()?;
        Some((reference, *insecure))
    });
    let (Some((reference, insecure)), Some(credentials)) = (pushed, credentials) else {
        return Err(RunError::NoDescriptor);
    };
    let registry = Registry::new(Arc::clone(credentials), insecure);
    let part = registry.manifest(&reference).await;
    let part = part.map_err(|source| RunError::Push {
        reference: join.references.join(", "),
        source,
    })?;
    Ok(part.0)
}

impl Joined {
    /// Writes the index wherever it is wanted.
    async fn finished(
        self,
        join: &Join,
        credentials: Option<&Arc<CredentialStore>>,
    ) -> Result<Outcome, RunError> {
        let Self { outcome, index } = self;
        let (Some(index), Some(credentials)) = (index, credentials) else {
            return Ok(outcome);
        };
        for (name, insecure) in &join.pushes {
            // Names that are none were refused by the daemons.
            let Ok(reference) = name.parse::<Reference>() else {
                continue;
            };
            let registry = Registry::new(Arc::clone(credentials), *insecure);
            let put = registry.put(&reference, index.media_type, &index.bytes);
            put.await.map_err(|source| RunError::Push {
                reference: name.to_owned(),
                source,
            })?;
        }
        if let Some(layout) = &join.layout {
            store(layout, join, &index, &outcome)?;
        }
        Ok(outcome)
    }
}

/// Completes the layout of the parts, and makes of it what else is wanted.
fn store(path: &Path, join: &Join, index: &Written, outcome: &Outcome) -> Result<(), RunError> {
    let failed = |place: &Path| {
        let place = place.display().to_string();
        move |source| RunError::Join { place, source }
    };
    let layout = LayoutStore::new(path);
    layout.add(&index.bytes).map_err(failed(path))?;
    run::index(path, outcome)?;
    for copy in &join.copies {
        let blobs = archive::reachable(&layout, &index.digest).map_err(failed(path))?;
        let to = LayoutStore::new(copy);
        for digest in blobs.keys() {
            to.copy(&layout, digest).map_err(failed(copy))?;
        }
        run::index(copy, outcome)?;
    }
    let listing = listing(index, &join.references).to_string();
    for to in &join.archives {
        let place = match to {
            Destination::File(path) => path,
            Destination::Stdout => Path::new("standard output"),
        };
        let written = archive::write(&layout, &index.digest, listing.as_bytes(), to);
        written.map_err(failed(place))?;
    }
    Ok(())
}

/// Returns the `index.json` of an archive: the image under each of its names.
fn listing(index: &Written, references: &[String]) -> Value {
    let entries = references.iter().map(|given| {
        let (name, tag) = run::named(given);
        json!({
            "mediaType": index.media_type,
            "digest": index.digest,
            "size": index.bytes.len(),
            "annotations": {
                "io.containerd.image.name": name,
                "org.opencontainers.image.ref.name": tag,
            },
        })
    });
    json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": entries.collect::<Vec<_>>(),
    })
}

//! What a builder can do, where that is not all that a buildkitd of today can.
//!
//! Two kinds of builders fall short: a BuildKit before v0.11, and a Docker Engine, whose BuildKit
//! keeps images in the engine's own store. Without the containerd image store that is one of one
//! platform, from which nothing can be pushed or archived. Graphs are rewritten ([`Older`]);
//! outputs that such a builder cannot make are refused here, before anything is built.
//!
//! Source: moby `builder/builder-next/{controller,worker/worker}.go`, buildx `build/opt.go` and
//! `driver/docker/driver.go`.

use std::collections::BTreeSet;

use crate::buildkit::client::Client;
use crate::buildkit::error::Error as WireError;
use crate::buildkit::gateway::{Translation, Untranslatable};
use crate::buildkit::transport::Address;
use crate::llb::{Definition, Older, VariablesFile};
use crate::pipeline::caches::Caches;
use crate::pipeline::exports::{Export, Receiver, Shape};
use crate::plan::{VARIABLES_SECRET, paths};
use crate::project::manifest::Compression;

/// The capability that engines without the containerd image store claim and do not have.
const OCI_LAYOUT: &str = "source.ocilayout";

/// The capability of exporters that know attestations, BuildKit's since v0.11.
const ATTESTATIONS: &str = "exporter.image.attestations";

/// What is wrong with an engine of storage drivers.
const CLASSIC: &str = "the Docker Engine has no containerd image store";

/// Label of a worker that keeps images in containerd's store.
const SNAPSHOTTER: &str = "org.mobyproject.buildkit.worker.snapshotter";

/// What a builder can do.
#[derive(Clone, Debug, Default)]
pub struct Abilities {
    store: Store,
    older: Option<Older>,
}

/// Where the builder keeps images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Store {
    /// It is no engine.
    #[default]
    Own,
    /// The containerd image store of a Docker Engine.
    Containerd,
    /// The image store of a Docker Engine with storage drivers.
    Classic,
}

/// An output that the builder cannot make.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{because}: it cannot {what}")]
pub struct Unable {
    because: &'static str,
    what: String,
    /// What can be done instead.
    pub instead: Option<&'static str>,
}

impl Abilities {
    /// Asks the builder, unless it is known to lack nothing.
    ///
    /// # Errors
    /// The builder is gone.
    pub async fn ask(client: &Client) -> Result<Self, WireError> {
        let is_engine = matches!(client.address(), Address::DockerEngine(_));
        if !is_engine && client.version().is_some() {
            return Ok(Self::default());
        }
        let told = client.capabilities().await?;
        let mut workers = told.workers.iter();
        let store = match workers.any(|worker| worker.labels.contains_key(SNAPSHOTTER)) {
            _ if !is_engine => Store::Own,
            true => Store::Containerd,
            false => Store::Classic,
        };
        let mut capabilities = told.llb;
        if store == Store::Classic {
            capabilities.remove(OCI_LAYOUT);
        }
        let abilities = Self {
            store,
            ..Self::told(capabilities)
        };
        tracing::debug!(?abilities, "abilities of the builder");
        Ok(abilities)
    }

    /// Returns the abilities of a builder that told its capabilities of graphs.
    #[must_use]
    pub fn told(capabilities: BTreeSet<String>) -> Self {
        let older = Older {
            capabilities,
            variables: VariablesFile {
                secret: VARIABLES_SECRET.to_owned(),
                path: paths::VARIABLES.to_owned(),
                variable: "GOENV".to_owned(),
            },
        };
        Self {
            store: Store::Own,
            older: (!older.is_complete()).then_some(older),
        }
    }

    /// Returns what puts graphs into the builder's terms.
    #[must_use]
    pub fn translation(&self) -> Translation {
        let Some(older) = self.older.clone() else {
            return Translation::default();
        };
        Translation::new(move |graph| {
            let refused = |error: &dyn std::fmt::Display| Untranslatable(error.to_string());
            let graph = Definition::from_pb(graph).map_err(|error| refused(&error))?;
            let rewritten = older.rewrite(&graph).map_err(|error| refused(&error))?;
            Ok(rewritten.to_pb())
        })
    }

    /// Tells whether images are to be built one after the other: two solves at once may end the
    /// daemon (`panic: failed to get edge` in BuildKit's `solver/scheduler.go` before v0.10).
    #[must_use]
    pub fn builds_in_turn(&self) -> bool {
        self.older.is_some()
    }

    /// Tells whether what is built is in a Docker Engine's store without being loaded.
    #[must_use]
    pub fn keeps_images(&self) -> bool {
        self.store != Store::Own
    }

    /// Returns how layers are to be packed, where the builder keeps them unpacked anyway.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        (self.store == Store::Classic).then_some(Compression::Uncompressed)
    }

    /// Checks that what is to be attested can be.
    ///
    /// # Errors
    /// The builder attests nothing.
    pub fn attests(&self, exports: &[Export]) -> Result<(), Unable> {
        if exports.iter().all(|export| export.attestations.is_empty()) {
            return Ok(());
        }
        let lacks = |older: &Older| !older.capabilities.contains(ATTESTATIONS);
        let because = match &self.older {
            _ if self.store == Store::Classic => CLASSIC,
            Some(older) if lacks(older) => "the builder's BuildKit is too old",
            _ => return Ok(()),
        };
        Err(Unable {
            because,
            what: "attest anything".to_owned(),
            instead: Some("build without --attest, --sbom and --provenance"),
        })
    }

    /// Puts exports into the builder's terms.
    ///
    /// # Errors
    /// The builder cannot make one of them.
    pub fn fit(&self, exports: &mut [Export], caches: &Caches) -> Result<(), Unable> {
        self.attests(exports)?;
        if self.store == Store::Own {
            return Ok(());
        }
        for export in &mut *exports {
            for exporter in &mut export.exporters {
                if exporter.kind == "image" {
                    exporter.kind = "moby".to_owned();
                }
            }
        }
        if self.store == Store::Containerd {
            return Ok(());
        }
        for export in &mut *exports {
            classic(export)?;
        }
        match caches.exports.first() {
            Some(cache) => Err(Unable {
                because: CLASSIC,
                what: format!("write the cache {}", cache.shown),
                instead: Some("--cache-to type=inline is what it can write"),
            }),
            None => Ok(()),
        }
    }
}

/// Puts an export into the terms of the classic image store.
fn classic(export: &mut Export) -> Result<(), Unable> {
    let unable = |what: &str, instead| {
        Err(Unable {
            because: CLASSIC,
            what: what.to_owned(),
            instead,
        })
    };
    if export.pushes {
        return unable("push", Some("build without --push, then docker push"));
    }
    if export.shape == Shape::Binaries {
        return Ok(());
    }
    if export.platforms > 1 {
        let what = "keep an image of several platforms";
        return unable(what, Some("--platform names the one to build"));
    }
    let archived = |receiver: &Receiver| !matches!(receiver, Receiver::Folder(_));
    if export.receivers.values().any(archived) {
        return unable(
            "write archives or layouts",
            Some("build without --output, then docker save"),
        );
    }
    for exporter in &mut export.exporters {
        exporter.attributes.retain(|key, _| key == "name");
    }
    export.by_id = true;
    Ok(())
}

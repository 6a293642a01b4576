//! Puts what a lock file knows in place of names that may mean another thing tomorrow.

use std::collections::BTreeSet;
use std::fmt;

use super::steps::toolchain::{self, NotAVersion};
use super::{Plan, ToolchainSource, ToolchainStep};
use crate::oci::{Platform, Reference};
use crate::project::golang::workspace::Workspace;
use crate::project::lock::{Lock, LockedToolchain};
use crate::project::manifest::{Base, Manifest};

/// What the lock file of a project has entries for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Base and toolchain images that are named without a digest.
    pub images: BTreeSet<Reference>,
    /// Version of the toolchain of the module proxy; none if Go comes from elsewhere.
    pub toolchain: Option<String>,
}

/// Something that a lock file has no entry for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unlocked {
    /// An image.
    Image(Reference),
    /// A Go toolchain of the module proxy.
    Toolchain {
        /// Its version.
        version: String,
        /// The platform that it runs on.
        platform: Platform,
    },
}

/// What a lock file lacks of what a plan needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} lacks {names}")]
pub struct Lacking {
    /// The lock file.
    file: String,
    /// The names that it has no entry for.
    names: String,
}

impl Lacking {
    /// What can be done about it.
    pub const HINT: &str = "`gobuild lock` looks up what is missing";
}

/// Returns what a project's lock file has entries for, whichever images and platforms are built.
///
/// # Errors
/// The manifest's Go version is malformed.
pub fn needs(manifest: &Manifest, workspace: &Workspace) -> Result<Needs, NotAVersion> {
    let go = &manifest.go;
    let step = toolchain::step(go, &manifest.modules, &toolchain::version(go, workspace)?);
    let bases = manifest.images.iter().flat_map(|image| {
        let base = &image.base;
        base.default.iter().chain(base.platforms.values())
    });
    let images = bases.filter_map(|base| match base {
        Base::Image(reference) => Some(reference.clone()),
        Base::Static | Base::Scratch => None,
    });
    let images = images.chain(step.image());
    Ok(Needs {
        images: images
            .filter(|reference| reference.digest().is_none())
            .map(Reference::or_latest)
            .collect(),
        toolchain: (step.source == ToolchainSource::Proxy).then_some(step.version),
    })
}

impl Plan {
    /// Pins images and toolchain to what the lock file `file` says that they are, if there is one.
    /// Returns what it lacks, for a warning.
    ///
    /// # Errors
    /// It lacks something and `whole` is set.
    pub fn pin_to(
        &mut self,
        file: &str,
        lock: Option<&Lock>,
        whole: bool,
    ) -> Result<Option<Lacking>, Lacking> {
        let unlocked = match lock {
            Some(lock) => self.pin(lock),
            None if whole => self.pin(&Lock::default()),
            None => return Ok(None),
        };
        let names: Vec<String> = unlocked.iter().map(Unlocked::to_string).collect();
        let lacking = (!names.is_empty()).then(|| Lacking {
            file: file.to_owned(),
            names: names.join(", "),
        });
        match lacking {
            Some(lacking) if whole => Err(lacking),
            lacking => Ok(lacking),
        }
    }

    /// Pins images and toolchain to what `lock` says that they are; returns what it does not know.
    pub(super) fn pin(&mut self, lock: &Lock) -> BTreeSet<Unlocked> {
        let mut unlocked = BTreeSet::new();
        let mut pinned = |reference: &Reference| {
            if reference.digest().is_some() {
                return None;
            }
            let digest = lock.image(reference);
            if digest.is_none() {
                unlocked.insert(Unlocked::Image(reference.clone().or_latest()));
            }
            // A digest of a lock file is whole.
            reference.with_digest(digest?.as_ref()).ok()
        };
        let images = self.images.iter_mut();
        for image in images.flat_map(|image| &mut image.platforms) {
            if let Base::Image(reference) = &mut image.base
                && let Some(digest) = pinned(reference)
            {
                *reference = digest;
            }
        }
        let toolchain = &mut self.toolchain;
        if let Some(digest) = toolchain.image().and_then(|image| pinned(&image)) {
            toolchain.source = ToolchainSource::Image(digest.to_string());
        }
        if toolchain.source == ToolchainSource::Proxy {
            let (version, platform) = (&toolchain.version, &self.build_platform);
            toolchain.locked = lock.toolchain(version, platform).cloned();
            if toolchain.locked.is_none() {
                unlocked.insert(Unlocked::Toolchain {
                    version: version.clone(),
                    platform: platform.clone(),
                });
            }
        }
        unlocked
    }
}

impl ToolchainStep {
    /// Returns what the lock file knows and where the archive is; none if no server has it.
    #[must_use]
    pub fn download(&self) -> Option<(&LockedToolchain, &str)> {
        let locked = self.locked.as_ref()?;
        Some((locked, locked.url.as_deref()?))
    }

    /// Returns the image that it is; none if it is no image.
    fn image(&self) -> Option<Reference> {
        match &self.source {
            ToolchainSource::Image(reference) => reference.parse().ok(),
            ToolchainSource::Proxy | ToolchainSource::Host => None,
        }
    }
}

impl fmt::Display for Unlocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image(reference) => f.write_str(&reference.familiar()),
            Self::Toolchain { version, platform } => write!(f, "Go {version} for {platform}"),
        }
    }
}

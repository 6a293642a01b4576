//! Writes lock files: looks up what the names of a project stand for, and remembers it.
//!
//! Registries and the module proxy are asked from this machine; no daemon is needed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::content::write_whole;
use crate::oci::Platform;
use crate::plan::Needs;
use crate::project::lock::{Lock, LockedImage, LockedLayer, LockedToolchain};
use crate::registry::{Registry, RegistryError};
use crate::toolchain::{self, Host, Packed, ToolchainError};

/// Why a lock file is not written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Nobody says what an image is.
    #[error("cannot look up {name}")]
    Image {
        /// The image.
        name: String,
        /// Why.
        source: RegistryError,
    },
    /// A toolchain cannot be had.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The task that fetches a toolchain is gone.
    #[error("fetching Go ended early")]
    Lost,
    /// The file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Who is asked.
pub struct Sources<'a> {
    /// The registries.
    pub registry: &'a Registry,
    /// This machine, with its go command.
    pub host: &'a Host,
    /// Ends the search for a toolchain.
    pub cancel: &'a CancellationToken,
    /// Hears what is looked up.
    pub say: fn(&str),
}

/// Returns the entries that a project needs, of toolchains those that run on `platforms`: what `known`
/// has as it is, the others looked up.
///
/// # Errors
/// See [`LockError`].
pub async fn lock(
    needs: &Needs,
    platforms: &[Platform],
    known: &Lock,
    sources: &Sources<'_>,
) -> Result<Lock, LockError> {
    let mut lock = Lock::default();
    for name in &needs.images {
        let digest = match known.image(name) {
            Some(digest) => digest.clone(),
            None => {
                (sources.say)(&format!("looking up {}", name.familiar()));
                let found = sources.registry.digest(name).await;
                found.map_err(|source| LockError::Image {
                    name: name.familiar(),
                    source,
                })?
            }
        };
        let name = name.clone();
        lock.images.push(LockedImage { name, digest });
    }
    let Some(version) = &needs.toolchain else {
        return Ok(lock);
    };
    for platform in platforms.iter().collect::<BTreeSet<_>>() {
        let locked = known.toolchain(version, platform);
        let current = locked.filter(|locked| packed(&locked.layer).is_current());
        lock.toolchains.push(match current {
            Some(current) => current.clone(),
            None => {
                (sources.say)(&format!("fetching Go {version} for {platform}"));
                fetched(version, platform, sources).await?
            }
        });
    }
    Ok(lock)
}

async fn fetched(
    version: &str,
    platform: &Platform,
    sources: &Sources<'_>,
) -> Result<LockedToolchain, LockError> {
    let (asked, on) = (version.to_owned(), platform.clone());
    let (host, cancel) = (sources.host.clone(), sources.cancel.clone());
    let fetching = tokio::task::spawn_blocking(move || {
        toolchain::fetch(&asked, &on, &host, || cancel.is_cancelled())
    });
    let fetched = fetching.await.map_err(|_| LockError::Lost)??;
    Ok(LockedToolchain {
        version: version.to_owned(),
        platform: platform.clone(),
        url: fetched.url,
        digest: fetched.digest,
        layer: LockedLayer {
            packer: fetched.packed.packer,
            digest: fetched.packed.digest,
            size: fetched.packed.size,
        },
    })
}

/// Returns a layer that a lock file names.
pub(super) fn packed(layer: &LockedLayer) -> Packed {
    Packed {
        packer: layer.packer,
        digest: layer.digest.clone(),
        size: layer.size,
    }
}

/// Writes a lock file, whole or not at all.
///
/// # Errors
/// [`LockError::Write`].
pub fn write(lock: &Lock, path: &Path) -> Result<(), LockError> {
    write_whole(path, lock.to_text().as_bytes()).map_err(|source| LockError::Write {
        path: path.to_owned(),
        source,
    })
}

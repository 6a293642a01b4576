//! Writes what gobuild carries, or can have fetched, into a step's output: parts of images, and a
//! Go toolchain.

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::image::Digest;

use crate::base::certs::{PemFile, mozilla};
use crate::base::{self, BaseError, CERTS_PATH};
use crate::content::{LayerBuilder, LayerError};
use crate::oci::Platform;
use crate::toolchain::{self, Host, ToolchainError};

/// A part of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The `static` base.
    Base,
    /// Time zones.
    TimeZones,
    /// The trust store with the certificates of these files added.
    Certs(Vec<PathBuf>),
}

/// Why a part cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It cannot be put together.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// Its files do not fit together.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// There is no toolchain.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// A file cannot be read or written.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Writes a part of an image into a folder.
///
/// # Errors
/// See [`PartError`].
pub fn part(part: &Part, folder: &Path) -> Result<(), PartError> {
    let layer = match part {
        Part::Base => base::static_layer()?,
        Part::TimeZones => base::tzdata_layer()?,
        Part::Certs(files) => {
            let read = |path: &PathBuf| {
                fs::read(path).map_err(|source| PartError::Copy {
                    path: path.clone(),
                    source,
                })
            };
            let bundles = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let names: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
            let extra = names.iter().zip(&bundles);
            let extra: Vec<PemFile<'_>> = extra.map(|(name, pem)| PemFile { name, pem }).collect();
            base::certs_layer(&extra)?
        }
    };
    write(&layer, folder)
}

/// Where a step takes a toolchain from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The `go` command fetches and checks it; its archive has this digest, if one is known.
    Proxy(Option<&'a Digest>),
    /// This is its archive, and the right one.
    Archive(&'a Path),
}

/// Writes what builds need of a toolchain, and the certificates that downloads trust where the
/// session lends none.
///
/// # Errors
/// See [`PartError`].
pub fn toolchain(
    version: &str,
    origin: Origin<'_>,
    folder: &Path,
    scratch: &Path,
) -> Result<(), PartError> {
    let platform = Platform::linux(std::env::consts::ARCH);
    let mut layer = match origin {
        Origin::Proxy(expected) => {
            toolchain::fetched(version, &platform, &Host::new(scratch), expected)?
        }
        Origin::Archive(archive) => toolchain::unpacked(archive, version, &platform)?,
    };
    layer.file(CERTS_PATH, mozilla(), crate::content::Attributes::FILE)?;
    write(&layer, folder)
}

fn write(layer: &LayerBuilder, folder: &Path) -> Result<(), PartError> {
    layer.unpack(folder).map_err(|source| PartError::Copy {
        path: folder.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_base_is_written_as_it_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        part(&Part::Base, folder.path()).unwrap();
        let found = |path: &str| fs::symlink_metadata(folder.path().join(path)).unwrap();
        assert_eq!(found("tmp").mode(), 0o041_777);
        assert_eq!(found("etc/passwd").mode(), 0o100_644);
        assert!(found("var/run").is_symlink());
        assert!(found("usr/share/zoneinfo/Europe/Berlin").is_file());
    }
}

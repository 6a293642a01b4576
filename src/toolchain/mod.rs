//! The Go toolchain of a build, as a layout that the daemon mounts.
//!
//! What enters is an exact Go version and the build platform; what leaves is a
//! [`Layout`] whose digest is the same on every machine, because the
//! selection of files (`slim`), their modes and the tar bytes are. Two kinds:
//!
//! - [`Kind::Proxy`] has the host's `go` command download and check the module
//!   `golang.org/toolchain@v0.0.1-go<version>.<os>-<arch>`, with the user's own proxies,
//!   credentials, trust and checksum database.
//! - [`Kind::Host`] takes the tree that the host's `go` command runs from.
//!
//! [`Helper`] is gobuild itself as such a layout, for steps that run it.
//!
//! A small JSON memo in the cache folder remembers the digest, so a later run knows the layout
//! without reading the tree or having it. The bytes are looked up, downloaded again if need
//! be, and compared with the memo when the daemon asks for them.
//!
//! Edges: this module starts `go`, reads its trees and writes the memos. [`goenv`] reads
//! the user's Go settings, [`trust`] the machine's certificates.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that runs the go command and packs what it fetched"
)]

mod archive;
mod command;
mod error;
pub mod goenv;
mod helper;
mod host;
mod lazy;
mod locked;
mod memo;
mod program;
mod proxy;
mod slim;
mod tree;
pub mod trust;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use error::ToolchainError;
pub use helper::Helper;
pub use locked::{Fetched, Packed, fetch};

use oci_spec::image::Digest;

use crate::content::{Attributes, LayerBuilder, Layout};
use crate::oci::Platform;

/// Name of the toolchain's layout in `oci-layout://` sources.
pub const NAME: &str = "gobuild/toolchain";

/// `GOROOT` inside the layout.
pub const GOROOT: &str = "/usr/local/go";

/// Version of the selection and packing rules. Raise it whenever a packed toolchain's digest
/// changes for the same input: memos of other versions are not read.
const PACKER: u32 = 2;

/// Where a toolchain comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The toolchain module of the exact version, through the user's module proxy.
    Proxy,
    /// The host's own tree, if it is new enough.
    Host,
}

/// What this machine offers: its `go` command and a folder for memos.
#[derive(Clone, Debug)]
pub struct Host {
    /// The `go` command, a name looked up in `PATH` or a path.
    pub go: OsString,
    /// Folder for what may be lost, e.g. `~/.cache/gobuild`; created when needed.
    pub cache: PathBuf,
}

impl Host {
    /// Returns a host whose `go` is found in `PATH`.
    #[must_use]
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            go: OsString::from("go"),
            cache: cache.into(),
        }
    }

    /// Tells whether there is a go command.
    #[must_use]
    pub fn has_go(&self) -> bool {
        let named = Path::new(&self.go);
        if named.components().count() > 1 {
            return named.is_file();
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&folders).any(|folder| folder.join(named).is_file())
    }

    fn memo_path(&self, name: &str) -> PathBuf {
        let file = format!("{name}-{PACKER}.json");
        self.cache.join("toolchains").join(file)
    }
}

/// Prepares the toolchain `version`, e.g. `1.26.3` or `1.27rc1`, that runs on `platform`.
///
/// A toolchain of the proxy that is known to be `packed` by this gobuild's rules is neither looked for
/// nor read until somebody asks for its bytes.
///
/// Blocks: it may download some 70 MB and hash some 120 MB the first time.
///
/// # Errors
/// There is no `go` on the host, the version does not exist, the download or its check fails,
/// the host's tree is too old or for another platform, or a file cannot be read.
pub fn prepare(
    kind: Kind,
    version: &str,
    platform: &Platform,
    host: &Host,
    packed: Option<&Packed>,
) -> Result<Layout, ToolchainError> {
    check_version(version)?;
    let packed = packed.filter(|packed| packed.is_current());
    let layer = match (kind, packed) {
        (Kind::Proxy, Some(packed)) => packed.layer(version, platform, host),
        (Kind::Proxy, None) => proxy::layer(version, platform, host)?,
        (Kind::Host, _) => host::layer(version, platform, host)?,
    };
    Ok(Layout::new(NAME, platform, &[layer])?)
}

/// Has the toolchain module `version` fetched and checked, and returns the entries of its layer.
///
/// # Errors
/// As [`prepare`]; its archive has another digest than `expected`.
pub fn fetched(
    version: &str,
    platform: &Platform,
    host: &Host,
    expected: Option<&Digest>,
) -> Result<LayerBuilder, ToolchainError> {
    check_version(version)?;
    let module = proxy::download(version, platform, host)?;
    if let Some(expected) = expected {
        let archive = module.archive()?;
        let found = locked::digest(archive)?;
        if found != *expected {
            return Err(ToolchainError::NotLocked {
                root: archive.to_owned(),
                found: found.to_string(),
                locked: expected.to_string(),
            });
        }
    }
    tree::Tree::read(&module.root, platform)?.layer()
}

/// Returns the entries of the layer of the toolchain in `archive`, the zip file of its module.
///
/// # Errors
/// It cannot be read, or is the archive of something else.
pub fn unpacked(
    archive: &Path,
    version: &str,
    platform: &Platform,
) -> Result<LayerBuilder, ToolchainError> {
    check_version(version)?;
    archive::layer(archive, version, platform)
}

/// Adds to `layer`, at `folder`, a GOROOT that holds just what the `go` command needs to download
/// modules: itself and its defaults.
///
/// # Errors
/// As [`prepare`].
pub fn add_command(
    layer: &mut LayerBuilder,
    folder: &str,
    version: &str,
    platform: &Platform,
    host: &Host,
) -> Result<(), ToolchainError> {
    check_version(version)?;
    let root = proxy::download(version, platform, host)?.root;
    let files = [
        ("bin/go", Attributes::EXECUTABLE),
        ("go.env", Attributes::FILE),
    ];
    for (file, attributes) in files {
        layer.disk_file(
            &format!("{folder}/{file}"),
            root.join(file).as_path(),
            attributes,
        )?;
    }
    Ok(())
}

/// Refuses what could name another module or be another directive.
fn check_version(version: &str) -> Result<(), ToolchainError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.';
    if version.starts_with(|c: char| c.is_ascii_digit()) && version.bytes().all(allowed) {
        Ok(())
    } else {
        Err(ToolchainError::Version {
            version: version.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;

//! A toolchain that a lock file knows: what it says of one, and where that comes from.

use std::fs::{self, File};
use std::path::Path;

use oci_spec::image::{Descriptor, Digest, MediaType};

use super::goenv::GoEnv;
use super::lazy::{self, Origin};
use super::memo::Memo;
use super::tree::Tree;
use super::{Host, PACKER, ToolchainError, proxy};
use crate::content::{self, Layer};
use crate::oci::Platform;

/// The layer that gobuild makes of a toolchain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Version of the rules by which it is packed.
    pub packer: u32,
    /// Digest of the layer, which is not compressed.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// A toolchain of the module proxy, fetched and looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Where anyone can fetch its archive from; none if the proxy is no server, or wants a password.
    pub url: Option<String>,
    /// Digest of the archive.
    pub digest: Digest,
    /// What is made of it.
    pub packed: Packed,
}

impl Packed {
    /// Tells whether this gobuild packs toolchains by the same rules.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.packer == PACKER
    }

    /// Returns the layer, whose bytes are fetched, packed and compared when they are asked for.
    pub(super) fn layer(&self, version: &str, platform: &Platform, host: &Host) -> Layer {
        let tar = MediaType::ImageLayer;
        let descriptor = Descriptor::new(tar, self.size, self.digest.clone());
        let origin = Origin::Proxy {
            version: version.to_owned(),
            host: host.clone(),
        };
        let memo = Memo::known(descriptor, self.digest.clone());
        lazy::layer(memo, None, origin, platform)
    }
}

/// Has the toolchain `version` that runs on `platform` fetched and checked, and says what it is.
///
/// Proxies of `GOPROXY` are asked in their order, each by itself, so that it is known which of them
/// has the archive: some 70 MB are downloaded even if the module cache has them. Blocks; no further
/// proxy is asked once `stopped` says so, or a signal has ended `go`.
///
/// # Errors
/// As [`super::prepare`].
pub fn fetch(
    version: &str,
    platform: &Platform,
    host: &Host,
    stopped: impl Fn() -> bool,
) -> Result<Fetched, ToolchainError> {
    super::check_version(version)?;
    let settings = GoEnv::read(host, Path::new("."))?;
    for server in servers(settings.get("GOPROXY").unwrap_or_default()) {
        match from_server(server, version, platform, host) {
            Ok(fetched) => return Ok(fetched),
            // Ctrl-C may have ended go before it is known here.
            Err(error @ ToolchainError::Ended { .. }) => return Err(error),
            Err(error) if stopped() => return Err(error),
            Err(error) => tracing::debug!(server, %error, "the toolchain is not there"),
        }
    }
    let module = proxy::download(version, platform, host)?;
    described(None, &module, platform)
}

/// Returns the proxies that a builder can ask, too.
fn servers(proxies: &str) -> impl Iterator<Item = &str> {
    let proxies = proxies.split([',', '|']).map(str::trim);
    proxies.filter(|proxy| {
        let rest = proxy.split_once("://");
        rest.is_some_and(|(scheme, rest)| {
            let host = rest.split('/').next().unwrap_or_default();
            matches!(scheme, "http" | "https") && !host.is_empty() && !host.contains('@')
        })
    })
}

fn from_server(
    server: &str,
    version: &str,
    platform: &Platform,
    host: &Host,
) -> Result<Fetched, ToolchainError> {
    let folder = scratch(host)?;
    let cache = folder.path().to_string_lossy();
    let environment = [
        ("GOFLAGS", "-mod=mod -modcacherw"),
        ("GOMODCACHE", cache.as_ref()),
        ("GOPROXY", server),
    ];
    let module = proxy::download_with(version, platform, host, &environment)?;
    let url = proxy::archive_url(server, version, platform);
    described(Some(url), &module, platform)
}

/// Returns a folder for one module cache.
fn scratch(host: &Host) -> Result<tempfile::TempDir, ToolchainError> {
    let folder = fs::create_dir_all(&host.cache).and_then(|()| tempfile::tempdir_in(&host.cache));
    folder.map_err(|source| ToolchainError::Memo {
        path: host.cache.clone(),
        source,
    })
}

fn described(
    url: Option<String>,
    module: &proxy::Module,
    platform: &Platform,
) -> Result<Fetched, ToolchainError> {
    let layer = Tree::read(&module.root, platform)?.pack()?;
    Ok(Fetched {
        url,
        digest: digest(module.archive()?)?,
        packed: Packed {
            packer: PACKER,
            digest: layer.descriptor().digest().clone(),
            size: layer.descriptor().size(),
        },
    })
}

/// Returns the digest of a file.
pub(super) fn digest(file: &Path) -> Result<Digest, ToolchainError> {
    let digest = File::open(file).and_then(content::digest);
    digest.map_err(|source| ToolchainError::Tree {
        path: file.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_without_a_password_are_written_down() {
        let proxies = "https://a.test/go,https://me:secret@b.test|http://c.test, file:///d,direct";
        let found: Vec<&str> = servers(proxies).collect();
        assert_eq!(found, ["https://a.test/go", "http://c.test"]);
        assert_eq!(servers("off").count() + servers("").count(), 0);
    }
}

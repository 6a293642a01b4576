//! The toolchain module, fetched and checked by the host's go command.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lazy::{self, Origin};
use super::memo::Memo;
use super::tree::Tree;
use super::{Host, ToolchainError, command};
use crate::content::Layer;
use crate::oci::Platform;

/// What `go mod download -json` says of one module.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    dir: Option<PathBuf>,
    zip: Option<PathBuf>,
    error: Option<String>,
}

/// Returns the toolchain's layer, from the memo if there is one.
pub(super) fn layer(
    version: &str,
    platform: &Platform,
    host: &Host,
) -> Result<Layer, ToolchainError> {
    let release = release(version, platform);
    let memo_path = host.memo_path(&release);
    if let Some(memo) = Memo::read(&memo_path, None) {
        let origin = Origin::Proxy {
            version: version.to_owned(),
            host: host.clone(),
        };
        return Ok(lazy::layer(memo, Some(memo_path), origin, platform));
    }
    let root = download(version, platform, host)?.root;
    let layer = Tree::read(&root, platform)?.pack()?;
    Memo::of(&layer, None).write(&memo_path)?;
    Ok(layer)
}

/// A toolchain in a module cache.
#[derive(Debug)]
pub(super) struct Module {
    /// The extracted tree.
    pub(super) root: PathBuf,
    archive: Option<PathBuf>,
}

impl Module {
    /// Returns the archive that it was extracted from.
    ///
    /// # Errors
    /// The go command named none.
    pub(super) fn archive(&self) -> Result<&Path, ToolchainError> {
        let incomplete = || ToolchainError::Incomplete {
            root: self.root.clone(),
            missing: "its zip file".to_owned(),
        };
        self.archive.as_deref().ok_or_else(incomplete)
    }
}

/// Has the go command put the toolchain into its module cache.
///
/// # Errors
/// As [`super::prepare`].
pub(super) fn download(
    version: &str,
    platform: &Platform,
    host: &Host,
) -> Result<Module, ToolchainError> {
    // An empty GOFLAGS would let the one of `go env -w` through.
    download_with(version, platform, host, &[("GOFLAGS", "-mod=mod")])
}

/// As [`download`], with variables on top of the user's own.
pub(super) fn download_with(
    version: &str,
    platform: &Platform,
    host: &Host,
    variables: &[(&str, &str)],
) -> Result<Module, ToolchainError> {
    let module = module(version, platform);
    let arguments = ["mod", "download", "-json", module.as_str()];
    let failed = |source| command::failed(&arguments, source);
    let folder = tempfile::tempdir().map_err(failed)?;
    // The project's go.mod, workspace and flags have no say here.
    let mut environment = vec![("GOWORK", "off"), ("GO111MODULE", "on")];
    environment.extend(variables);
    let output = command::run(host, folder.path(), &arguments, &environment)?;
    match serde_json::from_slice::<Download>(&output.stdout) {
        Ok(Download {
            error: Some(detail),
            ..
        }) => Err(classify(version, platform, &detail)),
        Ok(Download {
            dir: Some(root),
            zip,
            ..
        }) if output.status.success() => Ok(Module { root, archive: zip }),
        _ => {
            let detail = command::complaint(&output).to_string();
            Err(classify(version, platform, &detail))
        }
    }
}

/// Returns `go1.26.3.linux-amd64`.
fn release(version: &str, platform: &Platform) -> String {
    format!("go{version}.{}-{}", platform.os, platform.architecture)
}

/// Returns the module and its version, as `go` names them.
pub(super) fn module(version: &str, platform: &Platform) -> String {
    format!("golang.org/toolchain@v0.0.1-{}", release(version, platform))
}

/// Returns where a proxy has the archive. Source: go.dev/ref/mod "GOPROXY protocol".
pub(super) fn archive_url(proxy: &str, version: &str, platform: &Platform) -> String {
    let proxy = proxy.trim_end_matches('/');
    let release = release(version, platform);
    format!("{proxy}/golang.org/toolchain/@v/v0.0.1-{release}.zip")
}

/// Tells the failures of a download apart by the go command's words
/// (cmd/go/internal/modfetch and web).
fn classify(version: &str, platform: &Platform, message: &str) -> ToolchainError {
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    // The message starts with the module's name, which says nothing the error does not.
    let module = format!("{}: ", module(version, platform));
    let detail = message.trim().trim_start_matches(&module).to_owned();
    let version = version.to_owned();
    if says(&[
        "checksum mismatch",
        "SECURITY ERROR",
        "invalid signature",
        "malformed zip",
    ]) {
        ToolchainError::Checksum { version, detail }
    } else if says(&[
        "GOPROXY=off",
        "GOPROXY list is not the empty string",
        "GOVCS",
    ]) {
        ToolchainError::Off { version, detail }
    } else if says(&[
        "404 Not Found",
        "410 Gone",
        "unknown revision",
        "not available",
        "invalid version",
    ]) {
        let platform = platform.to_string();
        ToolchainError::NoSuchRelease {
            version,
            platform,
            detail,
        }
    } else if says(&[
        "401 Unauthorized",
        "403 Forbidden",
        "407 Proxy Authentication",
    ]) {
        ToolchainError::Refused { version, detail }
    } else if says(&[
        "dial tcp",
        "lookup ",
        "i/o timeout",
        "connection re",
        "TLS handshake",
        "tls: ",
        "x509: ",
        "proxyconnect",
        "EOF",
        "502 ",
        "503 ",
        "504 ",
    ]) {
        ToolchainError::Network { version, detail }
    } else {
        ToolchainError::Download { version, detail }
    }
}

//! The toolchain module, fetched and checked by the host's go command.

use std::path::PathBuf;

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
        return Ok(lazy::layer(memo, memo_path, origin, platform));
    }
    let root = download(version, platform, host)?;
    let layer = Tree::read(&root, platform)?.pack()?;
    Memo::of(&layer, None).write(&memo_path)?;
    Ok(layer)
}

/// Has the go command put the toolchain into its module cache; returns the extracted tree.
///
/// # Errors
/// As [`super::prepare`].
pub(super) fn download(
    version: &str,
    platform: &Platform,
    host: &Host,
) -> Result<PathBuf, ToolchainError> {
    let module = module(version, platform);
    let arguments = ["mod", "download", "-json", module.as_str()];
    let failed = |source| command::failed(&arguments, source);
    let folder = tempfile::tempdir().map_err(failed)?;
    // The project's go.mod, workspace and flags have no say here. An empty GOFLAGS would
    // let the one of `go env -w` through.
    let environment = [
        ("GOFLAGS", "-mod=mod"),
        ("GOWORK", "off"),
        ("GO111MODULE", "on"),
    ];
    let output = command::run(host, folder.path(), &arguments, &environment)?;
    match serde_json::from_slice::<Download>(&output.stdout) {
        Ok(Download {
            error: Some(detail),
            ..
        }) => Err(classify(version, platform, &detail)),
        Ok(Download { dir: Some(dir), .. }) if output.status.success() => Ok(dir),
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

fn module(version: &str, platform: &Platform) -> String {
    format!("golang.org/toolchain@v0.0.1-{}", release(version, platform))
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

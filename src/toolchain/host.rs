//! The tree that the host's go command runs from.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::lazy::{self, Origin};
use super::memo::Memo;
use super::tree::Tree;
use super::{Host, ToolchainError, command};
use crate::content::{Layer, folder_key};
use crate::oci::Platform;

/// What the go command says of itself.
#[derive(Debug, Deserialize)]
struct Installed {
    #[serde(rename = "GOROOT")]
    root: PathBuf,
    #[serde(rename = "GOVERSION")]
    version: String,
    #[serde(rename = "GOHOSTOS")]
    os: String,
    #[serde(rename = "GOHOSTARCH")]
    architecture: String,
}

/// Returns the layer of the host's tree, from the memo if nobody wrote to the tree since.
pub(super) fn layer(
    needed: &str,
    platform: &Platform,
    host: &Host,
) -> Result<Layer, ToolchainError> {
    let installed = installed(needed, host)?;
    let found = Platform::new(&installed.os, &installed.architecture, None);
    if (&found.os, &found.architecture) != (&platform.os, &platform.architecture) {
        return Err(ToolchainError::OtherPlatform {
            found: found.to_string(),
            needed: platform.to_string(),
        });
    }
    let root = &installed.root;
    let tree = Tree::read(root, platform)?;
    let fingerprint = tree.fingerprint()?;
    let memo_path = host.memo_path(&memo_name(root));
    if let Some(memo) = Memo::read(&memo_path, Some(&fingerprint)) {
        let origin = Origin::Folder(root.clone());
        return Ok(lazy::layer(memo, Some(memo_path), origin, platform));
    }
    let layer = tree.pack()?;
    Memo::of(&layer, Some(fingerprint)).write(&memo_path)?;
    Ok(layer)
}

/// Asks the go command where it is, and whether it is as new as `needed`.
fn installed(needed: &str, host: &Host) -> Result<Installed, ToolchainError> {
    let arguments = [
        "env",
        "-json",
        "GOROOT",
        "GOVERSION",
        "GOHOSTOS",
        "GOHOSTARCH",
    ];
    let failed = |source| command::failed(&arguments, source);
    let folder = tempfile::tempdir().map_err(failed)?;
    let environment = [
        ("GOFLAGS", "-mod=mod"),
        ("GOWORK", "off"),
        ("GO111MODULE", "on"),
    ];
    let output = command::run(host, folder.path(), &arguments, &environment)?;
    if !output.status.success() {
        return Err(failed(command::complaint(&output)));
    }
    let installed: Installed =
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.into()))?;
    // The go command knows how Go versions order; it refuses a module newer than itself.
    let module = format!("module toolchain.invalid/probe\n\ngo {needed}\n");
    std::fs::write(folder.path().join("go.mod"), module).map_err(failed)?;
    let probe = ["list", "-m"];
    let output = command::run(host, folder.path(), &probe, &environment)?;
    if output.status.success() {
        return Ok(installed);
    }
    let complaint = command::complaint(&output);
    if complaint.to_string().contains("requires go >=") {
        return Err(ToolchainError::TooOld {
            found: installed.version.trim_start_matches("go").to_owned(),
            needed: needed.to_owned(),
        });
    }
    Err(command::failed(&probe, complaint))
}

/// One memo per place: a tree that is upgraded replaces its memo.
fn memo_name(root: &Path) -> String {
    format!("host-{}", folder_key(root))
}

//! A Go tree on disk: the files to keep, and their layer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::ToolchainError;
use super::slim;
use crate::content::{Attributes, Compression, FileCache, Layer, LayerBuilder};
use crate::oci::Platform;

/// Distributions link parts of a tree to other places; more levels than this are a circle.
const DEPTH_LIMIT: usize = 40;

/// File of a `GOROOT` that holds the defaults of Go's settings.
pub(super) const SETTINGS: &str = "go.env";

/// The files of a Go tree that a build needs.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// By path in the layer, below `GOROOT`.
    files: BTreeMap<String, (PathBuf, Attributes)>,
}

impl Tree {
    /// Lists the tree at `root`, a `GOROOT` or an extracted toolchain module.
    ///
    /// # Errors
    /// A folder cannot be listed; a file that every toolchain has is missing.
    pub(super) fn read(root: &Path, platform: &Platform) -> Result<Self, ToolchainError> {
        let mut tree = Self {
            root: root.to_owned(),
            files: BTreeMap::new(),
        };
        tree.walk("", root, platform, 0)?;
        match missing(&tree.files, platform) {
            None => Ok(tree),
            Some(missing) => Err(ToolchainError::Incomplete {
                root: root.to_owned(),
                missing,
            }),
        }
    }

    fn walk(
        &mut self,
        prefix: &str,
        folder: &Path,
        platform: &Platform,
        depth: usize,
    ) -> Result<(), ToolchainError> {
        let failed = |source| ToolchainError::Tree {
            path: folder.to_owned(),
            source,
        };
        if depth > DEPTH_LIMIT {
            return Err(failed(std::io::Error::other("symlinks lead in a circle")));
        }
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Nothing of a Go distribution has another kind of name.
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
                continue;
            };
            let path = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}/{name}")
            };
            let is_folder = match entry.file_type().map_err(failed)? {
                kind if kind.is_symlink() => fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()),
                kind => kind.is_dir(),
            };
            if is_folder {
                if slim::descends(&path) {
                    self.walk(&path, &entry.path(), platform, depth + 1)?;
                }
            } else if let Some((kept, attributes)) = slim::keep(&path, platform) {
                let file = (entry.path(), attributes);
                // Once used by the go command, a module's tree holds go.mod beside _go.mod;
                // the latter is what was verified.
                if path.ends_with("/_go.mod") {
                    self.files.insert(kept, file);
                } else {
                    self.files.entry(kept).or_insert(file);
                }
            }
        }
        Ok(())
    }

    /// Returns a hash of the files' names, sizes and times: equal as long as nobody wrote to them.
    ///
    /// # Errors
    /// A file cannot be looked at.
    pub(super) fn fingerprint(&self) -> Result<String, ToolchainError> {
        let mut hasher = Sha256::new();
        for (kept, (path, attributes)) in &self.files {
            let metadata = fs::metadata(path).map_err(|source| ToolchainError::Tree {
                path: path.clone(),
                source,
            })?;
            let state = (
                metadata.len(),
                (metadata.mtime(), metadata.mtime_nsec()),
                (metadata.ctime(), metadata.ctime_nsec()),
            );
            hasher.update(format!("{kept}\0{:o}\0{state:?}\n", attributes.mode));
        }
        Ok(hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// Packs the files at [`super::GOROOT`], with the few folders a go command needs around it.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn pack(&self) -> Result<Layer, ToolchainError> {
        Ok(self
            .layer()?
            .pack(&FileCache::disabled(), Compression::None)?)
    }

    /// Returns the entries of the layer.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn layer(&self) -> Result<LayerBuilder, ToolchainError> {
        let mut layer = surroundings()?;
        for (kept, (path, attributes)) in &self.files {
            let to = format!("{}/{kept}", super::GOROOT);
            if kept == SETTINGS {
                let settings = fs::read_to_string(path).map_err(|source| ToolchainError::Tree {
                    path: path.clone(),
                    source,
                })?;
                layer.file(&to, without_switching(&settings), *attributes)?;
            } else {
                layer.disk_file(&to, path.as_path(), *attributes)?;
            }
        }
        Ok(layer)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// Returns a layer with the few folders that a go command needs around it.
///
/// It builds in the temporary folder and, unless told otherwise, caches below the home folder.
/// Resolver and hosts files are the daemon's to provide.
pub(super) fn surroundings() -> Result<LayerBuilder, ToolchainError> {
    let mut layer = LayerBuilder::new();
    layer.directory("tmp", Attributes::root(0o1777))?;
    layer.directory("root", Attributes::root(0o700))?;
    Ok(layer)
}

/// Returns the first file that every toolchain has and that is not among `files`.
pub(super) fn missing<T>(files: &BTreeMap<String, T>, platform: &Platform) -> Option<String> {
    let compiler = format!("pkg/tool/{}_{}/compile", platform.os, platform.architecture);
    let mut required = slim::REQUIRED.into_iter().chain([compiler.as_str()]);
    let missing = required.find(|path| !files.contains_key(*path))?;
    Some(missing.to_owned())
}

/// Returns the defaults in `go.env` with `GOTOOLCHAIN=local`.
///
/// A step runs the toolchain it was given. Distributions and the golang images say so already,
/// the module does not; with one spelling their digests agree.
pub(super) fn without_switching(settings: &str) -> String {
    let pinned = settings.lines().map(|line| {
        if line.starts_with("GOTOOLCHAIN=") {
            "GOTOOLCHAIN=local"
        } else {
            line
        }
    });
    pinned.flat_map(|line| [line, "\n"]).collect()
}

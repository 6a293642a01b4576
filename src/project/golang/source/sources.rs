//! The source files of a tree: each folder listed and each file scanned at most once.
//!
//! What a scan holds depends on no build context, so all platforms and all threads share it.

use std::sync::{Arc, OnceLock};

use super::assembly::Assembly;
use super::context::BuildContext;
use super::error::SourceError;
use super::file::{FileKind, Scan};
use super::memo::Memo;
use super::package::Package;
use crate::project::tree::{EntryKind, Tree, TreeError, TreePath};

/// The source files of a tree, read at most once.
pub struct Sources<'a> {
    tree: &'a dyn Tree,
    folders: Memo<TreePath, Result<Arc<Folder>, Arc<TreeError>>>,
}

/// The files of a folder that the go command could have a use for.
pub(super) struct Folder {
    /// By name, tests left out.
    pub(super) files: Vec<SourceFile>,
    /// Whether there are tests.
    pub(super) has_tests: bool,
}

/// A file, scanned once something asks.
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) kind: FileKind,
    scan: OnceLock<Result<Scan, Arc<SourceError>>>,
}

impl<'a> Sources<'a> {
    /// Returns the sources of a tree, nothing read yet.
    #[must_use]
    pub fn new(tree: &'a dyn Tree) -> Self {
        Self {
            tree,
            folders: Memo::default(),
        }
    }

    /// Returns the tree.
    #[must_use]
    pub fn tree(&self) -> &'a dyn Tree {
        self.tree
    }

    /// Reads the package at `directory` under `context`.
    ///
    /// # Errors
    /// The folder holds no package, or one that the go command would refuse.
    pub fn package(
        &self,
        context: &BuildContext,
        directory: &TreePath,
    ) -> Result<Package, Arc<SourceError>> {
        let folder = self
            .folder(directory)
            .map_err(|fault| Arc::new(SourceError::from(fault)))?;
        Assembly::new(self, context, directory).assemble(&folder)
    }

    /// Returns whether a folder that holds no sound package could be meant as a program: a
    /// file that takes part says `package main`, or cannot be read far enough to tell.
    #[must_use]
    pub fn may_be_main(&self, context: &BuildContext, directory: &TreePath) -> bool {
        let Ok(folder) = self.folder(directory) else {
            return true;
        };
        let mut files = folder
            .files
            .iter()
            .filter(|file| file.kind == FileKind::Go && context.admits_name(&file.name));
        files.any(|file| match self.scan(directory, file) {
            Err(_) => true,
            Ok(scan) => {
                let admitted = match &scan.constraint {
                    Ok(constraint) => constraint.admits(context),
                    Err(_) => true,
                };
                let header = scan.header.as_ref().and_then(|header| header.as_ref().ok());
                admitted && header.is_none_or(|header| header.package == "main")
            }
        })
    }

    fn folder(&self, directory: &TreePath) -> Result<Arc<Folder>, Arc<TreeError>> {
        self.folders
            .get(directory, || self.read_folder(directory).map_err(Arc::new))
    }

    fn read_folder(&self, directory: &TreePath) -> Result<Arc<Folder>, TreeError> {
        let mut folder = Folder {
            files: Vec::new(),
            has_tests: false,
        };
        let entries = self.tree.list(directory)?;
        for entry in entries.iter().flat_map(|entries| entries.iter()) {
            let Some(kind) = FileKind::of(&entry.name) else {
                continue;
            };
            let is_file = match entry.kind {
                EntryKind::File { .. } => true,
                EntryKind::Directory | EntryKind::Other => false,
                EntryKind::Symlink { .. } => {
                    self.tree.kind(&directory.join(&entry.name))? != Some(EntryKind::Directory)
                }
            };
            if is_file && entry.name.ends_with("_test.go") {
                folder.has_tests = true;
            } else if is_file {
                folder.files.push(SourceFile {
                    name: entry.name.clone(),
                    kind,
                    scan: OnceLock::new(),
                });
            }
        }
        Ok(Arc::new(folder))
    }

    pub(super) fn scan<'f>(
        &self,
        directory: &TreePath,
        file: &'f SourceFile,
    ) -> Result<&'f Scan, Arc<SourceError>> {
        let scanned = file.scan.get_or_init(|| {
            let path = directory.join(&file.name);
            self.read_scan(&path, file.kind).map_err(Arc::new)
        });
        scanned.as_ref().map_err(Arc::clone)
    }

    fn read_scan(&self, path: &TreePath, kind: FileKind) -> Result<Scan, SourceError> {
        let text = self.tree.read(path)?.ok_or_else(|| TreeError::Io {
            path: path.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        if kind != FileKind::Go {
            return Ok(Scan::other(&text));
        }
        Scan::go(&text).map_err(|fault| SourceError::Syntax {
            file: path.clone(),
            fault,
        })
    }
}

//! A project on disk, read: manifest, modules, facts for templates.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that reads a project from the disk"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::git;
use super::location::{Location, relative};
use crate::project::golang::workspace::{Workspace, WorkspaceError};
use crate::project::ignore::{self, IgnoreError};
use crate::project::lock::{self, Lock};
use crate::project::manifest::{Document, FILE_NAME, Manifest, ManifestError, Values};
use crate::project::tree::disk::DiskTree;
use crate::project::tree::filtered::FilteredTree;
use crate::project::tree::{Tree, TreeError, TreePath};

/// The files of a project, without those that `.dockerignore` hides.
pub type ProjectTree = FilteredTree<DiskTree>;

/// A project, read.
pub struct Project {
    /// Where it is.
    pub location: Location,
    /// Its files.
    pub tree: Arc<ProjectTree>,
    /// Its Go modules.
    pub workspace: Workspace,
    /// Its manifest, or the default one.
    pub manifest: Manifest,
    /// What its lock file says, if there is one.
    pub lock: Option<Lock>,
    /// Where the lock file is, or would be.
    pub lock_file: PathBuf,
    /// The manifest's text, for errors that show it.
    pub document: Option<Document>,
    /// Values of template variables.
    pub values: Values,
}

/// Why a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The lock file is wrong.
    #[error(transparent)]
    Lock(ManifestError),
    /// The manifest that was named, or a lock file, cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The manifest is not text.
    #[error("{0} is not UTF-8")]
    NotText(TreePath),
    /// An ignore file is wrong.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// The module files are wrong.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// A file cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Reads the project at `location`; `file` names another manifest than `goimage.toml`.
///
/// `date` is what `{{ date }}` stands for.
///
/// # Errors
/// See [`ProjectError`].
pub fn read(
    location: Location,
    file: Option<PathBuf>,
    date: Option<String>,
) -> Result<Project, ProjectError> {
    let disk = DiskTree::open(&location.root)?;
    let document = document(&disk, &location.project, file.as_deref())?;
    let (lock_file, lock) = lock(&location, file.as_deref())?;
    let manifest = document
        .as_ref()
        .map_or_else(|| Ok(Manifest::default()), Document::parse)?;
    let manifest_path = in_tree(&location, file.as_deref());
    let matcher = ignore::load(&disk, &manifest_path, &location.project)?;
    let tree = FilteredTree::new(disk, location.project.clone(), matcher);
    let start = go_directory(&tree, &location.project)?;
    let workspace = Workspace::load(&tree, &start, location.go_work.clone())?;
    let environment = manifest.environment().into_iter();
    let values = Values {
        git: if manifest.uses_git() {
            git::facts(&location.folder())
        } else {
            None
        },
        date,
        env: environment
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect(),
        ..Values::default()
    };
    Ok(Project {
        location,
        tree: Arc::new(tree),
        workspace,
        manifest,
        lock,
        lock_file,
        document,
        values,
    })
}

/// Reads the manifest: the one named, else `goimage.toml` if there is one.
fn document(
    disk: &DiskTree,
    project: &TreePath,
    file: Option<&Path>,
) -> Result<Option<Document>, ProjectError> {
    if let Some(path) = file {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| ProjectError::Read {
            path: path.to_owned(),
            source,
        })?;
        return Ok(Some(Document::new(&name, &text)));
    }
    let path = project.join(FILE_NAME);
    let Some(bytes) = disk.read(&path)? else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| ProjectError::NotText(path.clone()))?;
    Ok(Some(Document::new(path.as_str(), text)))
}

/// Returns where in the tree the manifest is, for what lies beside it: the one named, else
/// `goimage.toml`. One outside of the tree is taken to lie in the project's folder.
pub(super) fn in_tree(location: &Location, file: Option<&Path>) -> TreePath {
    let named = file.and_then(Path::file_name).unwrap_or_default();
    let elsewhere = || location.project.join(&named.to_string_lossy());
    let path = manifest_path(location, file).filter(|path| path.climbs() == 0);
    path.unwrap_or_else(elsewhere)
}

/// Returns where the manifest is, or would be, seen from the tree's root; none if its folder is not
/// there.
pub(super) fn manifest_path(location: &Location, file: Option<&Path>) -> Option<TreePath> {
    let Some(file) = file else {
        return Some(location.project.join(FILE_NAME));
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new("."))).ok()?;
    let folder = relative(&location.root, &folder).ok()?;
    Some(folder.join(&name))
}

/// Reads the lock file of the manifest: the one named, else of `goimage.toml`. Returns where it is,
/// too.
fn lock(location: &Location, file: Option<&Path>) -> Result<(PathBuf, Option<Lock>), ProjectError> {
    let (path, name) = match file {
        None => {
            let name = lock::file_name(FILE_NAME);
            let path = location.folder().join(&name);
            (path, location.project.join(&name).as_str().to_owned())
        }
        Some(manifest) => {
            let name = lock::file_name(&manifest.display().to_string());
            (PathBuf::from(&name), name)
        }
    };
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((path, None)),
        Err(source) => return Err(ProjectError::Read { path, source }),
        Ok(text) => text,
    };
    let lock = Lock::parse(&name, &text).map_err(ProjectError::Lock)?;
    Ok((path, Some(lock)))
}

/// Returns the folder whose `go.mod` applies to the project: its own or the nearest above it.
///
/// # Errors
/// A folder cannot be looked at.
pub fn go_directory(tree: &dyn Tree, project: &TreePath) -> Result<TreePath, TreeError> {
    let mut folder = project.clone();
    loop {
        if tree.kind(&folder.join("go.mod"))?.is_some() {
            return Ok(folder);
        }
        if folder.is_root() {
            return Ok(project.clone());
        }
        folder = folder.parent();
    }
}

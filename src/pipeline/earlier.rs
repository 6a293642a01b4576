//! A project as a commit has it, read to be compared with what it is now.

use std::path::Path;

use super::git::Commit;
use super::project::{Project, ProjectError, go_directory, in_tree, manifest_path};
use crate::project::golang::workspace::Workspace;
use crate::project::ignore;
use crate::project::lock::{self, Lock};
use crate::project::manifest::{Document, Manifest, Values};
use crate::project::tree::filtered::FilteredTree;
use crate::project::tree::{Tree, TreePath};

/// The project at a commit.
pub struct Earlier {
    /// Its files.
    pub tree: FilteredTree<Commit>,
    /// Its Go modules.
    pub workspace: Workspace,
    /// Its manifest, or the default one.
    pub manifest: Manifest,
    /// What its lock file says, if there is one.
    pub lock: Option<Lock>,
    /// What variables stand for now: that a commit has another hash is no difference.
    pub values: Values,
}

/// Reads what the project is in `commit`; `file` names another manifest than `goimage.toml`. None if that
/// is not there.
///
/// # Errors
/// See [`ProjectError`].
pub fn read(
    now: &Project,
    file: Option<&Path>,
    commit: Commit,
) -> Result<Option<Earlier>, ProjectError> {
    let location = &now.location;
    let path = manifest_path(location, file).filter(|path| commit.reaches(path));
    let document = match &path {
        Some(path) => text(&commit, path)?.map(|text| Document::new(path.as_str(), &text)),
        // What is not in the repository is what it is.
        None => now.document.clone(),
    };
    if document.is_none() && file.is_some() {
        return Ok(None);
    }
    let manifest = document.as_ref().map(Document::parse).transpose()?;
    let manifest = manifest.unwrap_or_default();
    let lock = match &path {
        Some(path) => {
            let path = path.parent().join(&lock::file_name(path.name()));
            let lock = text(&commit, &path)?.map(|text| Lock::parse(path.as_str(), &text));
            lock.transpose().map_err(ProjectError::Lock)?
        }
        None => now.lock.clone(),
    };
    let matcher = ignore::load(&commit, &in_tree(location, file), &location.project)?;
    let tree = FilteredTree::new(commit, location.project.clone(), matcher);
    let start = go_directory(&tree, &location.project)?;
    let workspace = Workspace::load(&tree, &start, location.go_work.clone())?;
    Ok(Some(Earlier {
        values: now.values.or_samples(&manifest),
        tree,
        workspace,
        manifest,
        lock,
    }))
}

fn text(commit: &Commit, path: &TreePath) -> Result<Option<String>, ProjectError> {
    let Some(bytes) = commit.read(path)? else {
        return Ok(None);
    };
    let text = String::from_utf8(bytes.into());
    text.map(Some)
        .map_err(|_| ProjectError::NotText(path.clone()))
}

//! The files of a project as a commit has them: read from git's objects, nothing is checked out.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::ask::{self, CommitError, Objects};
use crate::pipeline::project::ProjectTree;
use crate::project::tree::packed::{PackedEntry, PackedKind, PackedTree};
use crate::project::tree::{Entry, EntryKind, Tree, TreeError, TreePath};

/// A commit, seen from the root of a project's tree in its repository.
///
/// What git does not track is not in a commit: it stands where it lies now, and counts as changed. So
/// do submodules, and what lies beside the repository.
pub struct Commit {
    /// Its full hash.
    pub id: String,
    /// Whether what is checked out began there; if not, both have nothing in common that is known.
    pub is_ancestor: bool,
    /// The root, seen from the top of the repository.
    folder: TreePath,
    files: PackedTree,
    /// What differs from the commit now.
    changed: BTreeSet<TreePath>,
    /// What git does not track: files and whole folders.
    untracked: BTreeSet<TreePath>,
    now: Arc<ProjectTree>,
}

impl Commit {
    /// Opens the commit where what is checked out left `since`: their merge base, or `since` itself if
    /// they have none. `now` is the project's tree.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn open(now: Arc<ProjectTree>, since: &str) -> Result<Self, CommitError> {
        let folder = now.inner().root().to_owned();
        let (prefix, top) = (["--show-prefix"], ["--show-toplevel"]);
        let prefix = ask::line(&folder, "rev-parse", &prefix)?;
        let top = ask::line(&folder, "rev-parse", &top)?;
        let top = Path::new(&top);
        let given = ask::commit(top, since)?;
        let base = ask::line(top, "merge-base", &[&given, "HEAD"]);
        let is_ancestor = base.is_ok();
        let id = base.unwrap_or(given);
        // Whatever the user's configuration says.
        let diff = [
            "--name-only",
            "--no-relative",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
            "-z",
            &id,
            "--",
        ];
        let untracked = ["--others", "--directory", "--full-name", "-z"];
        Ok(Self {
            changed: ask::paths(top, "diff", &diff)?,
            untracked: ask::paths(top, "ls-files", &untracked)?,
            files: files(top, &id)?,
            folder: TreePath::new(&prefix),
            id,
            is_ancestor,
            now,
        })
    }

    /// Tells whether a path leads to what the repository could have.
    #[must_use]
    pub fn reaches(&self, path: &TreePath) -> bool {
        self.place(path).climbs() == 0
    }

    /// Tells whether a file that stands there now and then is another one.
    #[must_use]
    pub fn is_changed(&self, path: &TreePath) -> bool {
        if self.is_elsewhere(path) {
            return true;
        }
        let place = self.place(path);
        // A link that leads nowhere may lead to something by now.
        let Ok(Some(way)) = self.files.way(&place) else {
            return true;
        };
        let mut places = way.iter().chain([&place]);
        places.any(|place| is_below(place, &self.changed) || is_below(place, &self.untracked))
    }

    /// Returns a path as the repository has it.
    fn place(&self, path: &TreePath) -> TreePath {
        self.folder.join(path.as_str())
    }

    /// Tells whether git does not track what stands at a path.
    fn is_elsewhere(&self, path: &TreePath) -> bool {
        let place = self.place(path);
        place.climbs() > 0 || is_below(&place, &self.untracked)
    }
}

/// Tells whether a path, or a folder that it is in, is one of these.
fn is_below(path: &TreePath, some: &BTreeSet<TreePath>) -> bool {
    let mut path = path.clone();
    while !path.is_root() && path.climbs() == 0 {
        if some.contains(&path) {
            return true;
        }
        path = path.parent();
    }
    false
}

impl Tree for Commit {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        match self.is_elsewhere(path) {
            true => self.now.inner().read(path),
            false => self.files.read(&self.place(path)),
        }
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        let now = || self.now.inner().list(directory);
        if self.is_elsewhere(directory) {
            return now();
        }
        let then = self.files.list(&self.place(directory))?;
        let untracked = |entry: &&Entry| self.is_elsewhere(&directory.join(&entry.name));
        let beside: Vec<Entry> = now()?
            .iter()
            .flat_map(|entries| entries.iter())
            .filter(untracked)
            .cloned()
            .collect();
        if beside.is_empty() {
            return Ok(then);
        }
        let mut entries = beside;
        entries.extend(then.iter().flat_map(|then| then.iter()).cloned());
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        // A file may have been tracked, and be kept.
        entries.dedup_by(|a, b| a.name == b.name);
        Ok(Some(entries.into()))
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        match self.is_elsewhere(path) {
            true => self.now.inner().kind(path),
            false => self.files.kind(&self.place(path)),
        }
    }
}

/// Returns all files of a commit.
fn files(top: &Path, id: &str) -> Result<PackedTree, CommitError> {
    const COMMAND: &str = "ls-tree";
    let listing = ask::bytes(top, COMMAND, &["-r", "-t", "-z", "--full-tree", id])?;
    let mut objects = Objects::of(top)?;
    let (mut entries, mut ids) = (Vec::new(), HashMap::new());
    // A name that is not UTF-8 can be neither a Go source nor an embeddable file.
    for line in ask::lines(&listing) {
        let unknown = || CommitError::Answer { command: COMMAND };
        let (facts, path) = line.split_once('\t').ok_or_else(unknown)?;
        let facts: Vec<&str> = facts.split_ascii_whitespace().collect();
        let [mode, _, object] = facts.as_slice() else {
            return Err(unknown());
        };
        let kind = match *mode {
            "120000" => {
                let target = objects.read(object).map_err(CommitError::Object)?;
                PackedKind::Symlink(String::from_utf8_lossy(&target).into_owned())
            }
            // A folder, or a submodule, whose files are in another repository.
            "040000" | "160000" => PackedKind::Directory,
            mode => PackedKind::File {
                // To ask for it would have a partial clone fetch every file, and nobody reads it.
                size: 0,
                executable: mode == "100755",
                offset: None,
            },
        };
        ids.insert(TreePath::new(path), (*object).to_owned());
        let path = path.to_owned();
        entries.push(PackedEntry { path, kind });
    }
    let objects = Mutex::new(objects);
    let fetch = move |path: &TreePath| {
        let id = ids.get(path).ok_or(io::ErrorKind::NotFound)?;
        let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
        objects.read(id)
    };
    Ok(PackedTree::new(entries, Bytes::new(), Box::new(fetch)))
}

#[cfg(test)]
mod tests;

//! A tree without what an ignore file hides.
//!
//! As with Docker's build context, a hidden file does not exist for the build at all. The ignore
//! file speaks of one folder, the project's; files beside or above it are not its business.

use std::sync::Arc;

use bytes::Bytes;

use super::{Entry, EntryKind, Tree, TreeError, TreePath};
use crate::project::ignore::IgnoreMatcher;

/// A tree and what is hidden in it.
#[derive(Debug)]
pub struct FilteredTree<T> {
    inner: T,
    folder: TreePath,
    matcher: IgnoreMatcher,
}

impl<T: Tree> FilteredTree<T> {
    /// Returns `inner` without what `matcher` hides in `folder`.
    #[must_use]
    pub fn new(inner: T, folder: TreePath, matcher: IgnoreMatcher) -> Self {
        Self {
            inner,
            folder,
            matcher,
        }
    }

    /// Returns the whole tree.
    #[must_use]
    pub fn inner(&self) -> &T {
        &self.inner
    }

    /// Tells whether `path` does not exist for the build. A hidden directory stays as a way to
    /// what a `!` pattern shows again, where there can be such a thing.
    fn hides(&self, path: &TreePath, directory: bool) -> bool {
        let below = path.below(&self.folder).filter(|below| !below.is_root());
        below.is_some_and(|below| match directory {
            true => self.matcher.prunes(&below),
            false => self.matcher.matches(&below),
        })
    }
}

impl<T: Tree> Tree for FilteredTree<T> {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        if self.hides(path, false) {
            Ok(None)
        } else {
            self.inner.read(path)
        }
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        if self.hides(directory, true) {
            return Ok(None);
        }
        let Some(entries) = self.inner.list(directory)? else {
            return Ok(None);
        };
        let shown = |entry: &Entry| {
            let directory_entry = entry.kind == EntryKind::Directory;
            !self.hides(&directory.join(&entry.name), directory_entry)
        };
        if entries.iter().all(shown) {
            return Ok(Some(entries));
        }
        Ok(Some(
            entries
                .iter()
                .filter(|entry| shown(entry))
                .cloned()
                .collect(),
        ))
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let kind = self.inner.kind(path)?;
        Ok(kind.filter(|kind| !self.hides(path, *kind == EntryKind::Directory)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::tree::memory::MemoryTree;

    #[test]
    fn hidden_files_do_not_exist_in_their_folder() {
        let tree = MemoryTree::new([("app/a.go", ""), ("app/secret/k", ""), ("a.go", "")]);
        let matcher = IgnoreMatcher::parse("secret\n").unwrap();
        let tree = FilteredTree::new(tree, TreePath::new("app"), matcher);
        let read = |path: &str| tree.read(&TreePath::new(path)).unwrap().is_some();
        assert!(read("app/a.go") && read("a.go"));
        assert!(!read("app/secret/k"));
        assert_eq!(tree.kind(&TreePath::new("app/secret/k")).unwrap(), None);
        assert_eq!(tree.list(&TreePath::new("app/secret")).unwrap(), None);
        assert_eq!(tree.kind(&TreePath::new("app/secret")).unwrap(), None);
        let app = tree.list(&TreePath::new("app")).unwrap().unwrap();
        assert_eq!(app.len(), 1);
    }

    #[test]
    fn a_hidden_directory_leads_to_what_is_shown_in_it() {
        let tree = MemoryTree::new([("a/hidden", ""), ("a/b/shown", ""), ("a/c/hidden", "")]);
        let matcher = IgnoreMatcher::parse("a\n!a/b/shown\n").unwrap();
        let tree = FilteredTree::new(tree, TreePath::root(), matcher);
        let names = |directory: &str| -> Vec<String> {
            let entries = tree.list(&TreePath::new(directory)).unwrap();
            let entries = entries.iter().flat_map(|entries| entries.iter());
            entries.map(|entry| entry.name.clone()).collect()
        };
        assert_eq!(names("."), ["a"]);
        assert_eq!(names("a"), ["b"]);
        assert_eq!(names("a/b"), ["shown"]);
    }
}

//! A tree of strings, for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;

use super::{Entry, EntryKind, Tree, TreeError, TreePath};

/// Files held in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: BTreeMap<TreePath, Bytes>,
}

impl MemoryTree {
    /// Returns a tree of the given `(path, content)` pairs.
    #[must_use]
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files
            .into_iter()
            .map(|(path, content)| {
                (
                    TreePath::new(path),
                    Bytes::copy_from_slice(content.as_bytes()),
                )
            })
            .collect();
        Self { files }
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: &str, content: impl Into<Bytes>) {
        self.files.insert(TreePath::new(path), content.into());
    }
}

impl Tree for MemoryTree {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        Ok(self.files.get(path).cloned())
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        let mut directories = BTreeSet::new();
        let mut entries = BTreeMap::new();
        for (path, content) in &self.files {
            let Some(rest) = path.below(directory) else {
                continue;
            };
            let mut elements = rest.elements();
            let Some(name) = elements.next() else {
                continue;
            };
            if elements.next().is_some() {
                directories.insert(name.to_owned());
            } else {
                entries.insert(name.to_owned(), content.len() as u64);
            }
        }
        if directories.is_empty() && entries.is_empty() && !directory.is_root() {
            return Ok(None);
        }
        let mut listing: Vec<Entry> = directories
            .into_iter()
            .map(|name| Entry {
                name,
                kind: EntryKind::Directory,
            })
            .chain(entries.into_iter().map(|(name, size)| Entry {
                name,
                kind: EntryKind::File {
                    size,
                    executable: false,
                },
            }))
            .collect();
        listing.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(listing.into()))
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        if let Some(content) = self.files.get(path) {
            return Ok(Some(EntryKind::File {
                size: content.len() as u64,
                executable: false,
            }));
        }
        Ok(self.list(path)?.map(|_| EntryKind::Directory))
    }
}

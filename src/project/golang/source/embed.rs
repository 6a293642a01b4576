//! Which files a `//go:embed` pattern stands for.
//!
//! Enters: a package folder and a pattern. Leaves: the files, or an [`EmbedFault`] in the words
//! of `cmd/go/internal/load` (`resolveEmbed`). Only what a module zip could carry can be
//! embedded: regular files with portable names, never beyond a nested `go.mod`, never through
//! a link.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::glob::{self, Glob};
use crate::project::tree::{Entry, EntryKind, Tree, TreeError, TreePath};

/// What is wrong with a pattern.
#[derive(Debug, thiserror::Error)]
pub enum EmbedFault {
    /// It is not a pattern of relative, clean paths.
    #[error("invalid pattern syntax")]
    Syntax,
    /// Nothing matches it.
    #[error("no matching files found")]
    NoMatch,
    /// It matches what cannot be embedded.
    #[error("cannot embed {what} {path}: {reason}")]
    Refused {
        /// `file` or `directory`.
        what: &'static str,
        /// What it matches, relative to the package.
        path: TreePath,
        /// Why that is refused.
        reason: String,
    },
    /// It matches a link, device, socket or pipe.
    #[error("cannot embed irregular file {0}")]
    Irregular(TreePath),
    /// The tree could not answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// Returns the files that `pattern` stands for in the package at `directory`.
///
/// # Errors
/// See [`EmbedFault`].
pub(super) fn resolve(
    tree: &dyn Tree,
    directory: &TreePath,
    pattern: &str,
) -> Result<BTreeSet<TreePath>, EmbedFault> {
    let (glob, hidden) = match pattern.strip_prefix("all:") {
        Some(glob) => (glob, true),
        None => (pattern, false),
    };
    let well_formed = glob
        .split('/')
        .all(|element| !matches!(element, "" | "." | "..") && Glob::parse(element).is_some());
    // A class may hold a slash, so the whole has to parse too.
    if !well_formed || Glob::parse(glob).is_none() {
        return Err(EmbedFault::Syntax);
    }
    let walk = Walk {
        tree,
        directory,
        hidden,
    };
    let mut files = BTreeSet::new();
    for path in walk.matches(glob)? {
        walk.collect(&path, &mut files)?;
    }
    if files.is_empty() {
        return Err(EmbedFault::NoMatch);
    }
    Ok(files)
}

/// Resolution of one pattern.
struct Walk<'a> {
    tree: &'a dyn Tree,
    directory: &'a TreePath,
    /// Whether names with a leading `.` or `_` are taken from matched directories.
    hidden: bool,
}

impl Walk<'_> {
    /// Returns the paths that match, element by element, in order.
    fn matches(&self, pattern: &str) -> Result<Vec<TreePath>, EmbedFault> {
        let mut found = vec![self.directory.clone()];
        for element in pattern.split('/') {
            let glob = glob::is_pattern(element)
                .then(|| Glob::parse(element))
                .flatten();
            let mut next = Vec::new();
            for directory in &found {
                let Some(entries) = self.list(directory)? else {
                    continue;
                };
                let matching = entries.iter().filter(|entry| match &glob {
                    Some(glob) => glob.matches(&entry.name),
                    None => entry.name == element,
                });
                next.extend(matching.map(|entry| directory.join(&entry.name)));
            }
            found = next;
        }
        Ok(found)
    }

    /// Returns a folder's entries; `None` if there is no such folder.
    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        match self.tree.kind(directory)? {
            Some(EntryKind::Directory) => self.tree.list(directory),
            _ => Ok(None),
        }
    }

    /// Returns what stands at `path` itself, links not followed.
    fn entry(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let entries = self.tree.list(&path.parent())?;
        Ok(entries.and_then(|entries| {
            let at = entries
                .binary_search_by(|entry| entry.name.as_str().cmp(path.name()))
                .ok()?;
            Some(entries[at].kind.clone())
        }))
    }

    fn relative(&self, path: &TreePath) -> TreePath {
        path.below(self.directory).unwrap_or_else(|| path.clone())
    }

    fn is_module(&self, directory: &TreePath) -> Result<bool, TreeError> {
        Ok(self.tree.kind(&directory.join("go.mod"))?.is_some())
    }

    /// Adds a matched file, or the files of a matched folder.
    fn collect(&self, path: &TreePath, files: &mut BTreeSet<TreePath>) -> Result<(), EmbedFault> {
        let Some(kind) = self.entry(path)? else {
            return Ok(());
        };
        let what = match kind {
            EntryKind::Directory => "directory",
            _ => "file",
        };
        self.check_ancestry(path, what)?;
        match kind {
            EntryKind::File { .. } => {
                files.insert(path.clone());
                Ok(())
            }
            EntryKind::Directory => {
                if self.collect_below(path, files)? {
                    Ok(())
                } else {
                    let reason = "contains no embeddable files".to_owned();
                    Err(self.refuse(what, path, reason))
                }
            }
            EntryKind::Symlink { .. } | EntryKind::Other => {
                Err(EmbedFault::Irregular(self.relative(path)))
            }
        }
    }

    /// Checks the matched path and every folder between it and the package.
    fn check_ancestry(&self, path: &TreePath, what: &'static str) -> Result<(), EmbedFault> {
        let mut at = path.clone();
        while at != *self.directory {
            if self.is_module(&at)? {
                return Err(self.refuse(what, path, "in different module".to_owned()));
            }
            let own = at == *path;
            if !own && self.entry(&at)? != Some(EntryKind::Directory) {
                let reason = format!("in non-directory {}", self.relative(&at));
                return Err(self.refuse(what, path, reason));
            }
            if is_refused_name(at.name()) {
                let place = if own {
                    "invalid name"
                } else {
                    "in invalid directory"
                };
                return Err(self.refuse(what, path, format!("{place} {}", at.name())));
            }
            at = at.parent();
        }
        Ok(())
    }

    fn refuse(&self, what: &'static str, path: &TreePath, reason: String) -> EmbedFault {
        EmbedFault::Refused {
            what,
            path: self.relative(path),
            reason,
        }
    }

    /// Adds the embeddable files below a folder and returns whether there are any.
    fn collect_below(
        &self,
        directory: &TreePath,
        files: &mut BTreeSet<TreePath>,
    ) -> Result<bool, EmbedFault> {
        // As in Go, a module's own folder is not entered, though a matched one is refused.
        if self.is_module(directory)? {
            return Ok(false);
        }
        let mut any = false;
        let entries = self.tree.list(directory)?;
        for entry in entries.iter().flat_map(|entries| entries.iter()) {
            let path = directory.join(&entry.name);
            let dotted = entry.name.starts_with(['.', '_']);
            let is_directory = entry.kind == EntryKind::Directory;
            if dotted && !self.hidden {
                continue;
            }
            if is_refused_name(&entry.name) {
                if is_directory || dotted {
                    continue;
                }
                let reason = format!("invalid name {}", entry.name);
                return Err(self.refuse("file", &path, reason));
            }
            match entry.kind {
                EntryKind::Directory => any |= self.collect_below(&path, files)?,
                EntryKind::File { .. } => {
                    any = true;
                    files.insert(path);
                }
                EntryKind::Symlink { .. } | EntryKind::Other => {}
            }
        }
        Ok(any)
    }
}

/// Names that a module zip cannot carry (`module.CheckFilePath`), and folders of version
/// control systems.
fn is_refused_name(name: &str) -> bool {
    const ALLOWED: &str = "!#$%&()+,-.=@[]^_{}~ ";
    const RESERVED: [&str; 4] = ["CON", "PRN", "AUX", "NUL"];
    if matches!(name, "" | ".bzr" | ".hg" | ".git" | ".svn") || name.ends_with('.') {
        return true;
    }
    let portable = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || ALLOWED.contains(c)
        } else {
            c.is_alphabetic()
        }
    };
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    let device = || match stem.as_bytes() {
        [b'C', b'O', b'M', b'1'..=b'9'] | [b'L', b'P', b'T', b'1'..=b'9'] => true,
        _ => RESERVED.contains(&stem.as_str()),
    };
    !name.chars().all(portable) || device()
}

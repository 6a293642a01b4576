//! The read-only view of project files that every analysis goes through.
//!
//! A tree is a disk folder in the CLI ([`disk`]), a build context in the frontend ([`packed`]), a
//! map in tests ([`memory`]). Paths are [`TreePath`]s: relative to the tree's root, `/`-separated,
//! clean; they may climb out of the root with leading `..` elements (a `replace ../x`), and
//! whether that is served is the tree's decision.

pub mod disk;
pub mod filtered;
pub mod memory;
pub mod packed;
mod path;

use std::sync::Arc;

use bytes::Bytes;

pub use path::TreePath;

/// One directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Base name.
    pub name: String,
    /// What stands there (of the entry itself: links are not followed).
    pub kind: EntryKind,
}

/// What a directory entry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Length in bytes.
        size: u64,
        /// Whether any executable bit is set.
        executable: bool,
    },
    /// A directory.
    Directory,
    /// A symbolic link and its target as written.
    Symlink {
        /// The link text.
        target: String,
    },
    /// A device, socket or pipe.
    Other,
}

/// Read access to project files.
pub trait Tree: Send + Sync {
    /// Returns a file's content; `None` if nothing stands there.
    ///
    /// Links are followed as long as they stay inside what the tree serves.
    ///
    /// # Errors
    /// The path is a directory, cannot be read, or a link on the way leaves the tree.
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError>;

    /// Returns a directory's entries in bytewise order of their names; `None` if there is no
    /// such directory.
    ///
    /// # Errors
    /// The directory cannot be read, or a link on the way leaves the tree.
    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError>;

    /// Returns what stands at `path` with links followed; `None` if nothing does.
    ///
    /// # Errors
    /// As [`Tree::list`].
    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError>;
}

/// Why a tree could not answer.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The operating system refused.
    #[error("cannot read {path}")]
    Io {
        /// What was asked for.
        path: TreePath,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A link leads out of the project.
    #[error("{path} is a link that leads out of the project")]
    Escapes {
        /// The link.
        path: TreePath,
    },
}

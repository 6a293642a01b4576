//! The state that files of a project are in: what `stat` says but the time of access.
//!
//! A write that keeps size and time of modification still changes the time of change (inode(7),
//! `st_ctime`), which no program can set. On file systems with coarse clocks a file that was changed a
//! moment ago could be left in the same state by the next write.

#![expect(
    clippy::disallowed_methods,
    reason = "the state of files of the disk, which no tree tells"
)]

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

use super::present::PresentError;
use super::project::ProjectTree;
use crate::project::tree::TreePath;

/// The coarsest clock of a file system that people build on (FAT's), in seconds.
const COARSE: i64 = 2;

/// Where a project file is, and the state it is in.
struct File {
    source: Arc<Path>,
    state: [u8; 32],
    /// When it was changed last, in seconds since the epoch.
    changed: i64,
}

/// The files of a project, each looked at once however many layers hold it.
pub(super) struct Files<'a> {
    tree: &'a ProjectTree,
    known: HashMap<&'a TreePath, File>,
}

impl<'a> Files<'a> {
    /// Returns the files of a tree, none of them looked at.
    pub(super) fn of(tree: &'a ProjectTree) -> Self {
        Self {
            tree,
            known: HashMap::new(),
        }
    }

    fn file(&mut self, path: &'a TreePath) -> Result<&File, PresentError> {
        if !self.known.contains_key(path) {
            let file = self.look(path)?;
            self.known.insert(path, file);
        }
        let gone = || PresentError::Gone { path: path.clone() };
        self.known.get(path).ok_or_else(gone)
    }

    fn look(&self, path: &TreePath) -> Result<File, PresentError> {
        let gone = || PresentError::Gone { path: path.clone() };
        let source = self.tree.inner().locate(path)?.ok_or_else(gone)?;
        let metadata = fs::metadata(&source).map_err(|_| gone())?;
        let mut state = Sha256::new();
        state.update(source.as_os_str().as_encoded_bytes());
        add(&mut state, &metadata);
        let mut changed = metadata.ctime();
        let given = self.tree.inner().root().join(path.as_str());
        if given != source {
            // Images get links as they are.
            let link = fs::symlink_metadata(&given).map_err(|_| gone())?;
            add(&mut state, &link);
            changed = changed.max(link.ctime());
            if let Ok(target) = fs::read_link(&given) {
                state.update(target.as_os_str().as_encoded_bytes());
            }
        }
        Ok(File {
            source: source.into(),
            state: state.finalize().into(),
            changed,
        })
    }

    /// Returns where a file is.
    ///
    /// # Errors
    /// It is gone, or lies behind a link that leaves the tree.
    pub(super) fn source(&mut self, path: &'a TreePath) -> Result<Arc<Path>, PresentError> {
        Ok(Arc::clone(&self.file(path)?.source))
    }

    /// Returns the state of some files.
    ///
    /// # Errors
    /// One is gone, or lies behind a link that leaves the tree.
    pub(super) fn fingerprint(
        &mut self,
        files: impl IntoIterator<Item = &'a TreePath>,
    ) -> Result<Fingerprint, PresentError> {
        let mut state = Sha256::new();
        let mut changed = i64::MIN;
        for path in files {
            let file = self.file(path)?;
            changed = changed.max(file.changed);
            state.update(path.as_str());
            state.update([0]);
            state.update(file.state);
        }
        let state = state.finalize();
        Ok(Fingerprint {
            state: state.iter().map(|byte| format!("{byte:02x}")).collect(),
            changed,
        })
    }
}

/// Adds what the system says of a file.
fn add(state: &mut Sha256, metadata: &Metadata) {
    for number in [
        metadata.dev(),
        metadata.ino(),
        metadata.size(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ctime().cast_unsigned(),
        metadata.ctime_nsec().cast_unsigned(),
    ] {
        state.update(number.to_le_bytes());
    }
}

/// The state of some files.
pub(super) struct Fingerprint {
    state: String,
    /// When one of them was changed last, in seconds since the epoch.
    changed: i64,
}

impl Fingerprint {
    /// Returns the state, which is another one whenever a file changes.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// Tells whether a change from `now` on will show.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let now = now.duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_secs().cast_signed());
        self.changed + COARSE < now
    }
}

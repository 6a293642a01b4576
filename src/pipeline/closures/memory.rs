//! What is remembered of a project's layers from one run to the next: their digests, for as long as
//! the files that they were packed from are in the state of then.
//!
//! A file's state is what `stat` says but the time of access: a write that keeps size and time of
//! modification still changes the time of change (inode(7), `st_ctime`), which no program can set.
//! A layer with a file that was changed a moment ago is not remembered: on file systems with coarse
//! clocks the next write could leave it in the same state.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use oci_spec::image::{Descriptor, Digest};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::content::{Layer, LayerBuilder, remember, remembered};
use crate::pipeline::location;
use crate::pipeline::present::PresentError;
use crate::pipeline::project::ProjectTree;
use crate::plan::Layout as ContainerLayout;
use crate::project::tree::TreePath;

/// Version of how layers are packed. Raise it whenever a layer's digest changes for the same files.
const PACKER: u32 = 1;

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
        Ok(File {
            source: source.into(),
            state: state.finalize().into(),
            changed: metadata.ctime(),
        })
    }

    /// Returns where a file is.
    ///
    /// # Errors
    /// It is gone, or lies behind a link that leaves the tree.
    pub(super) fn source(&mut self, path: &'a TreePath) -> Result<Arc<Path>, PresentError> {
        Ok(Arc::clone(&self.file(path)?.source))
    }

    /// Returns the state of all files of a layer.
    ///
    /// # Errors
    /// One is gone, or lies behind a link that leaves the tree.
    pub(super) fn fingerprint(
        &mut self,
        places: ContainerLayout,
        files: &[&'a TreePath],
    ) -> Result<Fingerprint, PresentError> {
        let mut state = Sha256::new();
        // The place of every file follows from its path and this one.
        state.update(places.relative(&TreePath::root()).as_str());
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

/// The state of all files of a layer.
pub(super) struct Fingerprint {
    state: String,
    /// When one of them was changed last, in seconds since the epoch.
    changed: i64,
}

/// What is remembered of a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    state: String,
    layer: Descriptor,
    diff_id: Digest,
}

/// What is remembered of a project's layers, by their names. It may be lost at any time.
pub(super) struct Memory {
    path: PathBuf,
    layers: BTreeMap<String, Known>,
    is_new: bool,
    /// Seconds since the epoch.
    now: i64,
}

impl Memory {
    /// Reads what is remembered of the project at `root`; nothing, if there is nothing to be read.
    pub(super) fn read(cache: &Path, root: &Path, now: SystemTime) -> Self {
        let now = now.duration_since(UNIX_EPOCH);
        let path = cache.join(format!("sources/{}-{PACKER}.json", location::key(root)));
        let layers = remembered(&path);
        Self {
            path,
            layers: layers.unwrap_or_default(),
            is_new: false,
            now: now.map_or(0, |now| now.as_secs().cast_signed()),
        }
    }

    /// Returns a layer as it was packed before, if its files are in the state of then.
    pub(super) fn layer(
        &self,
        name: &str,
        fingerprint: &Fingerprint,
        builder: LayerBuilder,
    ) -> Result<Layer, LayerBuilder> {
        match self.layers.get(name) {
            Some(known) if known.state == fingerprint.state => {
                Ok(builder.known(known.layer.clone(), known.diff_id.clone()))
            }
            _ => Err(builder),
        }
    }

    /// Remembers how a layer was packed, if that says what the next run needs to know.
    pub(super) fn remember(&mut self, name: &str, fingerprint: Fingerprint, layer: &Layer) {
        if fingerprint.changed + COARSE >= self.now {
            return;
        }
        let known = Known {
            state: fingerprint.state,
            layer: layer.descriptor().clone(),
            diff_id: layer.diff_id().clone(),
        };
        self.layers.insert(name.to_owned(), known);
        self.is_new = true;
    }

    /// Writes what is remembered, whole or not at all. Who cannot write packs again next time.
    pub(super) fn write(&self) {
        if !self.is_new {
            return;
        }
        if let Err(error) = remember(&self.path, &self.layers) {
            tracing::warn!(path = %self.path.display(), %error, "cannot remember sources");
        }
    }
}

//! What is remembered of a project's layers from one run to the next: their digests, for as long as
//! the files that they were packed from are in the state of then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use oci_spec::image::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use crate::content::{Layer, LayerBuilder, folder_key, remember, remembered};
use crate::pipeline::state::Fingerprint;

/// Version of how layers are packed. Raise it whenever a layer's digest changes for the same files.
const PACKER: u32 = 1;

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
    now: SystemTime,
}

impl Memory {
    /// Reads what is remembered of the project at `root`; nothing, if there is nothing to be read.
    pub(super) fn read(cache: &Path, root: &Path, now: SystemTime) -> Self {
        let path = cache.join(format!("sources/{}-{PACKER}.json", folder_key(root)));
        let layers = remembered(&path);
        Self {
            path,
            layers: layers.unwrap_or_default(),
            is_new: false,
            now,
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
            Some(known) if known.state == fingerprint.state() => {
                Ok(builder.known(known.layer.clone(), known.diff_id.clone()))
            }
            _ => Err(builder),
        }
    }

    /// Remembers how a layer was packed, if that says what the next run needs to know.
    pub(super) fn remember(&mut self, name: &str, fingerprint: &Fingerprint, layer: &Layer) {
        if !fingerprint.is_settled(self.now) {
            return;
        }
        let known = Known {
            state: fingerprint.state().to_owned(),
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

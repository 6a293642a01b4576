//! What is remembered of a packed toolchain.

use std::path::Path;

use oci_spec::image::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use super::ToolchainError;
use crate::content::{Layer, remember, remembered};

/// The layer's description: all that a layout's digest follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memo {
    layer: Descriptor,
    diff_id: Digest,
    /// State of the tree it was packed from, where that can change under its name.
    fingerprint: Option<String>,
}

impl Memo {
    pub(super) fn of(layer: &Layer, fingerprint: Option<String>) -> Self {
        Self {
            layer: layer.descriptor().clone(),
            diff_id: layer.diff_id().clone(),
            fingerprint,
        }
    }

    /// Returns what is remembered of a layer that somebody else has packed.
    pub(super) fn known(layer: Descriptor, diff_id: Digest) -> Self {
        Self {
            layer,
            diff_id,
            fingerprint: None,
        }
    }

    pub(super) fn layer(&self) -> &Descriptor {
        &self.layer
    }

    pub(super) fn diff_id(&self) -> &Digest {
        &self.diff_id
    }

    /// Reads the memo at `path` if it is there, whole, and of a tree in this state.
    pub(super) fn read(path: &Path, fingerprint: Option<&str>) -> Option<Self> {
        let memo: Self = remembered(path)?;
        (memo.fingerprint.as_deref() == fingerprint).then_some(memo)
    }

    /// Writes the memo to `path`, whole or not at all.
    ///
    /// # Errors
    /// [`ToolchainError::Memo`].
    pub(super) fn write(&self, path: &Path) -> Result<(), ToolchainError> {
        remember(path, self).map_err(|source| ToolchainError::Memo {
            path: path.to_owned(),
            source,
        })
    }
}

//! What is remembered of a packed toolchain.

use std::path::Path;
use std::{fs, io};

use oci_spec::image::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use super::ToolchainError;
use crate::content::{Layer, write_whole};

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
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::warn!(path = %path.display(), %error, "toolchain memo is unreadable");
                }
                return None;
            }
        };
        // A memo that cannot be understood costs only the time to pack again.
        let memo: Self = serde_json::from_slice(&bytes)
            .inspect_err(|error| {
                tracing::warn!(path = %path.display(), %error, "toolchain memo is malformed");
            })
            .ok()?;
        (memo.fingerprint.as_deref() == fingerprint).then_some(memo)
    }

    /// Writes the memo to `path`, whole or not at all.
    ///
    /// # Errors
    /// [`ToolchainError::Memo`].
    pub(super) fn write(&self, path: &Path) -> Result<(), ToolchainError> {
        let failed = |source| ToolchainError::Memo {
            path: path.to_owned(),
            source,
        };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(failed)?;
        let json = serde_json::to_vec(self).map_err(|error| failed(error.into()))?;
        write_whole(path, &json).map_err(failed)
    }
}

//! A toolchain layer whose digest is known and whose bytes are looked for when asked for.

use std::path::PathBuf;
use std::sync::Arc;

use super::memo::Memo;
use super::tree::Tree;
use super::{Host, ToolchainError, proxy};
use crate::content::{Blob, Layer};
use crate::oci::Platform;

/// Where the tree of a remembered layer is found again.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// The module cache, or failing that the proxy.
    Proxy { version: String, host: Host },
    /// A folder of this machine.
    Folder(PathBuf),
}

struct Remembered {
    origin: Origin,
    platform: Platform,
    memo: Memo,
    /// Where the memo lies; none if it is a lock file that remembers.
    memo_path: Option<PathBuf>,
}

/// Returns the layer that `memo` describes.
pub(super) fn layer(
    memo: Memo,
    memo_path: Option<PathBuf>,
    origin: Origin,
    platform: &Platform,
) -> Layer {
    let (descriptor, diff_id) = (memo.layer().clone(), memo.diff_id().clone());
    let remembered = Remembered {
        origin,
        platform: platform.clone(),
        memo,
        memo_path,
    };
    Layer::deferred(descriptor, diff_id, move || Ok(remembered.pack()?))
}

impl Remembered {
    fn pack(&self) -> Result<Arc<dyn Blob>, ToolchainError> {
        let root = match &self.origin {
            Origin::Proxy { version, host } => proxy::download(version, &self.platform, host)?.root,
            Origin::Folder(root) => root.clone(),
        };
        let tree = Tree::read(&root, &self.platform)?;
        let layer = tree.pack()?;
        let (found, remembered) = (layer.descriptor().digest(), self.memo.layer().digest());
        if found == remembered {
            return Ok(Arc::clone(layer.blob()));
        }
        let Some(memo_path) = &self.memo_path else {
            return Err(ToolchainError::NotLocked {
                root: tree.root().to_owned(),
                found: found.to_string(),
                locked: remembered.to_string(),
            });
        };
        // Without the memo the next run packs what is there.
        if let Err(error) = std::fs::remove_file(memo_path) {
            tracing::warn!(path = %memo_path.display(), %error, "cannot drop toolchain memo");
        }
        Err(ToolchainError::Drifted {
            root: tree.root().to_owned(),
            found: found.to_string(),
            remembered: remembered.to_string(),
        })
    }
}

//! OCI layouts in memory, to be served to a daemon.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::sync::Arc;

use gobuild::content::BlobSource;
use serde_json::json;

use super::graph::digest_of;

/// An image of one uncompressed layer.
pub(crate) struct Layout {
    /// Digest of its manifest.
    pub(crate) digest: String,
    blobs: BTreeMap<String, Arc<Vec<u8>>>,
}

impl Layout {
    /// Packs files, each with its mode.
    pub(crate) fn of_files(files: &[(&str, u32, &[u8])]) -> Self {
        let mut layer = tar::Builder::new(Vec::new());
        for (path, mode, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_mode(*mode);
            header.set_size(content.len() as u64);
            layer.append_data(&mut header, path, *content).unwrap();
        }
        let layer = layer.into_inner().unwrap();
        let config = json!({
            "architecture": "amd64", "os": "linux", "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(&layer)]},
        })
        .to_string()
        .into_bytes();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest_of(&config), "size": config.len(),
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar",
                "digest": digest_of(&layer), "size": layer.len(),
            }],
        })
        .to_string()
        .into_bytes();
        let digest = digest_of(&manifest);
        let blobs = [layer, config, manifest].into_iter();
        Self {
            digest,
            blobs: blobs
                .map(|blob| (digest_of(&blob), Arc::new(blob)))
                .collect(),
        }
    }
}

impl BlobSource for Layout {
    fn size(&self, digest: &str) -> std::io::Result<Option<u64>> {
        Ok(self.blobs.get(digest).map(|blob| blob.len() as u64))
    }

    fn open(&self, digest: &str, offset: u64) -> std::io::Result<Option<Box<dyn Read + Send>>> {
        Ok(self.blobs.get(digest).map(|blob| {
            let mut reader = Cursor::new(Shared(Arc::clone(blob)));
            reader.set_position(offset);
            Box::new(reader) as Box<dyn Read + Send>
        }))
    }
}

struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

//! Deletes what no entry of a layout's index leads to: `reset=true` of a local cache, whose folder
//! would otherwise grow with every export.
//!
//! Source: BuildKit `client/solve.go` (`resetCacheStore`); OCI image-spec `manifest.md`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::index::{IndexError, LayoutIndex};

impl LayoutIndex {
    /// Deletes blobs that no entry leads to and returns how many there were. If one that an entry
    /// leads to cannot be read, nothing is deleted.
    ///
    /// # Errors
    /// The index or a manifest cannot be read, or a blob cannot be deleted.
    pub fn sweep(&self) -> Result<usize, IndexError> {
        let _lock = self.lock()?;
        let mut kept = BTreeSet::new();
        let mut open: Vec<Value> = vec![self.read()?];
        while let Some(document) = open.pop() {
            for descriptor in descriptors(&document) {
                let digest = descriptor["digest"].as_str().unwrap_or_default();
                if kept.insert(digest.to_owned()) && is_manifest(descriptor) {
                    open.push(self.document(digest)?);
                }
            }
        }
        let folder = self.root().join("blobs/sha256");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries.map_err(self.failed(&folder))?,
        };
        let mut deleted = 0;
        for entry in entries {
            let entry = entry.map_err(self.failed(&folder))?;
            let digest = format!("sha256:{}", entry.file_name().display());
            if !kept.contains(&digest) {
                let path = entry.path();
                fs::remove_file(&path).map_err(self.failed(&path))?;
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Reads a blob that is JSON.
    fn document(&self, digest: &str) -> Result<Value, IndexError> {
        let path = self.blob(digest);
        let text = fs::read(&path).map_err(self.failed(&path))?;
        serde_json::from_slice(&text).map_err(|error| IndexError::Json {
            what: path.display().to_string(),
            source: Some(error),
        })
    }

    fn blob(&self, digest: &str) -> PathBuf {
        let hex = digest.trim_start_matches("sha256:");
        // A digest is no path: what is not one leads nowhere.
        let name = hex.replace('/', "_");
        self.root().join("blobs/sha256").join(name)
    }
}

/// Returns what an index or a manifest refers to.
fn descriptors(document: &Value) -> Vec<&Value> {
    let lists = ["manifests", "layers"].map(|key| document[key].as_array());
    let listed = lists.into_iter().flatten().flatten();
    let config = Some(&document["config"]).filter(|config| config.is_object());
    listed.chain(config).collect()
}

/// Tells whether a descriptor's blob refers to others. Indices of caches list layers and their
/// config, which do not.
fn is_manifest(descriptor: &Value) -> bool {
    let media_type = descriptor["mediaType"].as_str().unwrap_or_default();
    [
        "manifest.v1+json",
        "manifest.v2+json",
        "index.v1+json",
        "manifest.list.v2+json",
    ]
    .iter()
    .any(|end| media_type.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

    /// Writes a blob named by one letter.
    fn write(layout: &std::path::Path, letter: &str, content: &str) {
        let folder = layout.join("blobs/sha256");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(letter.repeat(64)), content).unwrap();
    }

    fn descriptor(letter: &str, media_type: &str) -> String {
        let digest = letter.repeat(64);
        format!("{{\"mediaType\":\"{media_type}\",\"digest\":\"sha256:{digest}\"}}")
    }

    #[test]
    fn what_an_entry_leads_to_stays() {
        let layout = tempfile::tempdir().unwrap();
        let root = layout.path();
        let index = LayoutIndex::new(root);
        let manifest = |config: &str, layer: &str| {
            let (config, layer) = (descriptor(config, "config"), descriptor(layer, "layer"));
            format!("{{\"config\":{config},\"layers\":[{layer}]}}")
        };
        write(root, "a", &manifest("b", "c"));
        for letter in ["b", "c", "d"] {
            write(root, letter, "");
        }
        index
            .put_tag(descriptor("a", MANIFEST).as_bytes(), "main")
            .unwrap();
        assert_eq!(index.sweep().unwrap(), 1);
        assert!(!root.join("blobs/sha256").join("d".repeat(64)).exists());
        assert_eq!(index.sweep().unwrap(), 0);

        // Another tag whose manifest is lost: what belonged to it is not known.
        write(root, "d", "");
        index
            .put_tag(descriptor("e", MANIFEST).as_bytes(), "lost")
            .unwrap();
        assert!(index.sweep().is_err());
        assert!(root.join("blobs/sha256").join("d".repeat(64)).exists());
    }
}

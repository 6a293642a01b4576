//! The layouts of one build, read by the session's content service or written to a directory.
//!
//! `gobuild llb --content DIR` writes one shared OCI image layout: every source of the
//! Definition names the store [`STORE_ID`] in its `oci.store` attribute, so one flag serves them
//! all: `buildctl build --oci-layout gobuild=DIR`. Layout of the directory: OCI image-spec
//! "Image Layout"; `buildctl` itself reads only `blobs/sha256/` (containerd
//! `plugins/content/local`).

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use oci_spec::OciSpecError;
use oci_spec::image::{ImageIndexBuilder, MediaType, OciLayoutBuilder};

use super::BlobSource;
use super::blob::Blob;
use super::layer::{CHUNK, Hasher, next_piece};
use super::layout::Layout;
use super::whole::{temporary, write_whole};

/// The `oci.store` attribute of every source served from a [`Store`].
///
/// The daemon asks the session for the content store `oci:` plus this name; it does not
/// fall back to the source's name when the attribute is missing.
pub const STORE_ID: &str = "gobuild";

/// Annotation by which tools find an image of a layout directory.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Why the layouts could not be written to a directory.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder of the directory cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A blob can no longer be read as it was when it was hashed.
    #[error("cannot read blob {digest}")]
    Blob {
        /// The blob's digest.
        digest: String,
        /// The reason, e.g. which file changed.
        source: io::Error,
    },
    /// What was read does not have the digest it is stored under.
    #[error("blob {digest} has other content by now, {written}")]
    Mismatch {
        /// The digest it should have.
        digest: String,
        /// The digest of what was read.
        written: String,
    },
    /// The index could not be put into words.
    #[error("cannot describe the layouts as an image index")]
    Spec(#[from] OciSpecError),
}

#[derive(Default)]
struct Contents {
    layouts: BTreeMap<String, Arc<Layout>>,
    blobs: HashMap<String, Arc<dyn Blob>>,
}

/// A growing collection of layouts; shared between threads.
#[derive(Default)]
pub struct Store {
    contents: RwLock<Contents>,
}

impl Store {
    /// Returns a store with no layouts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a layout; adding it again changes nothing. Returns its identifier.
    pub fn add(&self, layout: Layout) -> String {
        let identifier = layout.identifier();
        let mut contents = self
            .contents
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for (digest, blob) in layout.blobs() {
            contents
                .blobs
                .entry(digest.clone())
                .or_insert_with(|| Arc::clone(blob));
        }
        contents
            .layouts
            .entry(identifier.clone())
            .or_insert_with(|| Arc::new(layout));
        identifier
    }

    /// Returns the layouts in order of their identifiers.
    #[must_use]
    pub fn layouts(&self) -> Vec<Arc<Layout>> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.layouts.values().cloned().collect()
    }

    /// Returns the layout of an identifier, `name@sha256:…`.
    #[must_use]
    pub fn layout(&self, identifier: &str) -> Option<Arc<Layout>> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.layouts.get(identifier).cloned()
    }

    fn blob(&self, digest: &str) -> Option<Arc<dyn Blob>> {
        let contents = self.contents.read().unwrap_or_else(PoisonError::into_inner);
        contents.blobs.get(digest).cloned()
    }

    /// Writes all layouts as one OCI image layout; blobs that are there already are kept.
    ///
    /// # Errors
    /// The directory cannot be written; a source file changed since it was packed.
    pub fn write_to(&self, folder: &Path) -> Result<(), StoreError> {
        let blobs = folder.join("blobs/sha256");
        fs::create_dir_all(&blobs).map_err(|source| write_error(&blobs, source))?;
        let layouts = self.layouts();
        let mut manifests = Vec::new();
        for layout in &layouts {
            for (digest, blob) in layout.blobs() {
                write_blob(&blobs, digest, blob.as_ref())?;
            }
            let mut manifest = layout.manifest().clone();
            let name = (REF_NAME.to_owned(), layout.name().to_owned());
            manifest.set_annotations(Some([name].into()));
            manifests.push(manifest);
        }
        let index = ImageIndexBuilder::default()
            .schema_version(2u32)
            .media_type(MediaType::ImageIndex)
            .manifests(manifests)
            .build()?
            .to_string()?;
        write_text(folder, "index.json", &index)?;
        let marker = OciLayoutBuilder::default()
            .image_layout_version("1.0.0")
            .build()?
            .to_string()?;
        write_text(folder, "oci-layout", &marker)
    }
}

impl BlobSource for Store {
    fn size(&self, digest: &str) -> io::Result<Option<u64>> {
        Ok(self.blob(digest).map(|blob| blob.size()))
    }

    fn open(&self, digest: &str, offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        self.blob(digest).map(|blob| blob.open(offset)).transpose()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.layouts()).finish()
    }
}

fn write_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Write {
        path: path.to_owned(),
        source,
    }
}

fn write_blob(blobs: &Path, digest: &str, blob: &dyn Blob) -> Result<(), StoreError> {
    let name = digest.rsplit(':').next().unwrap_or(digest);
    let path = blobs.join(name);
    if fs::metadata(&path).is_ok_and(|present| present.len() == blob.size()) {
        return Ok(());
    }
    let read_error = |source| StoreError::Blob {
        digest: digest.to_owned(),
        source,
    };
    let failed = |source| write_error(&path, source);
    let mut reader = blob.open(0).map_err(read_error)?;
    let mut file = temporary(blobs).map_err(failed)?;
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; CHUNK];
    while let Some(piece) = next_piece(&mut reader, &mut chunk).map_err(read_error)? {
        hasher.update(piece);
        file.write_all(piece).map_err(failed)?;
    }
    let written = hasher.finish().map_err(read_error)?;
    if written.as_ref() != digest {
        return Err(StoreError::Mismatch {
            digest: digest.to_owned(),
            written: written.to_string(),
        });
    }
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn write_text(folder: &Path, name: &str, text: &str) -> Result<(), StoreError> {
    let path = folder.join(name);
    let failed = |source| write_error(&path, source);
    write_whole(&path, text.as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::layer::digest;
    use crate::content::{Attributes, Compression, FileCache, LayerBuilder};
    use crate::oci::Platform;

    fn layout(source: &Path) -> Layout {
        let mut layer = LayerBuilder::new();
        layer
            .disk_file("src/main.go", source, Attributes::FILE)
            .unwrap();
        let layer = layer
            .pack(&FileCache::disabled(), Compression::None)
            .unwrap();
        Layout::new("gobuild/closure", &Platform::linux("arm64"), &[layer]).unwrap()
    }

    fn source() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.go");
        fs::write(&path, "package main\n").unwrap();
        (folder, path)
    }

    fn json(store: &Store, digest: &str) -> serde_json::Value {
        let reader = store.open(digest, 0).unwrap().unwrap();
        serde_json::from_reader(reader).unwrap()
    }

    #[test]
    fn manifest_config_and_layer_are_served_by_digest() {
        let (_folder, path) = source();
        let store = Store::new();
        let identifier = store.add(layout(&path));
        assert_eq!(store.add(layout(&path)), identifier);
        assert_eq!(store.layouts().len(), 1);
        let digest = identifier.strip_prefix("gobuild/closure@").unwrap();
        let manifest = json(&store, digest);
        let config = json(&store, manifest["config"]["digest"].as_str().unwrap());
        insta::assert_json_snapshot!(config, @r#"
        {
          "architecture": "arm64",
          "os": "linux",
          "rootfs": {
            "diff_ids": [
              "sha256:e07df4e71bd20508d5614477acf1962e8f0d41e32bcf4a74070a4646f3f4f54a"
            ],
            "type": "layers"
          }
        }
        "#);
        let layer = manifest["layers"][0]["digest"].as_str().unwrap();
        let size = store.size(layer).unwrap().unwrap();
        assert_eq!(manifest["layers"][0]["size"], size);
        let mut tail = Vec::new();
        let mut reader = store.open(layer, size - 1024).unwrap().unwrap();
        reader.read_to_end(&mut tail).unwrap();
        assert_eq!(tail, [0; 1024]);
        let absent = format!("sha256:{:064}", 0);
        assert_eq!(store.size(&absent).unwrap(), None);
        assert!(store.open(&absent, 0).unwrap().is_none());
    }

    #[test]
    fn a_directory_holds_every_blob_under_its_digest() {
        let (folder, path) = source();
        let store = Store::new();
        let identifier = store.add(layout(&path));
        let out = folder.path().join("content");
        store.write_to(&out).unwrap();
        let blobs: Vec<_> = fs::read_dir(out.join("blobs/sha256")).unwrap().collect();
        assert_eq!(blobs.len(), 3);
        for blob in blobs {
            let blob = blob.unwrap();
            let digest = digest(fs::File::open(blob.path()).unwrap()).unwrap();
            assert_eq!(digest.digest(), blob.file_name().to_str().unwrap());
        }
        let index: serde_json::Value =
            serde_json::from_slice(&fs::read(out.join("index.json")).unwrap()).unwrap();
        let manifest = &index["manifests"][0];
        let name = manifest["annotations"][REF_NAME].as_str().unwrap();
        let digest = manifest["digest"].as_str().unwrap();
        assert_eq!(format!("{name}@{digest}"), identifier);
        let marker = fs::read_to_string(out.join("oci-layout")).unwrap();
        assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
        // Blobs that are there are not read again.
        fs::remove_file(&path).unwrap();
        store.write_to(&out).unwrap();
    }

    #[test]
    fn a_file_edited_before_writing_is_named() {
        let (folder, path) = source();
        let store = Store::new();
        store.add(layout(&path));
        fs::write(&path, "package main // edited\n").unwrap();
        let out = folder.path().join("content");
        let error = store.write_to(&out).unwrap_err();
        assert!(matches!(error, StoreError::Blob { .. }), "{error}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            cause.ends_with("main.go changed during the build"),
            "{cause}"
        );
    }

    #[test]
    fn names_need_a_slash() {
        for name in ["closure", "", "/closure", "gobuild/", "gobuild/Closure"] {
            let error = Layout::new(name, &Platform::linux("amd64"), &[]).unwrap_err();
            assert!(error.to_string().contains("host/path"), "{name}");
        }
    }
}

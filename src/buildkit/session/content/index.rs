//! `index.json` of an OCI layout: what its blobs mean, which the client writes after a solve.
//!
//! An entry is found by the full image name or the tag that it is annotated with. Members of the
//! index that are not known here are kept. Concurrent writers of one layout wait for each other.
//!
//! Source: BuildKit `client/ociindex/ociindex.go`; OCI image-spec `image-layout.md`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

const NAME: &str = "io.containerd.image.name";
const TAG: &str = "org.opencontainers.image.ref.name";

/// The index of a layout directory.
#[derive(Clone, Debug)]
pub struct LayoutIndex {
    root: PathBuf,
}

/// Why an index cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file of the layout cannot be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the layout, or a descriptor, is not the JSON it should be.
    #[error("{what} is not valid")]
    Json {
        /// The file or the descriptor.
        what: String,
        /// What is wrong with it; none if it is JSON of another shape.
        source: Option<serde_json::Error>,
    },
}

impl LayoutIndex {
    /// Returns the index of the layout in `root`, which need not exist yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// Returns the digest of the entry whose name, or else whose tag, is `wanted`; none if there
    /// is no such entry, or no index at all.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn digest(&self, wanted: &str) -> Result<Option<String>, IndexError> {
        let index = self.read()?;
        let entries = index["manifests"].as_array().map_or(&[][..], Vec::as_slice);
        let by = |key: &str| {
            entries
                .iter()
                .find(|entry| entry["annotations"][key] == wanted)
        };
        let found = by(NAME).or_else(|| by(TAG));
        Ok(found
            .and_then(|entry| entry["digest"].as_str())
            .map(str::to_owned))
    }

    /// Adds a descriptor in JSON under a tag, in place of an earlier entry of that tag.
    ///
    /// # Errors
    /// The descriptor is no JSON object, or a file cannot be written.
    pub fn put_tag(&self, descriptor: &[u8], tag: &str) -> Result<(), IndexError> {
        self.put(descriptor, None, tag)
    }

    /// Adds a descriptor in JSON under an image's full name, in place of an earlier entry of that
    /// name; its tag is `tag`.
    ///
    /// # Errors
    /// The descriptor is no JSON object, or a file cannot be written.
    pub fn put_image(&self, descriptor: &[u8], name: &str, tag: &str) -> Result<(), IndexError> {
        self.put(descriptor, Some(name), tag)
    }

    fn put(&self, descriptor: &[u8], name: Option<&str>, tag: &str) -> Result<(), IndexError> {
        let invalid = |source| IndexError::Json {
            what: "the descriptor".to_owned(),
            source,
        };
        let mut entry: Map<String, Value> =
            serde_json::from_slice(descriptor).map_err(|error| invalid(Some(error)))?;
        let annotations = entry.entry("annotations").or_insert_with(|| json!({}));
        let annotations = annotations.as_object_mut().ok_or_else(|| invalid(None))?;
        if let Some(name) = name {
            annotations.insert(NAME.to_owned(), name.into());
        }
        annotations.insert(TAG.to_owned(), tag.into());

        fs::create_dir_all(&self.root).map_err(self.failed(&self.root))?;
        let _lock = self.lock()?;
        let mut index = self.read()?;
        let same = |other: &Value| {
            let theirs = &other["annotations"];
            theirs[TAG] == tag && theirs[NAME].as_str() == name
        };
        let entries = index["manifests"]
            .as_array_mut()
            .ok_or_else(|| self.misshapen())?;
        entries.retain(|other| !same(other));
        entries.push(Value::Object(entry));
        self.replace("oci-layout", &json!({"imageLayoutVersion": "1.0.0"}))?;
        self.replace("index.json", &index)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn read(&self) -> Result<Value, IndexError> {
        let path = self.root.join("index.json");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(self.failed(&path))?,
        };
        let mut index = match text.as_slice() {
            [] => json!({}),
            text => serde_json::from_slice(text).map_err(|error| IndexError::Json {
                what: path.display().to_string(),
                source: Some(error),
            })?,
        };
        let members: &mut Map<String, Value> =
            index.as_object_mut().ok_or_else(|| self.misshapen())?;
        for (member, default) in [
            ("schemaVersion", json!(2)),
            (
                "mediaType",
                json!("application/vnd.oci.image.index.v1+json"),
            ),
            ("manifests", json!([])),
        ] {
            members.entry(member).or_insert(default);
        }
        Ok(index)
    }

    /// Waits for other writers; the lock is released with the file.
    pub(super) fn lock(&self) -> Result<File, IndexError> {
        let path = self.root.join("index.json.lock");
        let file = File::create(&path).map_err(self.failed(&path))?;
        file.lock().map_err(self.failed(&path))?;
        Ok(file)
    }

    fn replace(&self, name: &str, content: &Value) -> Result<(), IndexError> {
        let path = self.root.join(name);
        let write = || -> io::Result<()> {
            let file = tempfile::Builder::new()
                .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
                .tempfile_in(&self.root)?;
            fs::write(file.path(), content.to_string())?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(self.failed(&path))
    }

    fn misshapen(&self) -> IndexError {
        IndexError::Json {
            what: self.root.join("index.json").display().to_string(),
            source: None,
        }
    }

    pub(super) fn failed(&self, path: &Path) -> impl FnOnce(io::Error) -> IndexError + use<> {
        let path = path.to_owned();
        move |source| IndexError::Io { path, source }
    }
}

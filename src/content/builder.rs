//! Entries of a layer, collected in any order and packed in one.
//!
//! What enters: directories, files, symlinks by their path in the image. What leaves: a
//! [`Layer`] whose bytes depend on the entries alone. Paths are packed in byte order, so a
//! directory precedes what it holds; a parent nobody added is created once, root-owned 0755.
//! Layer changesets follow the OCI image-spec, "Image Layer Filesystem Changeset".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::blob::{Blob, Segment, SegmentBlob};
use super::compression::Compression;
use super::files::FileCache;
use super::header::{self, Kind, RECORD};
use super::layer::Layer;

/// Mode, owner and time of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits, with set-id and sticky bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Modification time in seconds since the epoch.
    pub mtime: u32,
}

impl Attributes {
    /// Root's, 0644, at the epoch.
    pub const FILE: Self = Self::root(0o644);
    /// Root's, 0755, at the epoch.
    pub const EXECUTABLE: Self = Self::root(0o755);
    /// Root's, 0755, at the epoch.
    pub const DIRECTORY: Self = Self::root(0o755);

    /// Returns root's attributes with `mode`, at the epoch.
    #[must_use]
    pub const fn root(mode: u32) -> Self {
        Self {
            mode,
            uid: 0,
            gid: 0,
            mtime: 0,
        }
    }

    /// Returns the attributes with another owner and group.
    #[must_use]
    pub const fn owned_by(self, uid: u32, gid: u32) -> Self {
        Self { uid, gid, ..self }
    }
}

/// Why a layer could not be packed.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A path in the image is empty, absolute twice over, or leaves the root.
    #[error("{path:?} is not a path below the image's root")]
    Path {
        /// The path as given.
        path: String,
    },
    /// Two different entries claim one path.
    #[error("/{path} is added twice with different content")]
    Conflict {
        /// The path in the image.
        path: String,
    },
    /// An entry lies below something that is not a directory.
    #[error("/{path} lies below /{parent}, which is not a directory")]
    Parent {
        /// The path in the image.
        path: String,
        /// The ancestor that is a file or a symlink.
        parent: String,
    },
    /// A source path is no regular file.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path on disk.
        path: PathBuf,
    },
    /// A source file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The path on disk.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The layer could not be hashed or compressed.
    #[error("cannot pack a layer")]
    Pack(#[source] std::io::Error),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Body {
    Directory,
    Bytes(Bytes),
    Disk(Arc<Path>),
    Source(Arc<Path>),
    Symlink(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    body: Body,
    attributes: Attributes,
}

/// Collects the entries of one layer.
#[derive(Clone, Debug, Default)]
pub struct LayerBuilder {
    entries: BTreeMap<String, Entry>,
}

impl LayerBuilder {
    /// Returns a builder with no entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many entries were added; parents that follow from them are not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a directory at `path`, e.g. `tmp` or `/tmp`.
    ///
    /// # Errors
    /// [`LayerError::Path`], [`LayerError::Conflict`].
    pub fn directory(
        &mut self,
        path: &str,
        attributes: Attributes,
    ) -> Result<&mut Self, LayerError> {
        self.add(path, Body::Directory, attributes)
    }

    /// Adds a file whose bytes are given.
    ///
    /// # Errors
    /// [`LayerError::Path`], [`LayerError::Conflict`].
    pub fn file(
        &mut self,
        path: &str,
        bytes: impl Into<Bytes>,
        attributes: Attributes,
    ) -> Result<&mut Self, LayerError> {
        self.add(path, Body::Bytes(bytes.into()), attributes)
    }

    /// Adds a file whose bytes are those of the regular file `source`, which is looked at when
    /// the layer is packed and followed if it is a symlink.
    ///
    /// # Errors
    /// [`LayerError::Path`], [`LayerError::Conflict`].
    pub fn disk_file(
        &mut self,
        path: &str,
        source: impl Into<Arc<Path>>,
        attributes: Attributes,
    ) -> Result<&mut Self, LayerError> {
        self.add(path, Body::Disk(source.into()), attributes)
    }

    /// Adds a regular file as [`disk_file`](Self::disk_file) does, with a time that follows from
    /// its content: for programs that take files of one name, size and time for the same.
    ///
    /// # Errors
    /// [`LayerError::Path`], [`LayerError::Conflict`].
    pub fn source_file(
        &mut self,
        path: &str,
        source: impl Into<Arc<Path>>,
        attributes: Attributes,
    ) -> Result<&mut Self, LayerError> {
        self.add(path, Body::Source(source.into()), attributes)
    }

    /// Adds a symbolic link; `target` is stored as it is.
    ///
    /// # Errors
    /// [`LayerError::Path`], [`LayerError::Conflict`].
    pub fn symlink(&mut self, path: &str, target: &str) -> Result<&mut Self, LayerError> {
        self.add(
            path,
            Body::Symlink(target.to_owned()),
            Attributes::root(0o777),
        )
    }

    fn add(
        &mut self,
        path: &str,
        body: Body,
        attributes: Attributes,
    ) -> Result<&mut Self, LayerError> {
        let key = checked(path)?.to_owned();
        let entry = Entry { body, attributes };
        match self.entries.get(&key) {
            Some(present) if *present == entry => {}
            Some(_) => return Err(LayerError::Conflict { path: key }),
            None => {
                self.entries.insert(key, entry);
            }
        }
        Ok(self)
    }

    /// Packs the layer: reads every source file once, hashes the result.
    ///
    /// Files that `files` holds or has room for are shared through memory; the others stay on
    /// disk and are read again when the blob is.
    ///
    /// # Errors
    /// A source is missing, unreadable, no regular file, or changes while it is hashed; an
    /// entry lies below a file.
    pub fn pack(&self, files: &FileCache, compression: Compression) -> Result<Layer, LayerError> {
        Layer::new(self.segments(files)?, compression).map_err(LayerError::Pack)
    }

    /// Returns the uncompressed bytes of the layer without hashing them, for one whose digest is
    /// known.
    ///
    /// # Errors
    /// A source is missing or no regular file; an entry lies below a file.
    pub fn blob(&self, files: &FileCache) -> Result<Arc<dyn Blob>, LayerError> {
        Ok(Arc::new(self.segments(files)?))
    }

    fn segments(&self, files: &FileCache) -> Result<SegmentBlob, LayerError> {
        let mut segments = Vec::with_capacity(self.entries.len() * 2 + 1);
        let mut records = Vec::new();
        for (path, entry) in self.with_parents()? {
            let mut attributes = entry.attributes;
            let (body, kind) = match &entry.body {
                Body::Directory => (None, Kind::Directory),
                Body::Symlink(target) => (None, Kind::Symlink { target }),
                Body::Bytes(bytes) => {
                    let size = bytes.len() as u64;
                    (Some(Segment::Memory(bytes.clone())), Kind::File { size })
                }
                Body::Disk(source) => {
                    let body = files.segment(source)?;
                    let size = body.length();
                    (Some(body), Kind::File { size })
                }
                Body::Source(source) => {
                    let (body, time) = files.dated(source)?;
                    attributes.mtime = time;
                    let size = body.length();
                    (Some(body), Kind::File { size })
                }
            };
            header::append(&mut records, path, kind, attributes);
            if let Some(body) = body {
                let padding = header::padding(body.length());
                segments.push(Segment::Memory(Bytes::from(std::mem::take(&mut records))));
                segments.push(body);
                records.extend_from_slice(padding);
            }
        }
        // Two empty records end an archive.
        records.resize(records.len() + 2 * RECORD, 0);
        segments.push(Segment::Memory(Bytes::from(records)));
        Ok(SegmentBlob::new(segments))
    }

    /// Returns all entries in byte order of their paths, parents included.
    fn with_parents(&self) -> Result<BTreeMap<&str, &Entry>, LayerError> {
        const PARENT: &Entry = &Entry {
            body: Body::Directory,
            attributes: Attributes::DIRECTORY,
        };
        let mut all: BTreeMap<&str, &Entry> = BTreeMap::new();
        for (path, entry) in &self.entries {
            all.insert(path, entry);
            for (at, _) in path.rmatch_indices('/') {
                let parent = &path[..at];
                match self.entries.get(parent) {
                    Some(Entry {
                        body: Body::Directory,
                        ..
                    }) => {}
                    Some(_) => {
                        return Err(LayerError::Parent {
                            path: path.clone(),
                            parent: parent.to_owned(),
                        });
                    }
                    None if all.contains_key(parent) => break,
                    None => {
                        all.insert(parent, PARENT);
                    }
                }
            }
        }
        Ok(all)
    }
}

/// Returns the path relative to the image's root.
fn checked(path: &str) -> Result<&str, LayerError> {
    let relative = path.strip_prefix('/').unwrap_or(path);
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    if relative.split('/').all(plain) {
        Ok(relative)
    } else {
        Err(LayerError::Path {
            path: path.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;

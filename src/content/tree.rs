//! A layout's files, one by one: what a daemon without `oci-layout://` is sent instead.
//!
//! Layers are read from their blobs, a header at a time; contents are left where they are until
//! they are asked for. What a later layer has replaces what an earlier one had.
//! Spec: POSIX.1-2017 `pax`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{ImageManifest, MediaType};
use tar::{EntryType, Header};

use super::blob::{Blob, SegmentBlob};
use super::header::RECORD;
use super::layout::Layout;

/// The files of a layout, by folder.
#[derive(Debug, Default)]
pub struct LayoutTree(BTreeMap<String, BTreeMap<String, Member>>);

/// A file, folder or link.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is.
    pub kind: MemberKind,
    /// Permissions, setuid, setgid and sticky bits included.
    pub mode: u32,
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// Time of its last change, in seconds since 1970.
    pub modified: u32,
}

/// What a member is.
#[derive(Clone)]
pub enum MemberKind {
    /// A folder.
    Directory,
    /// A file: its place in a layer.
    File {
        /// The layer.
        blob: Arc<dyn Blob>,
        /// Where its content begins.
        offset: u64,
        /// How long it is.
        size: u64,
    },
    /// A symbolic link: its text.
    Symlink(String),
}

impl std::fmt::Debug for MemberKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory => f.write_str("Directory"),
            Self::File { offset, size, .. } => write!(f, "File({offset}, {size})"),
            Self::Symlink(target) => write!(f, "Symlink({target:?})"),
        }
    }
}

impl LayoutTree {
    /// Reads the headers of a layout's layers.
    ///
    /// # Errors
    /// A layer cannot be opened, or is none of ours.
    pub fn of(layout: &Layout) -> io::Result<Self> {
        let blob = |digest: &str| {
            let blob = layout.blobs().get(digest).cloned();
            blob.ok_or_else(|| io::Error::other(format!("{layout:?} lacks {digest}")))
        };
        let manifest = blob(layout.digest())?.open(0)?;
        let manifest = ImageManifest::from_reader(manifest).map_err(io::Error::other)?;
        let mut tree = Self::default();
        tree.0.insert(String::new(), BTreeMap::new());
        for layer in manifest.layers() {
            let packed = blob(layer.digest().as_ref())?;
            tree.add(&plain(packed, layer.media_type())?)?;
        }
        Ok(tree)
    }

    /// Returns what a folder holds, by name; none if there is no such folder. The root's path is
    /// empty.
    #[must_use]
    pub fn folder(&self, path: &str) -> Option<&BTreeMap<String, Member>> {
        self.0.get(path)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// There is none, or its layer cannot be read.
    pub fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let member = self.folder(folder).and_then(|folder| folder.get(name));
        match member.map(|member| &member.kind) {
            Some(MemberKind::File { blob, offset, size }) => {
                Ok(Box::new(blob.open(*offset)?.take(*size)))
            }
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn add(&mut self, blob: &Arc<dyn Blob>) -> io::Result<()> {
        let mut offset = 0;
        let mut extended = BTreeMap::new();
        while let Some(header) = header(blob.as_ref(), offset)? {
            offset += RECORD as u64;
            let size = match extended.get("size").map(|size: &String| size.parse()) {
                Some(size) => size.map_err(io::Error::other)?,
                None => header.size()?,
            };
            let content = offset;
            offset += size.next_multiple_of(RECORD as u64);
            if header.entry_type() == EntryType::XHeader {
                let mut records = Vec::new();
                blob.open(content)?.take(size).read_to_end(&mut records)?;
                extended = pax(&records)?;
                continue;
            }
            let extended = std::mem::take(&mut extended);
            let kind = match header.entry_type() {
                EntryType::Directory => MemberKind::Directory,
                EntryType::Regular => MemberKind::File {
                    blob: Arc::clone(blob),
                    offset: content,
                    size,
                },
                EntryType::Symlink => MemberKind::Symlink(match extended.get("linkpath") {
                    Some(target) => target.clone(),
                    None => text(&header.link_name_bytes().unwrap_or_default())?,
                }),
                other => {
                    let message = format!("an entry of type {other:?} in a layer");
                    return Err(io::Error::other(message));
                }
            };
            let path = match extended.get("path") {
                Some(path) => path.clone(),
                None => text(&header.path_bytes())?,
            };
            let id = |key: &str, field: io::Result<u64>| match extended.get(key) {
                Some(id) => id.parse().map_err(io::Error::other),
                None => u32::try_from(field?).map_err(io::Error::other),
            };
            let member = Member {
                kind,
                mode: header.mode()? & 0o7777,
                uid: id("uid", header.uid())?,
                gid: id("gid", header.gid())?,
                modified: u32::try_from(header.mtime()?).map_err(io::Error::other)?,
            };
            self.insert(path.trim_matches('/'), member);
        }
        Ok(())
    }

    /// Adds a member, and the folders above it that no layer has told of.
    fn insert(&mut self, path: &str, member: Member) {
        if path.is_empty() {
            return;
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if !self.0.contains_key(folder) {
            let above = Member {
                kind: MemberKind::Directory,
                mode: 0o755,
                uid: 0,
                gid: 0,
                modified: member.modified,
            };
            self.insert(folder, above);
        }
        if matches!(member.kind, MemberKind::Directory) {
            self.0.entry(path.to_owned()).or_default();
        }
        let folder = self.0.entry(folder.to_owned()).or_default();
        folder.insert(name.to_owned(), member);
    }
}

/// Returns a layer that can be read from any offset.
fn plain(blob: Arc<dyn Blob>, media_type: &MediaType) -> io::Result<Arc<dyn Blob>> {
    let mut bytes = Vec::new();
    match media_type {
        MediaType::ImageLayer => return Ok(blob),
        MediaType::ImageLayerGzip => {
            flate2::read::GzDecoder::new(blob.open(0)?).read_to_end(&mut bytes)?;
        }
        MediaType::ImageLayerZstd => {
            zstd::stream::read::Decoder::new(blob.open(0)?)?.read_to_end(&mut bytes)?;
        }
        other => return Err(io::Error::other(format!("a layer of type {other}"))),
    }
    Ok(Arc::new(SegmentBlob::from_bytes(Bytes::from(bytes))))
}

/// Returns the header at an offset; none at the end of the archive.
fn header(blob: &dyn Blob, offset: u64) -> io::Result<Option<Header>> {
    let mut header = Header::new_old();
    if offset >= blob.size() {
        return Ok(None);
    }
    blob.open(offset)?.read_exact(header.as_mut_bytes())?;
    Ok(header
        .as_bytes()
        .iter()
        .any(|byte| *byte != 0)
        .then_some(header))
}

/// Reads the records of an extended header: `LENGTH KEY=VALUE\n`.
fn pax(mut records: &[u8]) -> io::Result<BTreeMap<String, String>> {
    let malformed = || io::Error::other("a malformed extended header in a layer");
    let mut pairs = BTreeMap::new();
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ');
        let space = space.ok_or_else(malformed)?;
        let length: usize = text(&records[..space])?.parse().map_err(io::Error::other)?;
        let record = records.get(space + 1..length).ok_or_else(malformed)?;
        let record = text(record)?;
        let (key, value) = record.split_once('=').ok_or_else(malformed)?;
        pairs.insert(key.to_owned(), value.trim_end_matches('\n').to_owned());
        records = &records[length..];
    }
    Ok(pairs)
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Attributes, Compression, FileCache, LayerBuilder};
    use crate::oci::Platform;

    fn layout(compression: Compression) -> Layout {
        let mut layer = LayerBuilder::new();
        let long = format!("{}/file", "long".repeat(40));
        let private = Attributes {
            mode: 0o600,
            uid: 65532,
            gid: 3_000_000,
            ..Attributes::FILE
        };
        layer
            .file("etc/passwd", "root\n", Attributes::FILE)
            .unwrap();
        layer.file(&long, "x".repeat(1000), private).unwrap();
        layer.symlink("bin", "usr/bin").unwrap();
        let layer = layer.pack(&FileCache::disabled(), compression).unwrap();
        Layout::new("gobuild/test", &Platform::linux("amd64"), &[layer]).unwrap()
    }

    #[test]
    fn every_file_is_found_where_it_is() {
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let tree = LayoutTree::of(&layout(compression)).unwrap();
            let root: Vec<&str> = tree
                .folder("")
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let long = "long".repeat(40);
            assert_eq!(root, ["bin", "etc", &long]);
            let bin = &tree.folder("").unwrap()["bin"].kind;
            assert!(matches!(bin, MemberKind::Symlink(target) if target == "usr/bin"));
            let file = &tree.folder(&long).unwrap()["file"];
            assert_eq!((file.mode, file.uid, file.gid), (0o600, 65532, 3_000_000));
            let mut content = String::new();
            let path = format!("{long}/file");
            tree.open(&path)
                .unwrap()
                .read_to_string(&mut content)
                .unwrap();
            assert_eq!(content, "x".repeat(1000));
            assert!(tree.open("etc").is_err());
            assert!(tree.open("etc/shadow").is_err());
        }
    }
}

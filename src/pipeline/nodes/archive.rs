//! An OCI archive of a layout: its index, and the blobs that the index leads to.
//!
//! Spec: OCI image-spec `image-layout.md`.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that writes archives of what several nodes have built"
)]

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use serde_json::Value;
use tar::{Builder, EntryType, Header};

use crate::buildkit::session::content::LayoutStore;
use crate::content::{BlobSource as _, Whole};
use crate::oci::exporter::Destination;

/// Returns every blob that a manifest or index leads to, itself among them, with its size.
pub(super) fn reachable(layout: &LayoutStore, digest: &str) -> io::Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    let mut open = vec![(digest.to_owned(), true)];
    while let Some((digest, is_json)) = open.pop() {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no blob {digest}"));
        let size = layout.size(&digest)?.ok_or_else(missing)?;
        if found.insert(digest.clone(), size).is_some() || !is_json {
            continue;
        }
        let manifest: Value = serde_json::from_slice(&layout.read(&digest)?)?;
        let members = |name: &str| manifest[name].as_array().cloned().unwrap_or_default();
        let digests = |values: Vec<Value>, is_json: bool| {
            let named = values.into_iter();
            let named = named.filter_map(|value| value["digest"].as_str().map(str::to_owned));
            named.map(move |digest| (digest, is_json))
        };
        open.extend(digests(members("manifests"), true));
        open.extend(digests(vec![manifest["config"].clone()], false));
        open.extend(digests(members("layers"), false));
    }
    Ok(found)
}

/// Writes the archive of one image of a layout; `index` is the archive's `index.json`.
pub(super) fn write(
    layout: &LayoutStore,
    digest: &str,
    index: &[u8],
    to: &Destination,
) -> io::Result<()> {
    match to {
        Destination::Stdout => pack(layout, digest, index, io::stdout().lock()),
        Destination::File(path) => {
            let mut file = Whole::create(path)?;
            pack(layout, digest, index, &mut file)?;
            file.keep()
        }
    }
}

fn pack(layout: &LayoutStore, digest: &str, index: &[u8], to: impl Write) -> io::Result<()> {
    let mut archive = Builder::new(io::BufWriter::with_capacity(1 << 20, to));
    for folder in ["blobs/", "blobs/sha256/"] {
        append(&mut archive, folder, 0o755, 0, io::empty())?;
    }
    for (digest, size) in reachable(layout, digest)? {
        let blob = layout.open(&digest, 0)?;
        let blob = blob.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let path = format!("blobs/{}", digest.replace(':', "/"));
        append(&mut archive, &path, 0o444, size, blob)?;
    }
    for (path, text) in [
        ("index.json", index),
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
    ] {
        append(&mut archive, path, 0o444, text.len() as u64, text)?;
    }
    archive.into_inner()?.flush()
}

fn append(
    archive: &mut Builder<impl Write>,
    path: &str,
    mode: u32,
    size: u64,
    content: impl Read,
) -> io::Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_entry_type(match path.ends_with('/') {
        true => EntryType::Directory,
        false => EntryType::Regular,
    });
    header.set_cksum();
    archive.append(&header, content.take(size))
}

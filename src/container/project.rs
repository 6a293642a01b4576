//! Packs the names of a project's files, and the contents that planning reads, into one archive.
//!
//! Enters: a folder. Leaves: a file in the form of [`packed`], compressed with zstd. A frontend
//! reads it in one go instead of asking its daemon for every file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::project::tree::packed::{self, PackedEntry, PackedKind};

/// The least effort: what is packed is read once, on the same machine.
const LEVEL: i32 = 1;

/// A file that cannot be packed.
#[derive(Debug, thiserror::Error)]
#[error("cannot pack {}", path.display())]
pub struct PackError {
    /// The file.
    path: PathBuf,
    /// The system's answer.
    source: io::Error,
}

/// Packs the folder `from` into the file `to`.
///
/// # Errors
/// A file cannot be read, or the archive not be written.
pub fn pack(from: &Path, to: &Path) -> Result<(), PackError> {
    let mut packing = Packing::default();
    packing.folder(from, "")?;
    let failed = |source| PackError {
        path: to.to_owned(),
        source,
    };
    let file = File::create(to).map_err(failed)?;
    let written = zstd::Encoder::new(file, LEVEL).and_then(|mut encoder| {
        packed::write(&mut encoder, &packing.entries, &packing.contents)?;
        encoder.finish()?.flush()
    });
    written.map_err(failed)
}

#[derive(Default)]
struct Packing {
    entries: Vec<PackedEntry>,
    contents: Vec<Vec<u8>>,
    length: u64,
}

impl Packing {
    fn folder(&mut self, folder: &Path, prefix: &str) -> Result<(), PackError> {
        let failed = |source| PackError {
            path: folder.to_owned(),
            source,
        };
        let listing = fs::read_dir(folder).map_err(failed)?;
        let mut found = listing.collect::<Result<Vec<_>, _>>().map_err(failed)?;
        found.sort_by_key(fs::DirEntry::file_name);
        for entry in found {
            // A name that is not UTF-8 can be neither a Go source nor an embeddable file.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let place = entry.path();
            let kind = self.kind(&place, &path).map_err(|source| PackError {
                path: place.clone(),
                source,
            })?;
            let descends = kind == PackedKind::Directory;
            let below = format!("{path}/");
            self.entries.push(PackedEntry { path, kind });
            if descends {
                self.folder(&place, &below)?;
            }
        }
        Ok(())
    }

    fn kind(&mut self, place: &Path, path: &str) -> io::Result<PackedKind> {
        let metadata = fs::symlink_metadata(place)?;
        if metadata.is_dir() {
            return Ok(PackedKind::Directory);
        }
        if metadata.is_symlink() {
            let target = fs::read_link(place)?;
            return Ok(PackedKind::Symlink(target.to_string_lossy().into_owned()));
        }
        if !metadata.is_file() {
            return Ok(PackedKind::Other);
        }
        let mut size = metadata.len();
        let mut offset = None;
        if packed::is_packed(path, size) {
            let content = fs::read(place)?;
            size = content.len() as u64;
            offset = Some(self.length);
            self.length += size;
            self.contents.push(content);
        }
        Ok(PackedKind::File {
            size,
            executable: metadata.permissions().mode() & 0o111 != 0,
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::project::tree::packed::PackedTree;
    use crate::project::tree::{Tree as _, TreePath};

    #[test]
    fn what_is_packed_is_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("cmd/api")).unwrap();
        fs::write(project.join("cmd/api/main.go"), "package main\n").unwrap();
        fs::write(project.join("logo.png"), "png").unwrap();
        std::os::unix::fs::symlink("cmd/api/main.go", project.join("link.go")).unwrap();
        let archive = folder.path().join("archive");
        pack(&project, &archive).unwrap();

        let bytes = zstd::decode_all(File::open(&archive).unwrap()).unwrap();
        let fetch = |path: &TreePath| Ok(Bytes::from(path.to_string()));
        let tree = PackedTree::read(&bytes.into(), Box::new(fetch)).unwrap();
        let read = |path: &str| tree.read(&TreePath::new(path)).unwrap().unwrap();
        assert_eq!(read("cmd/api/main.go"), "package main\n");
        assert_eq!(read("link.go"), "package main\n");
        assert_eq!(read("logo.png"), "logo.png");
    }
}

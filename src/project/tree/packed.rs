//! A tree that was packed where its files are, for a reader who cannot reach them.
//!
//! One archive has the names, sizes and links of all files, and the content of those that decide
//! what a build is made of; the few others that are read come one by one from whoever can fetch
//! them. Layout: the length of a JSON document as 8 little-endian bytes, the document (a list of
//! [`PackedEntry`]), then the contents.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Entry, EntryKind, Tree, TreeError, TreePath};

/// Links that are followed on the way to one file; more are a circle.
const LINKS: usize = 100;

/// A file of more bytes is not packed, whatever its name.
const LARGEST: u64 = 4 << 20;

/// Ends of names whose content planning reads: Go, what it assembles and includes, module files.
const READ: [&str; 20] = [
    ".go",
    ".s",
    ".S",
    ".sx",
    ".h",
    ".hh",
    ".hpp",
    ".hxx",
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".m",
    ".mod",
    ".sum",
    ".work",
    ".pem",
    ".crt",
    ".toml",
    "/modules.txt",
];

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedEntry {
    /// Its path, relative and clean.
    pub path: String,
    /// What stands there.
    pub kind: PackedKind,
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackedKind {
    /// A regular file.
    File {
        /// Length in bytes.
        size: u64,
        /// Whether any executable bit is set.
        executable: bool,
        /// Where its content begins among all contents; none if it was not packed.
        offset: Option<u64>,
    },
    /// A directory.
    Directory,
    /// A symbolic link and its target.
    Symlink(String),
    /// A device, socket or pipe.
    Other,
}

/// Tells whether a file's content is to be in the archive.
#[must_use]
pub fn is_packed(path: &str, size: u64) -> bool {
    size <= LARGEST && READ.iter().any(|end| path.ends_with(end))
}

/// Writes an archive.
///
/// # Errors
/// `to` refuses.
pub fn write(
    mut to: impl io::Write,
    entries: &[PackedEntry],
    contents: &[Vec<u8>],
) -> io::Result<()> {
    let header = serde_json::to_vec(entries)?;
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(&header)?;
    contents
        .iter()
        .try_for_each(|content| to.write_all(content))
}

/// Fetches a file that is not in the archive.
pub type Fetch = Box<dyn Fn(&TreePath) -> io::Result<Bytes> + Send + Sync>;

/// A tree read from an archive.
pub struct PackedTree {
    entries: BTreeMap<TreePath, PackedKind>,
    listings: BTreeMap<TreePath, Arc<[Entry]>>,
    contents: Bytes,
    fetch: Fetch,
}

impl PackedTree {
    /// Reads an archive.
    ///
    /// # Errors
    /// It is none, or cut off.
    pub fn read(archive: &Bytes, fetch: Fetch) -> io::Result<Self> {
        let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        let (length, rest) = archive
            .split_first_chunk()
            .ok_or_else(|| broken("no header"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let header = rest.get(..length).ok_or_else(|| broken("cut off"))?;
        let list: Vec<PackedEntry> = serde_json::from_slice(header)?;
        Ok(Self::new(list, archive.slice(8 + length..), fetch))
    }

    /// Returns the tree of these entries, folders among them.
    #[must_use]
    pub fn new(list: Vec<PackedEntry>, contents: Bytes, fetch: Fetch) -> Self {
        let entries = list.into_iter();
        let entries: BTreeMap<TreePath, PackedKind> = entries
            .map(|entry| (TreePath::new(&entry.path), entry.kind))
            .collect();
        Self {
            listings: listings(&entries),
            entries,
            contents,
            fetch,
        }
    }

    /// Follows links to what stands at a path; `None` if nothing does.
    fn resolve(&self, path: &TreePath) -> Result<Option<TreePath>, TreeError> {
        self.follow(path, |_| {})
    }

    /// Returns the links on the way to a path, and what they lead to; `None` if that is not there.
    ///
    /// # Errors
    /// A link leads out of the tree, or in a circle.
    pub fn way(&self, path: &TreePath) -> Result<Option<Vec<TreePath>>, TreeError> {
        let mut way = Vec::new();
        let found = self.follow(path, |link| way.push(link.clone()))?;
        Ok(found.map(|found| {
            way.push(found);
            way
        }))
    }

    /// Follows links, each of which is told.
    fn follow(
        &self,
        path: &TreePath,
        mut link: impl FnMut(&TreePath),
    ) -> Result<Option<TreePath>, TreeError> {
        let escapes = || TreeError::Escapes { path: path.clone() };
        let mut open: Vec<String> = path.elements().map(str::to_owned).collect();
        open.reverse();
        let (mut found, mut links) = (TreePath::root(), 0);
        // A build context has nothing beside it.
        if path.climbs() > 0 {
            return Ok(None);
        }
        while let Some(element) = open.pop() {
            if element == ".." && found.is_root() {
                return Err(escapes());
            }
            let next = found.join(&element);
            if next.is_root() {
                found = next;
                continue;
            }
            match self.entries.get(&next) {
                None => return Ok(None),
                Some(PackedKind::Symlink(target)) => {
                    link(&next);
                    links += 1;
                    if target.starts_with('/') {
                        return Err(escapes());
                    }
                    if links > LINKS {
                        let source = io::Error::other("links lead in a circle");
                        return Err(TreeError::Io {
                            path: path.clone(),
                            source,
                        });
                    }
                    let elements = target.split('/').filter(|e| !matches!(*e, "" | "."));
                    open.extend(elements.rev().map(str::to_owned));
                }
                Some(_) => found = next,
            }
        }
        Ok(Some(found))
    }
}

/// Returns the entries of each folder.
fn listings(entries: &BTreeMap<TreePath, PackedKind>) -> BTreeMap<TreePath, Arc<[Entry]>> {
    let mut folders: BTreeMap<TreePath, Vec<Entry>> = BTreeMap::new();
    folders.insert(TreePath::root(), Vec::new());
    for (path, kind) in entries {
        if *kind == PackedKind::Directory {
            folders.entry(path.clone()).or_default();
        }
        let name = path.name().to_owned();
        let kind = entry_kind(kind);
        let folder = folders.entry(path.parent()).or_default();
        folder.push(Entry { name, kind });
    }
    let sorted = folders.into_iter().map(|(folder, mut entries)| {
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        (folder, entries.into())
    });
    sorted.collect()
}

fn entry_kind(kind: &PackedKind) -> EntryKind {
    match kind {
        PackedKind::File {
            size, executable, ..
        } => EntryKind::File {
            size: *size,
            executable: *executable,
        },
        PackedKind::Directory => EntryKind::Directory,
        PackedKind::Symlink(target) => EntryKind::Symlink {
            target: target.clone(),
        },
        PackedKind::Other => EntryKind::Other,
    }
}

impl Tree for PackedTree {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        let failed = |source| TreeError::Io {
            path: path.clone(),
            source,
        };
        let Some(found) = self.resolve(path)? else {
            return Ok(None);
        };
        let (size, offset) = match self.entries.get(&found) {
            Some(PackedKind::File { size, offset, .. }) => (*size, *offset),
            _ => return Err(failed(io::ErrorKind::IsADirectory.into())),
        };
        let Some(offset) = offset else {
            return (self.fetch)(&found).map(Some).map_err(failed);
        };
        let range = usize::try_from(offset).ok().zip(usize::try_from(size).ok());
        let range = range.and_then(|(start, size)| Some(start..start.checked_add(size)?));
        match range.filter(|range| range.end <= self.contents.len()) {
            Some(range) => Ok(Some(self.contents.slice(range))),
            None => Err(failed(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        let found = self.resolve(directory)?;
        Ok(found.and_then(|found| self.listings.get(&found).cloned()))
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        Ok(match self.resolve(path)? {
            Some(found) if found.is_root() => Some(EntryKind::Directory),
            Some(found) => self.entries.get(&found).map(entry_kind),
            None => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> PackedTree {
        let file = |path: &str, content: &str, offset| PackedEntry {
            path: path.to_owned(),
            kind: PackedKind::File {
                size: content.len() as u64,
                executable: false,
                offset,
            },
        };
        let other = |path: &str, kind| PackedEntry {
            path: path.to_owned(),
            kind,
        };
        let link = |target: &str| PackedKind::Symlink(target.to_owned());
        let entries = [
            other("cmd", PackedKind::Directory),
            file("cmd/main.go", "package main", Some(8)),
            file("go.mod", "module m", Some(0)),
            file("logo.png", "png", None),
            other("to-cmd", link("./cmd")),
            other("cmd/up.mod", link("../go.mod")),
            other("out", link("../secret")),
            other("abs", link("/etc/passwd")),
            other("loop", link("loop")),
            other("empty", PackedKind::Directory),
        ];
        let contents = [b"module m".to_vec(), b"package main".to_vec()];
        let mut archive = Vec::new();
        write(&mut archive, &entries, &contents).unwrap();
        let fetch = |path: &TreePath| Ok(Bytes::from(format!("fetched {path}")));
        PackedTree::read(&archive.into(), Box::new(fetch)).unwrap()
    }

    #[test]
    fn it_reads_what_was_packed_and_fetches_the_rest() {
        let tree = tree();
        let read = |path: &str| tree.read(&TreePath::new(path)).unwrap();
        assert_eq!(read("go.mod").unwrap(), "module m");
        assert_eq!(read("to-cmd/main.go").unwrap(), "package main");
        assert_eq!(read("to-cmd/up.mod").unwrap(), "module m");
        assert_eq!(read("logo.png").unwrap(), "fetched logo.png");
        assert_eq!(read("nothing"), None);
        assert_eq!(read("go.mod/x"), None);
        assert_eq!(read("../beside"), None);
        let names = |path: &str| -> Option<Vec<String>> {
            let listing = tree.list(&TreePath::new(path)).unwrap()?;
            Some(listing.iter().map(|entry| entry.name.clone()).collect())
        };
        assert_eq!(names("to-cmd").unwrap(), ["main.go", "up.mod"]);
        assert_eq!(names("empty").unwrap(), [""; 0]);
        assert_eq!(names("go.mod"), None);
        let root = tree.kind(&TreePath::root()).unwrap();
        assert_eq!(root, Some(EntryKind::Directory));
    }

    #[test]
    fn links_out_of_it_are_refused() {
        for path in ["out", "abs"] {
            let read = tree().read(&TreePath::new(path));
            assert!(matches!(read, Err(TreeError::Escapes { .. })), "{path}");
        }
        assert!(matches!(
            tree().read(&TreePath::new("loop")),
            Err(TreeError::Io { .. })
        ));
    }

    #[test]
    fn what_is_no_archive_is_an_error() {
        for archive in [
            &b""[..],
            b"1234567",
            &[255; 8],
            &[1, 0, 0, 0, 0, 0, 0, 0, b'x'],
        ] {
            let fetch = |_: &TreePath| Ok(Bytes::new());
            let read = PackedTree::read(&Bytes::copy_from_slice(archive), Box::new(fetch));
            assert!(read.is_err(), "{archive:?}");
        }
    }
}

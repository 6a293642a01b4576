//! A tree on the local disk: the one place of `project` that touches a file system.
//!
//! Links are followed only while they stay inside the project (or, for a folder outside that a
//! `replace` names, inside that folder).

#![expect(clippy::disallowed_methods, reason = "the one Tree that is a disk")]

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Entry, EntryKind, Tree, TreeError, TreePath};

/// A folder of the local disk.
#[derive(Debug)]
pub struct DiskTree {
    root: PathBuf,
    /// Directories known to lie inside what is served, with their listings once asked for.
    listings: Mutex<HashMap<TreePath, Option<Arc<[Entry]>>>>,
    directories: Mutex<HashMap<TreePath, Option<PathBuf>>>,
}

impl DiskTree {
    /// Opens the tree at `root`.
    ///
    /// # Errors
    /// The folder does not exist or cannot be resolved.
    pub fn open(root: &Path) -> Result<Self, TreeError> {
        let root = fs::canonicalize(root).map_err(|source| TreeError::Io {
            path: TreePath::new(&root.display().to_string()),
            source,
        })?;
        Ok(Self {
            root,
            listings: Mutex::default(),
            directories: Mutex::default(),
        })
    }

    /// Returns the absolute folder at the root of the tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns where a path lies on the disk with links followed; `None` if nothing is there.
    ///
    /// # Errors
    /// A link on the way leaves what the tree serves, or the disk refuses.
    pub fn locate(&self, path: &TreePath) -> Result<Option<PathBuf>, TreeError> {
        let Some(full) = self.place(path)? else {
            return Ok(None);
        };
        match fs::symlink_metadata(&full) {
            Ok(metadata) if metadata.is_symlink() => self.resolve(path, &full),
            Ok(_) => Ok(Some(full)),
            Err(error) => absent(path, error),
        }
    }

    /// Returns where a path lies with the links on the way followed, whatever is there; `None` if
    /// its folder is not.
    fn place(&self, path: &TreePath) -> Result<Option<PathBuf>, TreeError> {
        if path.is_root() || path.name() == ".." {
            return self.directory(path);
        }
        let directory = self.directory(&path.parent())?;
        Ok(directory.map(|directory| directory.join(path.name())))
    }

    /// Returns the resolved folder of a directory path, remembered for the next file in it.
    fn directory(&self, path: &TreePath) -> Result<Option<PathBuf>, TreeError> {
        if path.is_root() {
            return Ok(Some(self.root.clone()));
        }
        if let Some(known) = lock(&self.directories).get(path) {
            return Ok(known.clone());
        }
        let found = match path.climbs() {
            // Its parent is resolved, so that a link can be but in the last element.
            0 => self.locate(path)?,
            _ => self.resolve(path, &self.root.join(path.as_str()))?,
        };
        lock(&self.directories).insert(path.clone(), found.clone());
        Ok(found)
    }

    /// Opens a file; no link is followed that was not looked at.
    fn file(&self, path: &TreePath) -> Result<Option<File>, TreeError> {
        let Some(full) = self.place(path)? else {
            return Ok(None);
        };
        let opened = match open_itself(&full) {
            Err(error) if is_link(&error) => match self.resolve(path, &full)? {
                Some(resolved) => File::open(resolved),
                None => return Ok(None),
            },
            opened => opened,
        };
        opened.map_or_else(|error| absent(path, error), |file| Ok(Some(file)))
    }

    /// Follows links and refuses those that lead away.
    fn resolve(&self, path: &TreePath, full: &Path) -> Result<Option<PathBuf>, TreeError> {
        let resolved = match fs::canonicalize(full) {
            Ok(resolved) => resolved,
            Err(error) => return absent(path, error),
        };
        let boundary = self.boundary(path);
        let boundary = fs::canonicalize(&boundary).unwrap_or(boundary);
        if resolved.starts_with(&boundary) || resolved.starts_with(&self.root) {
            Ok(Some(resolved))
        } else {
            Err(TreeError::Escapes { path: path.clone() })
        }
    }

    /// Returns the folder that links under `path` must not leave: the root, or for a path that
    /// climbs out of it the first named folder on the way.
    fn boundary(&self, path: &TreePath) -> PathBuf {
        match path.climbs() {
            0 => self.root.clone(),
            climbs => self
                .root
                .join(path.elements().take(climbs + 1).collect::<PathBuf>()),
        }
    }

    fn read_listing(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        let Some(folder) = self.directory(directory)? else {
            return Ok(None);
        };
        let fail = |source| TreeError::Io {
            path: directory.clone(),
            source,
        };
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return absent(directory, error),
        };
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(fail)?;
            // A name that is not UTF-8 can be neither a Go source nor an embeddable file.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let metadata = entry.metadata().map_err(fail)?;
            entries.push(Entry {
                name,
                kind: entry_kind(&metadata, &entry.path()).map_err(fail)?,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries.into()))
    }
}

impl Tree for DiskTree {
    fn read(&self, path: &TreePath) -> Result<Option<Bytes>, TreeError> {
        match self.file(path)?.map(read_all) {
            None => Ok(None),
            Some(Ok(content)) => Ok(Some(content.into())),
            Some(Err(error)) => absent(path, error),
        }
    }

    fn list(&self, directory: &TreePath) -> Result<Option<Arc<[Entry]>>, TreeError> {
        if let Some(known) = lock(&self.listings).get(directory) {
            return Ok(known.clone());
        }
        let listing = self.read_listing(directory)?;
        lock(&self.listings).insert(directory.clone(), listing.clone());
        Ok(listing)
    }

    fn kind(&self, path: &TreePath) -> Result<Option<EntryKind>, TreeError> {
        let Some(full) = self.locate(path)? else {
            return Ok(None);
        };
        match fs::symlink_metadata(&full).and_then(|metadata| entry_kind(&metadata, &full)) {
            Ok(kind) => Ok(Some(kind)),
            Err(error) => absent(path, error),
        }
    }
}

/// Takes "nothing there" as an answer and everything else as a fault.
fn absent<T>(path: &TreePath, error: Error) -> Result<Option<T>, TreeError> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Ok(None),
        _ => Err(TreeError::Io {
            path: path.clone(),
            source: error,
        }),
    }
}

fn entry_kind(metadata: &fs::Metadata, path: &Path) -> Result<EntryKind, Error> {
    Ok(if metadata.is_dir() {
        EntryKind::Directory
    } else if metadata.is_file() {
        EntryKind::File {
            size: metadata.len(),
            executable: is_executable(metadata),
        }
    } else if metadata.is_symlink() {
        EntryKind::Symlink {
            target: fs::read_link(path)?.to_string_lossy().into_owned(),
        }
    } else {
        EntryKind::Other
    })
}

/// Opens a file that is no link.
fn open_itself(path: &Path) -> Result<File, Error> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

/// Tells whether [`open_itself`] met a link.
fn is_link(error: &Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::LOOP)
}

fn read_all(file: File) -> Result<Vec<u8>, Error> {
    let length = file.metadata()?.len();
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(u64::MAX).read_to_end(&mut content)?;
    Ok(content)
}

fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

/// Takes a lock whose holder cannot leave the map half-changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> (tempfile::TempDir, DiskTree) {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("cmd/api")).unwrap();
        fs::create_dir_all(folder.path().join("lib")).unwrap();
        fs::write(project.join("go.mod"), "module m\n").unwrap();
        fs::write(project.join("cmd/api/main.go"), "package main\n").unwrap();
        fs::write(folder.path().join("lib/lib.go"), "package lib\n").unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        let tree = DiskTree::open(&project).unwrap();
        (folder, tree)
    }

    #[test]
    fn reads_and_lists_inside_and_beside_the_root() {
        let (_folder, tree) = tree();
        assert_eq!(
            tree.read(&TreePath::new("go.mod")).unwrap().unwrap(),
            "module m\n"
        );
        assert_eq!(
            tree.read(&TreePath::new("../lib/lib.go")).unwrap().unwrap(),
            "package lib\n"
        );
        assert_eq!(tree.read(&TreePath::new("nothing")).unwrap(), None);
        assert_eq!(tree.read(&TreePath::new("go.mod/x")).unwrap(), None);
        let names = |path: &str| {
            let listing = tree.list(&TreePath::new(path)).unwrap()?;
            Some(
                listing
                    .iter()
                    .map(|entry| entry.name.clone())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(names(".").unwrap(), ["cmd", "go.mod"]);
        assert_eq!(names("../lib").unwrap(), ["lib.go"]);
        assert_eq!(names("go.mod"), None);
        assert_eq!(names("none"), None);
        assert_eq!(
            tree.kind(&TreePath::new("cmd")).unwrap(),
            Some(EntryKind::Directory)
        );
    }

    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        use std::os::unix::fs::symlink;
        let (folder, tree) = tree();
        symlink("cmd/api/main.go", tree.root().join("inside.go")).unwrap();
        symlink("../secret", tree.root().join("outside")).unwrap();
        symlink(folder.path(), tree.root().join("up")).unwrap();
        symlink("nowhere", tree.root().join("dangling")).unwrap();
        assert_eq!(tree.read(&TreePath::new("dangling")).unwrap(), None);
        symlink("cmd", tree.root().join("programs")).unwrap();
        for path in ["inside.go", "programs/api/main.go"] {
            assert!(tree.read(&TreePath::new(path)).unwrap().is_some(), "{path}");
        }
        for path in ["outside", "up/secret", "up/project/../secret"] {
            let path = TreePath::new(path);
            match tree.read(&path) {
                Err(TreeError::Escapes { .. }) => {}
                // `up/project/..` is cleaned to `up/secret` before it is looked up.
                other => panic!("{path}: {other:?}"),
            }
        }
        let listing = tree.list(&TreePath::root()).unwrap().unwrap();
        let outside = listing
            .iter()
            .find(|entry| entry.name == "outside")
            .unwrap();
        assert_eq!(
            outside.kind,
            EntryKind::Symlink {
                target: "../secret".to_owned()
            }
        );
    }
}

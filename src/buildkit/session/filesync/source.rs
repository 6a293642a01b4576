//! A folder that the daemon may read, and what of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Stat, major, minor, readlinkat, statat};
use rustix::io::Errno;

use super::patterns::Patterns;
use crate::buildkit::session::fsutil::{FileKind, GoMode, Root};
use crate::content::{LayoutTree, Member, MemberKind};

/// An open folder and its limits.
#[derive(Debug)]
pub struct LocalSource {
    root: Files,
    pub(super) selection: Selection,
    permissions: Permissions,
}

/// What of a folder exists for the daemon.
#[derive(Debug, Default)]
pub enum Selection {
    /// All of it.
    #[default]
    Everything,
    /// What matches one of the patterns to include (if there are any) and none to exclude,
    /// with the directories on the way.
    Filtered {
        /// Patterns to include.
        include: Patterns,
        /// Patterns to exclude, as in .dockerignore.
        exclude: Patterns,
    },
    /// Exactly these files, with the directories on the way. All of them must exist.
    Files(FileList),
}

/// Where the files are.
#[derive(Debug)]
enum Files {
    /// In a folder of this machine.
    Folder(Root),
    /// In a layout of gobuild's own.
    Layout(LayoutTree),
}

/// Which permissions are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permissions {
    /// Those on disk.
    #[default]
    Kept,
    /// Those of a checkout under umask 022, so that another umask is no other source.
    Normalised,
}

/// Clean relative paths, by directory.
#[derive(Clone, Debug, Default)]
pub struct FileList(BTreeMap<String, BTreeSet<String>>);

impl<S: AsRef<str>> FromIterator<S> for FileList {
    fn from_iter<I: IntoIterator<Item = S>>(paths: I) -> Self {
        let mut list = Self::default();
        for path in paths {
            list.insert(path.as_ref());
        }
        list
    }
}

impl FileList {
    fn insert(&mut self, path: &str) {
        let mut path = path;
        loop {
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            let names = self.0.entry(directory.to_owned()).or_default();
            if !names.insert(name.to_owned()) || directory.is_empty() {
                return;
            }
            path = directory;
        }
    }
}

/// One entry of a directory.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Whether the name's bytes are text; only then can it be sent.
    pub(super) is_text: bool,
    pub(super) mode: GoMode,
    pub(super) size: i64,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
    /// The link's text.
    pub(super) target: String,
    pub(super) device: (u32, u32),
    /// User and group.
    pub(super) owner: (u32, u32),
}

/// Why a folder cannot be listed or read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("cannot read {path:?}: {source}")]
    Read { path: String, source: io::Error },
    #[error("{path:?} is part of the build but cannot be found (links are not followed)")]
    Missing { path: String },
    #[error("the name of {path:?} is not UTF-8")]
    NotText { path: String },
}

impl LocalSource {
    /// Opens a folder.
    ///
    /// # Errors
    /// It does not exist, is no directory, or may not be read.
    pub fn open(path: &Path, selection: Selection, permissions: Permissions) -> io::Result<Self> {
        Ok(Self {
            root: Files::Folder(Root::open(path)?),
            selection,
            permissions,
        })
    }

    /// Returns all that a layout holds, with the owners and times that its layers tell.
    #[must_use]
    pub fn of_layout(tree: LayoutTree) -> Self {
        Self {
            root: Files::Layout(tree),
            selection: Selection::Everything,
            permissions: Permissions::Kept,
        }
    }

    /// Opens a file; returns also how long it is, as far as that is known.
    pub(super) fn file(&self, path: &str) -> io::Result<(Box<dyn Read + Send>, u64)> {
        match &self.root {
            Files::Folder(root) => {
                let file = root.file(path)?;
                let length = file.metadata()?.len();
                Ok((Box::new(file), length))
            }
            Files::Layout(tree) => Ok((tree.open(path)?, u64::MAX)),
        }
    }

    /// Lists the directory at `path` (empty: the folder itself) by name, bytewise ascending.
    ///
    /// What vanishes meanwhile is left out, unless it is on a list of files.
    ///
    /// # Errors
    /// The directory cannot be read, or lacks a listed file.
    pub(super) fn list(&self, path: &str) -> Result<Vec<Entry>, SourceError> {
        let read = |source| SourceError::Read {
            path: path.to_owned(),
            source,
        };
        let root = match &self.root {
            Files::Folder(root) => root,
            Files::Layout(tree) => return Ok(tree.folder(path).map(members).unwrap_or_default()),
        };
        let directory = match root.directory(path) {
            Ok(directory) => Some(directory),
            Err(error) if is_absent(&error) && !path.is_empty() => None,
            Err(error) => return Err(read(error)),
        };
        if let Selection::Files(FileList(list)) = &self.selection {
            let names = list.get(path).into_iter().flatten();
            return names
                .map(|name| {
                    let found = match &directory {
                        Some(directory) if !matches!(name.as_str(), "" | "." | "..") => {
                            self.entry(directory, name.as_bytes()).map_err(read)?
                        }
                        _ => None,
                    };
                    let path = join(path, name);
                    // With files below, it has to be a directory.
                    let is_directory = |entry: &Entry| entry.mode.kind() == FileKind::Directory;
                    found
                        .filter(|entry| is_directory(entry) || !list.contains_key(&path))
                        .ok_or(SourceError::Missing { path })
                })
                .collect();
        }
        let Some(directory) = directory else {
            return Ok(Vec::new());
        };
        let mut entries = Vec::new();
        for found in Dir::read_from(&directory).map_err(|error| read(error.into()))? {
            let found = found.map_err(|error| read(error.into()))?;
            let name = found.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                entries.extend(self.entry(&directory, name).map_err(read)?);
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn entry(&self, directory: impl AsFd, name: &[u8]) -> io::Result<Option<Entry>> {
        let stat = match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut mode = GoMode::from_unix(stat.st_mode);
        if self.permissions == Permissions::Normalised {
            mode = mode.normalised();
        }
        let target = match mode.kind() {
            FileKind::Symlink => Some(readlinkat(&directory, name, Vec::new())?.into_string()),
            _ => None,
        };
        let text = std::str::from_utf8(name);
        Ok(Some(Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            is_text: text.is_ok() && !matches!(target, Some(Err(_))),
            mode,
            size: if mode.kind() == FileKind::Directory {
                0
            } else {
                stat.st_size
            },
            modified: modified(&stat),
            target: target.and_then(Result::ok).unwrap_or_default(),
            device: match mode.kind() {
                FileKind::Special => (major(stat.st_rdev), minor(stat.st_rdev)),
                _ => (0, 0),
            },
            owner: (0, 0),
        }))
    }
}

/// Returns the entries of a layout's folder.
fn members(folder: &BTreeMap<String, Member>) -> Vec<Entry> {
    let entries = folder.iter().map(|(name, member)| {
        let (kind, size, target) = match &member.kind {
            MemberKind::Directory => (FileKind::Directory, 0, ""),
            MemberKind::File { size, .. } => (FileKind::Regular, *size, ""),
            MemberKind::Symlink(target) => (FileKind::Symlink, 0, target.as_str()),
        };
        Entry {
            name: name.clone(),
            is_text: true,
            mode: GoMode::new(kind, member.mode),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            modified: i64::from(member.modified) * 1_000_000_000,
            target: target.to_owned(),
            device: (0, 0),
            owner: (member.uid, member.gid),
        }
    });
    entries.collect()
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_possible_wrap,
    reason = "the fields' types differ between systems"
)]
fn modified(stat: &Stat) -> i64 {
    (stat.st_mtime as i64)
        .saturating_mul(1_000_000_000)
        .saturating_add(stat.st_mtime_nsec as i64)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
    )
}

/// Returns the path of `name` in `directory`, whose own path is empty for the root.
pub(super) fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

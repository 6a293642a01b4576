//! The actions that need no second filesystem: mkdir, mkfile, symlink, rm.
//!
//! Paths are absolute in the filesystem that is changed; a relative one starts at its root.

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::error::Error;

use super::owner::{Owner, Timestamp};
use super::path::join_clean;

/// The bits of a mode that mkdir and mkfile take.
const PERMISSIONS: u32 = 0o777;

/// Makes a directory; one that exists already is no error.
#[derive(Clone, Debug)]
#[must_use]
pub struct Mkdir {
    path: String,
    mode: u32,
    parents: bool,
    owner: Option<Owner>,
    timestamp: Option<Timestamp>,
}

impl Mkdir {
    /// Returns the directory `path` with permission bits `mode`.
    pub fn new(path: impl Into<String>, mode: u32) -> Self {
        Self {
            path: path.into(),
            mode,
            parents: false,
            owner: None,
            timestamp: None,
        }
    }

    /// Makes missing parents too, with the same mode and owner.
    pub fn parents(mut self) -> Self {
        self.parents = true;
        self
    }

    /// Sets the owner, root otherwise.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the modification time, that of the build otherwise.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    pub(super) fn into_pb(self, base: i64) -> Result<pb::FileActionMkDir, Error> {
        Ok(pb::FileActionMkDir {
            path: join_clean("/", &self.path),
            mode: (self.mode & PERMISSIONS) as i32,
            make_parents: self.parents,
            owner: Owner::into_pb(self.owner, base)?,
            timestamp: Timestamp::to_pb(self.timestamp),
        })
    }
}

/// Writes a file, over one that exists already.
#[derive(Clone, Debug)]
#[must_use]
pub struct Mkfile {
    path: String,
    mode: u32,
    data: Vec<u8>,
    owner: Option<Owner>,
    timestamp: Option<Timestamp>,
}

impl Mkfile {
    /// Returns the file `path` with permission bits `mode` and content `data`.
    pub fn new(path: impl Into<String>, mode: u32, data: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode,
            data: data.into(),
            owner: None,
            timestamp: None,
        }
    }

    /// Sets the owner, root otherwise.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the modification time, that of the build otherwise.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    pub(super) fn into_pb(self, base: i64) -> Result<pb::FileActionMkFile, Error> {
        Ok(pb::FileActionMkFile {
            path: join_clean("/", &self.path),
            mode: (self.mode & PERMISSIONS) as i32,
            data: self.data,
            owner: Owner::into_pb(self.owner, base)?,
            timestamp: Timestamp::to_pb(self.timestamp),
        })
    }
}

/// Makes a symbolic link.
#[derive(Clone, Debug)]
#[must_use]
pub struct Symlink {
    target: String,
    link: String,
    owner: Option<Owner>,
    timestamp: Option<Timestamp>,
}

impl Symlink {
    /// Returns the link `link` that points to `target`, which is stored as given.
    pub fn new(target: impl Into<String>, link: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            link: link.into(),
            owner: None,
            timestamp: None,
        }
    }

    /// Sets the owner, root otherwise.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the modification time, that of the build otherwise.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    pub(super) fn into_pb(self, base: i64) -> Result<pb::FileActionSymlink, Error> {
        Ok(pb::FileActionSymlink {
            oldpath: self.target,
            newpath: self.link,
            owner: Owner::into_pb(self.owner, base)?,
            timestamp: Timestamp::to_pb(self.timestamp),
        })
    }
}

/// Removes a file, or a directory with all it holds. A symbolic link is removed, not followed.
#[derive(Clone, Debug)]
#[must_use]
pub struct Remove {
    path: String,
    allow_not_found: bool,
    wildcard: bool,
}

impl Remove {
    /// Returns the removal of `path`.
    pub fn new(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            allow_not_found: false,
            wildcard: false,
        }
    }

    /// Accepts that there is nothing to remove.
    pub fn allow_not_found(mut self) -> Self {
        self.allow_not_found = true;
        self
    }

    /// Reads the path as a pattern of Go's `filepath.Match`.
    pub fn wildcard(mut self) -> Self {
        self.wildcard = true;
        self
    }

    pub(super) fn into_pb(self) -> pb::FileActionRm {
        pb::FileActionRm {
            path: join_clean("/", &self.path),
            allow_not_found: self.allow_not_found,
            allow_wildcard: self.wildcard,
        }
    }

    pub(super) fn require(&self, capabilities: &mut Vec<&'static str>) {
        if self.wildcard {
            capabilities.push(caps::FILE_RM_WILDCARD);
        }
    }
}

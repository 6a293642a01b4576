//! Copy, the one action with a second filesystem.
//!
//! An input that is only copied from is matched in the cache by the content of what the paths and
//! patterns select, never by modification times; everything else of it may change freely.

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::vertex::Output;

use super::owner::{Owner, Timestamp};
use super::path::{destination, join_clean};

/// Permissions of the copies.
#[derive(Clone, Debug)]
enum Mode {
    /// As in the source.
    Kept,
    /// These bits.
    Bits(u32),
    /// A change as chmod spells it, e.g. `u+x,go=r`.
    Symbolic(String),
}

/// Copies a file or directory from another filesystem.
#[derive(Clone, Debug)]
#[must_use]
pub struct CopyFrom {
    source: Output,
    from: String,
    to: String,
    mode: Mode,
    owner: Option<Owner>,
    timestamp: Option<Timestamp>,
    include: Vec<String>,
    exclude: Vec<String>,
    required: Vec<String>,
    follow_symlinks: bool,
    contents_only: bool,
    unpack: bool,
    create_parents: bool,
    wildcard: bool,
    allow_empty_wildcard: bool,
    always_replace: bool,
}

impl CopyFrom {
    /// Returns the copy of path `from` in `source` to path `to`.
    ///
    /// A directory goes to `to` itself if that does not exist, else into it; so does a file if
    /// `to` ends with a slash.
    pub fn new(source: &Output, from: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            source: source.clone(),
            from: from.into(),
            to: to.into(),
            mode: Mode::Kept,
            owner: None,
            timestamp: None,
            include: Vec::new(),
            exclude: Vec::new(),
            required: Vec::new(),
            follow_symlinks: false,
            contents_only: false,
            unpack: false,
            create_parents: false,
            wildcard: false,
            allow_empty_wildcard: false,
            always_replace: false,
        }
    }

    /// Sets the mode of all copies, setuid, setgid and sticky bits included. It is also the mode of
    /// directories, those that [`CopyFrom::create_parents`] makes among them.
    pub fn mode(mut self, bits: u32) -> Self {
        self.mode = Mode::Bits(bits & 0o7777);
        self
    }

    /// Changes the mode of all copies as chmod would, e.g. `u+x,go=r`.
    pub fn symbolic_mode(mut self, change: impl Into<String>) -> Self {
        self.mode = Mode::Symbolic(change.into());
        self
    }

    /// Sets the owner, that of the source otherwise.
    pub fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Sets the modification time, that of the source otherwise; it also is that of parents made.
    pub fn timestamp(mut self, timestamp: Timestamp) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// Copies only what matches one of these .dockerignore-style patterns, relative to `from`.
    pub fn include<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.include.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Copies nothing that matches one of these patterns, whatever is included.
    pub fn exclude<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.exclude.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Fails unless each of these paths is among what is copied. Only looked at together with
    /// include patterns.
    pub fn required<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.required.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Resolves symbolic links in `from`.
    pub fn follow_symlinks(mut self) -> Self {
        self.follow_symlinks = true;
        self
    }

    /// Copies what is in the directory `from` rather than the directory.
    pub fn contents_only(mut self) -> Self {
        self.contents_only = true;
        self
    }

    /// Unpacks a file that is a tar archive instead of copying it.
    pub fn unpack(mut self) -> Self {
        self.unpack = true;
        self
    }

    /// Makes missing parents of `to`.
    pub fn create_parents(mut self) -> Self {
        self.create_parents = true;
        self
    }

    /// Reads `from` as a pattern of Go's `filepath.Match`.
    pub fn wildcard(mut self) -> Self {
        self.wildcard = true;
        self
    }

    /// Reads `from` as a pattern that need not match anything.
    pub fn optional_wildcard(mut self) -> Self {
        self.allow_empty_wildcard = true;
        self.wildcard()
    }

    /// Replaces what exists at `to` even if it is of another file type.
    pub fn always_replace(mut self) -> Self {
        self.always_replace = true;
        self
    }

    pub(super) fn source(&self) -> &Output {
        &self.source
    }

    pub(super) fn into_pb(self, base: i64) -> Result<pb::FileActionCopy, Error> {
        let (mode, mode_str) = match self.mode {
            Mode::Kept => (-1, String::new()),
            Mode::Bits(bits) => (bits as i32, String::new()),
            Mode::Symbolic(change) => (0, change),
        };
        Ok(pb::FileActionCopy {
            src: join_clean("/", &self.from),
            dest: destination(&self.to),
            owner: Owner::into_pb(self.owner, base)?,
            mode,
            follow_symlink: self.follow_symlinks,
            dir_copy_contents: self.contents_only,
            attempt_unpack_docker_compatibility: self.unpack,
            create_dest_path: self.create_parents,
            allow_wildcard: self.wildcard,
            allow_empty_wildcard: self.allow_empty_wildcard,
            timestamp: Timestamp::to_pb(self.timestamp),
            include_patterns: self.include,
            exclude_patterns: self.exclude,
            always_replace_existing_dest_paths: self.always_replace,
            mode_str,
            required_paths: self.required,
        })
    }

    pub(super) fn require(&self, capabilities: &mut Vec<&'static str>) {
        if !self.include.is_empty() || !self.exclude.is_empty() {
            capabilities.push(caps::FILE_COPY_PATTERNS);
        }
        if !self.required.is_empty() {
            capabilities.push(caps::FILE_COPY_REQUIRED_PATHS);
        }
        if self.always_replace {
            capabilities.push(caps::FILE_COPY_ALWAYS_REPLACE);
        }
        if matches!(self.mode, Mode::Symbolic(_)) {
            capabilities.push(caps::FILE_COPY_MODE_STRING);
        }
    }
}

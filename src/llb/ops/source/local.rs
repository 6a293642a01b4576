//! `local://`: a directory that the client serves over its session.

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::Output;

use super::Attributes;

/// How the daemon decides which files it has from an earlier transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Differ {
    /// By size, modification time, mode, owner and link name.
    Metadata,
    /// Not at all: every file is sent again.
    None,
}

/// A `local` source.
///
/// Two builds that run at once on one daemon share equal vertices. Directories are not identified
/// by content, so give each build its [`Local::session`], or at least a [`Local::unique`] id.
#[derive(Clone, Debug)]
#[must_use]
pub struct Local {
    name: String,
    session: String,
    unique: String,
    include: Vec<String>,
    exclude: Vec<String>,
    follow: Vec<String>,
    shared_key_hint: String,
    differ: Option<Differ>,
    metadata: Metadata,
}

impl Local {
    /// Returns the directory that the session serves as `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            session: String::new(),
            unique: String::new(),
            include: Vec::new(),
            exclude: Vec::new(),
            follow: Vec::new(),
            shared_key_hint: String::new(),
            differ: None,
            metadata: Metadata::default(),
        }
    }

    /// Sets the session that serves the directory.
    pub fn session(mut self, id: impl Into<String>) -> Self {
        self.session = id.into();
        self
    }

    /// Sets an id that only tells this vertex from those of other builds.
    pub fn unique(mut self, id: impl Into<String>) -> Self {
        self.unique = id.into();
        self
    }

    /// Sends only what matches one of these .dockerignore-style patterns.
    pub fn include<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.include.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Sends nothing that matches one of these .dockerignore-style patterns.
    pub fn exclude<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        self.exclude.extend(patterns.into_iter().map(Into::into));
        self
    }

    /// Adds the targets of the symlinks on these paths to what is sent.
    pub fn follow<S: Into<String>>(mut self, paths: impl IntoIterator<Item = S>) -> Self {
        self.follow.extend(paths.into_iter().map(Into::into));
        self
    }

    /// Sets the part of the key under which an earlier transfer is found again.
    pub fn shared_key_hint(mut self, hint: impl Into<String>) -> Self {
        self.shared_key_hint = hint.into();
        self
    }

    /// Sets how unchanged files are told.
    pub fn differ(mut self, differ: Differ) -> Self {
        self.differ = Some(differ);
        self
    }

    /// Sets name, progress group and the like.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Builds the vertex.
    ///
    /// # Errors
    /// The name is empty.
    pub fn build(self) -> Result<Output, Error> {
        if self.name.is_empty() {
            return Err(Error::LocalName);
        }
        let mut attributes = Attributes::of(caps::LOCAL);
        attributes.require("local.session", self.session, caps::LOCAL_SESSION_ID);
        attributes.require("local.unique", self.unique, caps::LOCAL_UNIQUE);
        // Singular on the wire, unlike its opposite.
        attributes.require(
            "local.includepattern",
            list(self.include),
            caps::LOCAL_INCLUDE,
        );
        attributes.require(
            "local.excludepatterns",
            list(self.exclude),
            caps::LOCAL_EXCLUDE,
        );
        attributes.require("local.followpaths", list(self.follow), caps::LOCAL_FOLLOW);
        attributes.require(
            "local.sharedkeyhint",
            self.shared_key_hint,
            caps::LOCAL_SHARED_KEY_HINT,
        );
        if let Some(differ) = self.differ {
            let differ = match differ {
                Differ::Metadata => "metadata",
                Differ::None => "none",
            };
            attributes.require("local.differ", differ, caps::LOCAL_DIFFER);
        }
        let identifier = format!("local://{}", self.name);
        Ok(attributes.finish(identifier, None, self.metadata))
    }
}

/// Returns the JSON array of `items`; empty if there are none.
fn list(items: Vec<String>) -> String {
    if items.is_empty() {
        return String::new();
    }
    serde_json::Value::from(items).to_string()
}

//! `http://` and `https://`: one downloaded file.

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::Output;

use super::{Attributes, check_digest, without_user};

/// An `http` or `https` source.
#[derive(Clone, Debug)]
#[must_use]
pub struct Http {
    url: String,
    checksum: String,
    filename: String,
    mode: u32,
    owner: (u32, u32),
    auth_header_secret: String,
    metadata: Metadata,
}

impl Http {
    /// Returns the file at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            checksum: String::new(),
            filename: String::new(),
            mode: 0,
            owner: (0, 0),
            auth_header_secret: String::new(),
            metadata: Metadata::default(),
        }
    }

    /// Refuses the file unless its content has this digest.
    pub fn checksum(mut self, digest: impl Into<String>) -> Self {
        self.checksum = digest.into();
        self
    }

    /// Sets the file's name; otherwise the server's, or the last component of the URL.
    pub fn filename(mut self, name: impl Into<String>) -> Self {
        self.filename = name.into();
        self
    }

    /// Sets the file's permission bits; 0 leaves the daemon's default of 0600.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode & 0o777;
        self
    }

    /// Sets the file's owner and group.
    pub fn owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = (uid, gid);
        self
    }

    /// Names the secret that holds the `Authorization` header.
    pub fn auth_header_secret(mut self, id: impl Into<String>) -> Self {
        self.auth_header_secret = id.into();
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
    /// The URL is not an `http` one, or the checksum is malformed.
    pub fn build(self) -> Result<Output, Error> {
        let rest = self
            .url
            .strip_prefix("https://")
            .or_else(|| self.url.strip_prefix("http://"));
        if rest.is_none_or(str::is_empty) {
            return Err(Error::Url {
                source_kind: "http",
                given: without_user(&self.url),
            });
        }
        let mut attributes = Attributes::of(caps::HTTP);
        if !self.checksum.is_empty() {
            check_digest("http", &self.checksum)?;
            attributes.require("http.checksum", self.checksum, caps::HTTP_CHECKSUM);
        }
        attributes.set("http.filename", self.filename);
        if self.mode != 0 {
            // The leading zero makes the daemon read it as octal.
            attributes.require("http.perm", format!("0{:o}", self.mode), caps::HTTP_PERM);
        }
        let (uid, gid) = self.owner;
        for (key, id) in [("http.uid", uid), ("http.gid", gid)] {
            if id != 0 {
                attributes.require(key, id.to_string(), caps::HTTP_UID_GID);
            }
        }
        attributes.require(
            "http.authheadersecret",
            self.auth_header_secret,
            caps::HTTP_AUTH,
        );
        Ok(attributes.finish(self.url, None, self.metadata))
    }
}

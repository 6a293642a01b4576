//! `git://`: a checkout of a git repository.
//!
//! The identifier leaves the transport out, so that a repository fetched over https and over ssh
//! is one vertex as far as host, path and ref go; `git.fullurl` says how to reach it.

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::ops::file::path::join_clean;
use crate::llb::vertex::Output;

use super::{Attributes, without_user};

/// A `git` source.
#[derive(Clone, Debug)]
#[must_use]
pub struct Git {
    url: String,
    reference: String,
    subdirectory: String,
    keep_git_dir: bool,
    skip_submodules: bool,
    checksum: String,
    known_ssh_hosts: String,
    ssh: String,
    auth_token_secret: Option<String>,
    auth_header_secret: Option<String>,
    metadata: Metadata,
}

impl Git {
    /// Returns the default branch of the repository at `url`: `https://…`, `http://…`, `git://…`,
    /// `ssh://…` or `user@host:path`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            reference: String::new(),
            subdirectory: String::new(),
            keep_git_dir: false,
            skip_submodules: false,
            checksum: String::new(),
            known_ssh_hosts: String::new(),
            ssh: String::new(),
            auth_token_secret: None,
            auth_header_secret: None,
            metadata: Metadata::default(),
        }
    }

    /// Sets the branch, tag or commit.
    pub fn reference(mut self, reference: impl Into<String>) -> Self {
        self.reference = reference.into();
        self
    }

    /// Keeps only a directory of the checkout.
    pub fn subdirectory(mut self, path: impl Into<String>) -> Self {
        self.subdirectory = path.into();
        self
    }

    /// Keeps the `.git` directory.
    pub fn keep_git_dir(mut self) -> Self {
        self.keep_git_dir = true;
        self
    }

    /// Leaves submodules out.
    pub fn skip_submodules(mut self) -> Self {
        self.skip_submodules = true;
        self
    }

    /// Refuses the checkout unless its commit is (or starts with) this one.
    pub fn checksum(mut self, commit: impl Into<String>) -> Self {
        self.checksum = commit.into();
        self
    }

    /// Adds a `known_hosts` line for an ssh remote.
    pub fn known_ssh_host(mut self, line: &str) -> Self {
        self.known_ssh_hosts.push_str(line.trim_end_matches('\n'));
        self.known_ssh_hosts.push('\n');
        self
    }

    /// Sets the id of the agent socket for an ssh remote, `default` otherwise.
    pub fn ssh(mut self, id: impl Into<String>) -> Self {
        self.ssh = id.into();
        self
    }

    /// Names the secret that holds a token, `GIT_AUTH_TOKEN` otherwise.
    pub fn auth_token_secret(mut self, id: impl Into<String>) -> Self {
        self.auth_token_secret = Some(id.into());
        self
    }

    /// Names the secret that holds an `Authorization` header, `GIT_AUTH_HEADER` otherwise.
    pub fn auth_header_secret(mut self, id: impl Into<String>) -> Self {
        self.auth_header_secret = Some(id.into());
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
    /// The URL is not one that git fetches.
    pub fn build(self) -> Result<Output, Error> {
        let Some(remote) = Remote::parse(&self.url) else {
            return Err(Error::Url {
                source_kind: "git",
                given: without_user(&self.url),
            });
        };
        let identifier = self.identifier(&remote);
        let mut attributes = Attributes::of(caps::GIT);
        if self.keep_git_dir {
            attributes.require("git.keepgitdir", "true", caps::GIT_KEEP_DIR);
        }
        for (key, secret, default) in [
            (
                "git.authtokensecret",
                self.auth_token_secret,
                "GIT_AUTH_TOKEN",
            ),
            (
                "git.authheadersecret",
                self.auth_header_secret,
                "GIT_AUTH_HEADER",
            ),
        ] {
            match secret {
                Some(id) => attributes.require(key, id, caps::GIT_HTTP_AUTH),
                None => {
                    attributes.set(key, default);
                }
            }
        }
        if remote.is_ssh {
            // Required even without known hosts: the daemon must be able to check them.
            attributes.capabilities.push(caps::GIT_KNOWN_SSH_HOSTS);
            attributes.set("git.knownsshhosts", self.known_ssh_hosts);
            let id = if self.ssh.is_empty() {
                "default".to_owned()
            } else {
                self.ssh
            };
            attributes.require("git.mountsshsock", id, caps::GIT_MOUNT_SSH_SOCK);
        }
        attributes.require("git.checksum", self.checksum, caps::GIT_CHECKSUM);
        if self.skip_submodules {
            attributes.require("git.skipsubmodules", "true", caps::GIT_SKIP_SUBMODULES);
        }
        attributes.require("git.fullurl", self.url, caps::GIT_FULL_URL);
        Ok(attributes.finish(identifier, None, self.metadata))
    }

    fn identifier(&self, remote: &Remote<'_>) -> String {
        let mut identifier = format!("git://{}{}", remote.host, join_clean("/", remote.path));
        let subdirectory = join_clean("/", &self.subdirectory);
        let subdirectory = subdirectory.trim_start_matches('/');
        if !self.reference.is_empty() || !subdirectory.is_empty() {
            identifier.push('#');
            identifier.push_str(&self.reference);
        }
        if !subdirectory.is_empty() {
            identifier.push(':');
            identifier.push_str(subdirectory);
        }
        identifier
    }
}

/// The parts of a URL that identify a repository.
struct Remote<'a> {
    host: &'a str,
    path: &'a str,
    is_ssh: bool,
}

impl<'a> Remote<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        // A fragment or query would silently select something else than the builder's options.
        if url.contains(['#', '?']) {
            return None;
        }
        let (is_ssh, authority, path) = match url.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/')?;
                match scheme {
                    "ssh" => (true, authority, path),
                    "http" | "https" | "git" => (false, authority, path),
                    _ => return None,
                }
            }
            None => {
                let (authority, path) = url.split_once(':')?;
                // Without a user it could as well be a Windows path.
                authority.contains('@').then_some((true, authority, path))?
            }
        };
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        (!host.is_empty() && !path.is_empty()).then_some(Self { host, path, is_ssh })
    }
}

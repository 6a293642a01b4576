//! What an exec can mount. Each kind has only the options that mean something to it.
//!
//! Source: BuildKit `client/llb/exec.go` (`MountOption`, `SecretOption`, `SSHOption`),
//! `solver/llbsolver/mounts/mount.go`.

use crate::llb::error::Error;
use crate::llb::vertex::Output;

/// Whether an input is matched in the cache by its files rather than by how it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContentCache {
    /// By content where that is possible, except for the root.
    #[default]
    Default,
    /// By content.
    On,
    /// By definition.
    Off,
}

/// Who may use a cache mount at the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// Everybody, in one directory.
    #[default]
    Shared,
    /// Everybody, in a directory each.
    Private,
    /// One after the other.
    Locked,
}

/// What becomes of changes to a bind mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// There are none.
    ReadOnly,
    /// They become an output.
    Output,
    /// They are dropped.
    Discarded,
}

/// A mounted filesystem of the graph.
#[derive(Clone, Debug)]
#[must_use]
pub struct Bind {
    pub(super) source: Output,
    pub(super) access: Access,
    pub(super) selector: String,
    pub(super) content_cache: ContentCache,
}

impl Bind {
    /// Returns a mount that the process cannot change.
    pub fn read_only(source: &Output) -> Self {
        Self::new(source, Access::ReadOnly)
    }

    /// Returns a mount whose state after the process is an output of the exec.
    pub fn writable(source: &Output) -> Self {
        Self::new(source, Access::Output)
    }

    /// Returns a mount that the process may change, to no effect outside.
    pub fn discarded(source: &Output) -> Self {
        Self::new(source, Access::Discarded)
    }

    fn new(source: &Output, access: Access) -> Self {
        Self {
            source: source.clone(),
            access,
            selector: String::new(),
            content_cache: ContentCache::Default,
        }
    }

    /// Mounts only a path of the source.
    pub fn selector(mut self, path: impl Into<String>) -> Self {
        self.selector = path.into();
        self
    }

    /// Sets how the source is matched in the cache.
    pub fn content_cache(mut self, content_cache: ContentCache) -> Self {
        self.content_cache = content_cache;
        self
    }
}

impl From<&Output> for Bind {
    fn from(source: &Output) -> Self {
        Self::writable(source)
    }
}

/// A directory that stays on the daemon. It is never part of a result or of an exported cache.
#[derive(Clone, Debug)]
#[must_use]
pub struct Cache {
    pub(super) id: String,
    pub(super) sharing: Sharing,
    pub(super) seed: Output,
    pub(super) selector: String,
    pub(super) read_only: bool,
    pub(super) content_cache: ContentCache,
}

impl Cache {
    /// Returns the cache `id`, empty on first use.
    pub fn new(id: impl Into<String>, sharing: Sharing) -> Self {
        Self {
            id: id.into(),
            sharing,
            seed: Output::scratch(),
            selector: String::new(),
            read_only: false,
            content_cache: ContentCache::Default,
        }
    }

    /// Starts the directory as a copy of `seed`. It also belongs to that seed: with another one,
    /// or the same one made anew, the cache starts over.
    pub fn seeded(mut self, seed: &Output) -> Self {
        self.seed = seed.clone();
        self
    }

    /// Sets how the seed is matched in the cache.
    pub fn content_cache(mut self, content_cache: ContentCache) -> Self {
        self.content_cache = content_cache;
        self
    }

    /// Mounts only a path of the directory.
    pub fn selector(mut self, path: impl Into<String>) -> Self {
        self.selector = path.into();
        self
    }

    /// Keeps the process from changing the directory.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }
}

/// An empty filesystem in memory.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct Tmpfs {
    pub(super) size: i64,
}

impl Tmpfs {
    /// Limits the size, in bytes; 0 leaves the daemon's default.
    pub fn size(mut self, bytes: u64) -> Self {
        self.size = i64::try_from(bytes).unwrap_or(i64::MAX);
        self
    }
}

/// A mount at a destination.
#[derive(Clone, Debug)]
pub(super) enum Mount {
    Bind(Bind),
    Cache(Cache),
    Tmpfs(Tmpfs),
}

impl Mount {
    /// Checks what buildkitd would refuse or silently treat as something else.
    pub(super) fn validate(&self, destination: &str) -> Result<(), Error> {
        match self {
            Self::Cache(cache) if cache.id.is_empty() => Err(Error::CacheId {
                destination: destination.to_owned(),
            }),
            Self::Bind(bind)
                if bind.content_cache == ContentCache::On
                    && bind.access == Access::Output
                    && bind.selector != "/" =>
            {
                Err(Error::ContentCache {
                    destination: destination.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// A secret of the session, as a file or an environment variable.
#[derive(Clone, Debug)]
#[must_use]
pub struct Secret {
    pub(super) id: String,
    pub(super) optional: bool,
    pub(super) place: SecretPlace,
}

/// Where a process finds a secret.
#[derive(Clone, Debug)]
pub(super) enum SecretPlace {
    File { target: String, owner: FileOwner },
    Variable(String),
}

/// Owner and permission bits of a mounted file or socket.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileOwner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mode: u32,
}

impl Secret {
    /// Returns the secret `id` as a file at `target`, readable by root alone.
    pub fn file(id: impl Into<String>, target: impl Into<String>) -> Self {
        let owner = FileOwner {
            uid: 0,
            gid: 0,
            mode: 0o400,
        };
        Self::new(
            id,
            SecretPlace::File {
                target: target.into(),
                owner,
            },
        )
    }

    /// Returns the secret `id` as a file with another owner or other permission bits.
    pub fn owned_file(
        id: impl Into<String>,
        target: impl Into<String>,
        uid: u32,
        gid: u32,
        mode: u32,
    ) -> Self {
        Self::new(
            id,
            SecretPlace::File {
                target: target.into(),
                owner: FileOwner { uid, gid, mode },
            },
        )
    }

    /// Returns the secret `id` as an environment variable.
    pub fn env(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self::new(id, SecretPlace::Variable(name.into()))
    }

    fn new(id: impl Into<String>, place: SecretPlace) -> Self {
        Self {
            id: id.into(),
            optional: false,
            place,
        }
    }

    /// Runs the process even if the session has no such secret: without the file, or with the
    /// variable empty.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub(super) fn target(&self) -> Option<&str> {
        match &self.place {
            SecretPlace::File { target, .. } => Some(target),
            SecretPlace::Variable(_) => None,
        }
    }

    pub(super) fn variable(&self) -> Option<&str> {
        match &self.place {
            SecretPlace::File { .. } => None,
            SecretPlace::Variable(name) => Some(name),
        }
    }
}

/// An ssh agent of the session, as a socket.
#[derive(Clone, Debug)]
#[must_use]
pub struct SshAgent {
    pub(super) id: String,
    pub(super) target: String,
    pub(super) owner: FileOwner,
    pub(super) optional: bool,
}

impl SshAgent {
    /// Returns the agent `id`, at `/run/buildkit/ssh_agent.<n>`, for root alone.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            target: String::new(),
            owner: FileOwner {
                uid: 0,
                gid: 0,
                mode: 0o600,
            },
            optional: false,
        }
    }

    /// Sets the path of the socket.
    pub fn at(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    /// Sets owner and permission bits of the socket.
    pub fn owner(mut self, uid: u32, gid: u32, mode: u32) -> Self {
        self.owner = FileOwner { uid, gid, mode };
        self
    }

    /// Runs the process even if the session has no such agent.
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    pub(super) fn default_target(&mut self, position: usize) {
        if self.target.is_empty() {
            self.target = format!("/run/buildkit/ssh_agent.{position}");
        }
    }
}

//! The folder of the managed daemon: what lies where in it.

use std::path::{Path, PathBuf};

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Home(pub(super) PathBuf);

impl Home {
    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the daemon listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.0.join("buildkitd.sock")
    }

    /// Where it listens, `unix://…`.
    pub(super) fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Where it listens for traces of its own clients.
    pub(super) fn traces(&self) -> PathBuf {
        self.0.join("otel.sock")
    }

    /// What it prints.
    pub(super) fn log(&self) -> PathBuf {
        self.0.join("buildkitd.log")
    }

    /// Its configuration, the user's once it is written.
    pub(super) fn config(&self) -> PathBuf {
        self.0.join("buildkitd.toml")
    }

    /// Its process id.
    pub(super) fn process(&self) -> PathBuf {
        self.0.join("buildkitd.pid")
    }

    /// Held by who uses the daemon.
    pub(super) fn usage(&self) -> PathBuf {
        self.0.join("use")
    }

    /// Milliseconds without a use after which it ends.
    pub(super) fn idle(&self) -> PathBuf {
        self.0.join("idle")
    }

    /// Held while the daemon is started or stopped.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }

    /// Its images, snapshots and caches.
    pub(super) fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    /// Its `XDG_RUNTIME_DIR` where it runs without root.
    pub(super) fn runtime(&self) -> PathBuf {
        self.0.join("run")
    }
}

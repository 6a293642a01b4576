//! Why the managed daemon cannot be had.

use std::io;
use std::path::{Path, PathBuf};

/// Why the managed daemon cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ManagedError {
    /// Neither a daemon nor a way to start one.
    #[error("no buildkitd answers, and there is none on PATH to start")]
    NoBinary,
    /// buildkitd needs root or rootlesskit.
    #[error("buildkitd needs root, and rootlesskit, which runs it without, is not on PATH")]
    NoRootless,
    /// The data folder's path is too long for a socket.
    #[error("{} is too long for the path of a unix socket", .0.display())]
    LongPath(PathBuf),
    /// A file of the data folder could not be handled.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("cannot run {program}")]
    Spawn {
        /// Its name.
        program: String,
        /// The system's answer.
        source: io::Error,
    },
    /// The daemon ended or stayed silent.
    #[error("buildkitd {what}; the end of {}:\n{tail}", log.display())]
    Failed {
        /// What it did.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The log's last lines.
        tail: String,
    },
}

impl ManagedError {
    /// Returns what makes the error of a file out of the system's answer.
    pub(super) fn file(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}

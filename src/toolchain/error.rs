//! Why a toolchain is not available, told apart by what the user can do about it.

use std::io;
use std::path::PathBuf;

use rustix::process::Signal;

use crate::content::{LayerError, LayoutError};

/// Why a toolchain could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// A file of this program cannot be looked at.
    #[error("cannot look at {}, which is part of gobuild", path.display())]
    Helper {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A file that is to be this program for another platform is not that.
    #[error("{} is no static program for {platform}: {reason}", path.display())]
    Program {
        /// The file.
        path: PathBuf,
        /// The platform.
        platform: String,
        /// What it is instead.
        reason: String,
    },
    /// The host has no `go` command.
    #[error("there is no go command on this machine to fetch the toolchain with")]
    GoMissing,
    /// The `go` command could not be started or did not answer in the expected form.
    #[error("cannot run {command}")]
    Go {
        /// The command line.
        command: String,
        /// The reason.
        source: io::Error,
    },
    /// A signal ended the `go` command: Ctrl-C, which tells all of the foreground, or the kernel.
    #[error("{command} was ended by signal {signal}")]
    Ended {
        /// The command line.
        command: String,
        /// The signal's number.
        signal: i32,
    },
    /// The text is no Go version.
    #[error("{version:?} is not a Go version such as 1.26.3")]
    Version {
        /// The version as given.
        version: String,
    },
    /// No such release, or none for this platform.
    #[error("Go {version} for {platform} does not exist in the module proxy: {detail}")]
    NoSuchRelease {
        /// The version asked for.
        version: String,
        /// The build platform.
        platform: String,
        /// What the go command said.
        detail: String,
    },
    /// The module proxy could not be reached.
    #[error("cannot reach the module proxy for Go {version}: {detail}")]
    Network {
        /// The version asked for.
        version: String,
        /// What the go command said.
        detail: String,
    },
    /// The proxy wants credentials it did not get, or forbids the download.
    #[error("the module proxy refuses Go {version}: {detail}")]
    Refused {
        /// The version asked for.
        version: String,
        /// What the go command said.
        detail: String,
    },
    /// `GOPROXY=off`, or the like, forbids downloads.
    #[error("downloads are turned off, and Go {version} is not in the module cache: {detail}")]
    Off {
        /// The version asked for.
        version: String,
        /// What the go command said.
        detail: String,
    },
    /// The download is not what the checksum database knows.
    #[error("the toolchain of Go {version} fails verification: {detail}")]
    Checksum {
        /// The version asked for.
        version: String,
        /// What the go command said.
        detail: String,
    },
    /// The go command failed for another reason.
    #[error("cannot download Go {version}: {detail}")]
    Download {
        /// The version asked for.
        version: String,
        /// What the go command said.
        detail: String,
    },
    /// The host's toolchain is older than the project needs.
    #[error("the host's Go is {found}, the project needs {needed}")]
    TooOld {
        /// The host's version.
        found: String,
        /// The version asked for.
        needed: String,
    },
    /// The host's toolchain does not run on the build platform.
    #[error("the host's Go runs on {found}, the builder on {needed}")]
    OtherPlatform {
        /// The host's platform.
        found: String,
        /// The build platform.
        needed: String,
    },
    /// A tree lacks what a toolchain consists of.
    #[error("{} holds no Go toolchain: {missing} is missing", root.display())]
    Incomplete {
        /// The tree's root.
        root: PathBuf,
        /// The first file that is missing.
        missing: String,
    },
    /// The tree is not the one whose digest was remembered.
    #[error("the toolchain in {} is not the one packed before ({found} instead of {remembered})", root.display())]
    Drifted {
        /// The tree's root.
        root: PathBuf,
        /// The digest now.
        found: String,
        /// The digest in the memo.
        remembered: String,
    },
    /// The tree or archive is not the one that a lock file names.
    #[error("{} is not the Go that the lock file names ({found} instead of {locked})", root.display())]
    NotLocked {
        /// The tree's root, or the archive.
        root: PathBuf,
        /// The digest of what is there.
        found: String,
        /// The digest in the lock file.
        locked: String,
    },
    /// A part of the tree cannot be looked at.
    #[error("cannot read {}", path.display())]
    Tree {
        /// The folder or file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The memo cannot be written.
    #[error("cannot write {}", path.display())]
    Memo {
        /// The memo.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The layer cannot be packed.
    #[error("cannot pack the toolchain")]
    Pack(#[from] LayerError),
    /// The layout cannot be formed.
    #[error("cannot describe the toolchain")]
    Layout(#[from] LayoutError),
}

impl ToolchainError {
    /// Tells whether Ctrl-C or a polite kill ended the `go` command, perhaps before it was known here.
    #[must_use]
    pub fn is_cancellation(&self) -> bool {
        let polite = [Signal::INT, Signal::TERM].map(Signal::as_raw);
        matches!(self, Self::Ended { signal, .. } if polite.contains(signal))
    }

    /// Returns what the user can do about it, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::GoMissing => {
                "install Go, or name an image in goimage.toml: [go] toolchain = \"golang:1.26\""
            }
            Self::NoSuchRelease { .. } => {
                "name a released version in goimage.toml ([go] version), e.g. 1.26.3 rather than 1.26"
            }
            Self::Network { .. } => "check GOPROXY and the machine's proxy settings with `go env`",
            Self::Refused { .. } => "give the go command credentials for the proxy (GOAUTH, netrc)",
            Self::Off { .. } => {
                "set GOPROXY, or use [go] toolchain = \"host\" or an image in goimage.toml"
            }
            Self::Checksum { .. } => {
                "the proxy or something on the way altered the download; do not turn the check off"
            }
            Self::TooOld { .. } | Self::OtherPlatform { .. } => {
                "use [go] toolchain = \"proxy\" or an image in goimage.toml"
            }
            Self::NotLocked { .. } => {
                "somebody altered the toolchain or the lock file; `gobuild lock --update` writes what is there now"
            }
            Self::Drifted { .. } => "the memo was dropped; run the build again",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl From<ToolchainError> for io::Error {
    fn from(error: ToolchainError) -> Self {
        Self::other(error)
    }
}

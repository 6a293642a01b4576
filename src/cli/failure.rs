//! How a build ends badly, before the progress display has had its say.

use crate::error::{Error, Kind};
use crate::pipeline::run::RunError;
use crate::progress::golog::Mapping;

/// Why the stages of a build ended: with an error that says all, or one that the progress
/// display knows more about.
#[derive(Debug)]
pub(super) enum Failure {
    /// Ready to be shown.
    Rendered(Error),
    /// The log of the failed step belongs to it, with its paths put right.
    Run {
        /// The error.
        error: Box<RunError>,
        /// Where the project's files were during the build.
        paths: Mapping,
    },
}

impl Failure {
    /// Tells whether the user stopped the build.
    pub(super) fn is_cancellation(&self) -> bool {
        match self {
            Self::Rendered(error) => error.kind == Kind::Cancelled,
            Self::Run { error, .. } => error.is_cancellation(),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Rendered(error)
    }
}

//! Why outputs were not kept.

use std::error::Error;
use std::sync::{Arc, OnceLock};

use tonic::Status;

/// What went wrong on this side, the first of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Arc<OnceLock<String>>);

impl Failures {
    /// Notes a failure; returns what the daemon is told.
    pub(super) fn note(&self, error: &dyn Error) -> Status {
        let text = text(error);
        // Later ones follow from the first.
        self.0.get_or_init(|| text.clone());
        Status::unknown(text)
    }

    pub(super) fn first(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

/// Returns an error with its causes.
pub(super) fn text(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

//! Why outputs were not kept.

use std::error::Error;
use std::sync::{Arc, OnceLock};

use tonic::Status;

use crate::buildkit::error::explained;

/// What went wrong on this side, the first of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures(Arc<OnceLock<String>>);

impl Failures {
    /// Notes a failure; returns what the daemon is told.
    pub(super) fn note(&self, error: &dyn Error) -> Status {
        let text = explained(error);
        // Later ones follow from the first.
        self.0.get_or_init(|| text.clone());
        Status::unknown(text)
    }

    pub(super) fn first(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}

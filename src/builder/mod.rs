//! Which daemon builds, and the one that gobuild starts itself.
//!
//! [`choose`] turns flags, variables and the store of `docker buildx`, which [`buildx`] reads, into
//! an address; [`managed`] is a buildkitd of the
//! user's own, kept under the data folder, for machines that have none running.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that reads the store of buildx, and starts and ends a daemon"
)]

pub mod buildx;
pub mod choose;
pub mod error;
mod home;
mod launch;
pub mod managed;

pub use choose::{Choice, ChoiceError, Origin};
pub use error::ManagedError;
pub use managed::Managed;

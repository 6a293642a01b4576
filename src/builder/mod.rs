//! Which daemon builds, and the one that gobuild starts itself.
//!
//! [`choose`] turns flags, variables and the store of `docker buildx`, which [`buildx`] reads, into
//! an address; [`assign`] divides platforms among the nodes of a builder; [`managed`] is a buildkitd of the
//! user's own, kept under the data folder, for machines that have none running.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that reads the store of buildx, and starts and ends a daemon"
)]

pub mod assign;
pub mod buildx;
pub mod choose;
mod config;
pub mod error;
mod home;
pub mod idle;
mod launch;
pub mod managed;

pub use choose::{Choice, ChoiceError, Origin};
pub use error::ManagedError;
pub use idle::Idle;
pub use managed::Managed;

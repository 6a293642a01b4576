//! A build: its request, its run, and its events.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that runs a solve beside its session"
)]

mod ask;
mod request;
mod run;
mod status;

pub use self::request::{CacheEntry, Exporter, SolveOptions};
pub use self::run::{BuildError, SolveResponse};

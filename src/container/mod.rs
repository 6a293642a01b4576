//! What gobuild does when it runs inside a step's container.
//!
//! The graph mounts gobuild into some of its steps (`toolchain::Helper`). There it has a Go
//! toolchain, the mounts of the step, and nothing else: no shell, no C library, no network but the
//! modules step's. A failure is the step's failure; nothing here is allowed to go on after one,
//! because what a step leaves is cached.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that runs go in a container and writes the step's output"
)]

pub mod files;
pub mod modules;
pub mod parts;
pub mod project;

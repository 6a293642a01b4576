//! Tests against a real buildkitd.
//!
//! `harness` finds or starts daemons and fails where there is none; `cases` hold the tests, one
//! file per subject. `monorepo` is the generator of the bench.

#![expect(
    clippy::disallowed_methods,
    reason = "tests run programs and read what they leave"
)]

mod cases;
mod harness;
#[path = "bench/monorepo.rs"]
mod monorepo;

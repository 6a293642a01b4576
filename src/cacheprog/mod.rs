//! `gobuild cacheprog`: a build cache for the `go` command, as its GOCACHEPROG.
//!
//! What enters is the protocol of `cmd/go/internal/cacheprog` on standard input; what leaves are
//! answers that name files, and at the end a [`Report`]. A `get` is answered by the first of:
//!
//! 1. the local tier, a folder in GOCACHE's own form, read and written (`gocache`);
//! 2. seeds, read-only folders of the same form;
//! 3. a remote (`remote`): a store that holds one index and a few packs (`pack`) per *scope*, that is
//!    per main package, platform, toolchain and flags, or a [`Relay`] to one (`relay`). The index and
//!    the packs travel while `go` loads packages. A `get` waits only for what the index names and is
//!    under way; it never costs a round trip of its own;
//! 4. through a relay, the client's own GOCACHE, asked entry by entry over a local socket.
//!
//! After the build, used entries may be collected into a folder of exactly these, those that the
//! remote lacks are written to it as a pack, and the local tier is brought back to its limit.
//!
//! Invariants: a build never fails for a remote, and never waits for one beyond its limits. An
//! output that comes from elsewhere is hashed before it gets its name. Which output belongs to an
//! action cannot be checked: whoever may write an index is trusted as a compiler is.
//!
//! `service` is the loop, `core` what its threads share, `arrivals` who waits for what, `ledger` what
//! was used, `link` the thread of a remote, `run` all of it in order.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that keeps a cache on the disk and speaks to stores"
)]

mod arrivals;
mod core;
mod gocache;
mod id;
mod ledger;
mod link;
mod pack;
#[cfg(test)]
mod peer;
mod protocol;
mod relay;
mod remote;
mod report;
mod run;
mod service;
pub mod size;
#[cfg(test)]
mod tests;

pub use gocache::TierError;
pub use gocache::collect::Collected;
pub use gocache::tidy::Removed;
pub use id::Id;
pub use ledger::Hits;
pub use pack::{BlockError, IndexError};
pub use relay::{FrameError, Relay, RelayError, RelayOptions, RelayReport};
pub use remote::store::{Store, StoreError, StoreOptions, shown};
pub use report::{Report, TrafficReport};
pub use run::{Options, Remote, RunError, run};

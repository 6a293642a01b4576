//! A remote store, read while `go` still loads packages and written after the build.
//!
//! - [`store`]: a URL → objects; one request each for an index and a pack.
//! - [`fetch`]: the scope's index, then its packs, all at once.
//! - [`unpack`]: blocks → outputs in the local tier, on threads of their own.
//! - [`revise`]: what a run used and the old index → the new index and what it lacks. Pure.
//! - [`publish`]: the outputs that it lacks → packs, then the index.
//!
//! Nothing here fails a build: what goes wrong is a warning, and costs hits.

pub(super) mod fetch;
pub(super) mod publish;
pub(super) mod revise;
pub(super) mod store;
mod tls;
pub(super) mod unpack;

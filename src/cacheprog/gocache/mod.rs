//! Go's own build cache on the disk: what `GOCACHE` names.
//!
//! A [`Tier`] is such a folder. Plain `go` and this program may share it at the same time, so names,
//! the content of action files, the refreshing of modification times (at most hourly) and
//! `trim.txt` are Go's:
//!
//! | file | content |
//! |---|---|
//! | `ab/ab…-a` | an action: `v1 ACTION OUTPUT SIZE TIME`, see [`entry`] |
//! | `cd/cd…-d` | an output; its name is the SHA-256 of its bytes |
//! | `trim.txt` | when unused entries were last removed |
//! | `gobuild.lock` | shared by everyone who may have named a file to `go`; see [`tidy`] |
//! | `gobuild-size.txt` | about how many bytes there are |
//!
//! Outputs appear under their name whole or not at all. Nothing is synced to the disk: as with
//! Go, a crash of the machine may leave a file of the wrong size, which is then a miss.
//!
//! Source: `cmd/go/internal/cache/cache.go`.

pub(super) mod collect;
pub(super) mod entry;
mod name;
pub(super) mod tidy;
mod tier;
mod write;

pub(super) use name::Kind as FileKind;
pub use tier::TierError;
pub(super) use tier::{Access, Tier};

//! LLB, the graph language of BuildKit: a typed immutable graph builder and its wire form.
//!
//! What enters are operations on [`Output`]s, what leaves is a [`Definition`]: the bytes that
//! buildkitd's solver loads. This stage knows nothing of Go and uses nothing of gobuild but
//! [`crate::oci::Platform`]; it reads no clock, disk or environment.
//!
//! | module | holds |
//! |---|---|
//! | [`vertex`] | [`Output`], an edge of the graph; the canonical bytes and digest of an op |
//! | [`ops`] | the ops: sources, exec, file, merge, diff |
//! | [`metadata`], [`sourcemap`] | what a vertex carries beside its op: names, progress groups, source lines |
//! | [`marshal`] | the walk from an output to its definition |
//! | [`definition`] | a definition, ours or anyone's: encode, decode, iterate |
//! | [`json`], [`dot`] | a definition for readers |
//!
//! Invariants:
//!
//! - A vertex is encoded once, when it is built, from inputs that already have their digests. No
//!   later step can change it, so a shared subgraph costs nothing however many outputs use it.
//! - Equal graphs give equal bytes, and the same bytes as BuildKit's Go client gives: buildkitd
//!   re-encodes every op with Go's deterministic marshaller, and only a client that agrees with it
//!   finds its own digests in progress events and errors.
//! - What buildkitd would refuse on load (no arguments, an output nobody exposes, an owner looked
//!   up on an empty root) is either impossible to write or an [`Error`] from `build`.
//!
//! ```
//! use gobuild::llb::{Bind, Exec, FileOp, Image, Metadata, Mkdir, Network, Output};
//! use gobuild::oci::Platform;
//!
//! # fn main() -> Result<(), gobuild::llb::Error> {
//! let platform = Platform::linux("amd64");
//! let alpine = Image::new("docker.io/library/alpine:3.22", platform.clone()).build()?;
//! let run = Exec::new(Bind::read_only(&alpine), platform, ["touch", "/out/done"])
//!     .network(Network::None)
//!     .bind("/out", Bind::writable(&Output::scratch()))
//!     .metadata(Metadata::named("touch a file"))
//!     .build()?;
//! let layer = FileOp::new(&run.output("/out")?, Mkdir::new("/tmp", 0o755)).build()?;
//! let definition = layer.marshal();
//! assert_eq!(definition.vertices().count(), 3);
//! # Ok(())
//! # }
//! ```
//!
//! Sources: BuildKit `solver/pb/ops.proto`, `client/llb/`, `solver/llbsolver/vertex.go`.

mod caps;
pub mod definition;
pub mod digest;
pub mod dot;
pub mod error;
pub mod json;
pub mod marshal;
pub mod metadata;
pub mod older;
pub mod ops;
pub mod sourcemap;
pub mod vertex;

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;

pub use definition::{DecodeError, Definition, VertexView};
pub use digest::Digest;
pub use error::Error;
pub use metadata::{Metadata, ProgressGroup};
pub use older::{Lacking, Older, VariablesFile};
pub use ops::diff::diff;
pub use ops::exec::{
    Bind, Cache, ContentCache, Exec, ExecOutputs, Network, ProxyEnv, Secret, Security, Sharing,
    SshAgent, Tmpfs,
};
pub use ops::file::{
    Account, Action, CopyFrom, FileOp, Mkdir, Mkfile, Owner, Remove, Symlink, Timestamp,
};
pub use ops::merge::merge;
pub use ops::source::{Differ, Git, Http, Image, Local, OciLayout, ResolveMode};
pub use sourcemap::{Location, Position, SourceFile, Span};
pub use vertex::Output;

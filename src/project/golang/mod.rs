//! The Go side of a project: module files, sources, the import graph.
//!
//! `go.mod`/`go.work`/`vendor/modules.txt` ([`modfile`]) → which modules take part and where
//! an import path leads ([`workspace`]) → what each file imports and embeds under a build
//! context ([`source`]) → exact closures of main packages ([`graph`]).

pub mod flags;
pub mod graph;
pub mod modfile;
pub mod source;
pub mod version;
pub mod workspace;

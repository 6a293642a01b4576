//! gobuild compiles a Go project straight to a BuildKit graph: no Dockerfile in between.

pub mod base;
pub mod builder;
pub mod buildkit;
pub mod cli;
pub mod content;
pub mod error;
pub mod llb;
pub mod lower;
pub mod oci;
pub mod pipeline;
pub mod plan;
pub mod progress;
pub mod project;
pub mod toolchain;

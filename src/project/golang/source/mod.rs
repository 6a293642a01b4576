//! What the go command would learn from the files of one folder under a build context.
//!
//! Enters: folders of a [`Tree`](crate::project::tree::Tree) and a [`BuildContext`]. Leaves: a
//! [`Package`]: which files take part, what they import (with positions), which files they
//! embed. Every rule follows `go/build` (`build.go`, `read.go`), `go/build/constraint` and
//! `cmd/go/internal/load` of the Go distribution; nothing is ever compiled or run.
//!
//! One file goes through these passes, each with a type of its own:
//!
//! 1. `lexer` and [`imports`]: text → [`Header`] (package clause, imports), as far as the
//!    import section reaches and no further.
//! 2. `directive`: `//go:embed` lines, searched in the whole file only if it imports `embed`.
//! 3. [`constraint`]: `//go:build` or `// +build` → [`Constraint`].
//! 4. `file`: the three together as a [`Scan`], which no build context influences and which
//!    is therefore shared by all platforms.
//! 5. `assembly`: scans + context → [`Package`]; `embed` resolves patterns, `cgo` reads
//!    the C side, `include` follows what it includes.

mod assembly;
mod cgo;
pub mod constraint;
pub mod context;
mod directive;
mod embed;
mod error;
mod file;
mod glob;
pub mod imports;
mod include;
mod lexer;
mod literal;
pub(super) mod memo;
mod package;
mod position;
mod sources;
mod toolchain_tags;

#[cfg(test)]
mod tests;

pub use constraint::Constraint;
pub use context::{BuildContext, Sanitizer};
pub use directive::EmbedPattern;
pub use embed::EmbedFault;
pub use error::SourceError;
pub use file::{FileKind, Scan};
pub use glob::covers_module;
pub use imports::{Header, Import};
pub use package::{ImportSite, Package};
pub use position::{Position, SyntaxError};
pub use sources::Sources;

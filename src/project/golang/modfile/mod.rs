//! The files in which modules are written down.
//!
//! Enters: the bytes of one file. Leaves: its directives with their line numbers, as written;
//! nothing is resolved, no path is joined, no other file is read. Grammar and messages follow
//! `golang.org/x/mod/modfile` (`go.mod`, `go.work`), `cmd/go/internal/modfetch` (`go.sum`) and
//! `cmd/go/internal/modload` (`vendor/modules.txt`).

mod directive;
mod go_mod;
mod go_sum;
mod go_work;
mod literal;
mod module_path;
mod modules_txt;
mod semver;
mod syntax;

pub use directive::{At, ModuleVersion, Replace};
pub use go_mod::{GoMod, Require};
pub use go_sum::GoSum;
pub use go_work::GoWorkFile;
pub use module_path::{check_import_path, is_standard_path};
pub use modules_txt::{ModulesTxt, VendoredModule};
pub use semver::compare as compare_versions;

/// Why a module file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ModfileError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl ModfileError {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self {
            line,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests;

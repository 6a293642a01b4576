//! Which modules take part in a build, and where an import path leads.
//!
//! Enters: a [`Tree`](crate::project::tree::Tree) and the folder the user named. Leaves: a [`Workspace`], plain data, and
//! from it [`Resolution`]s of import paths through a [`Resolver`]. The rules are those of
//! `cmd/go/internal/modload` under `-mod=readonly` (or `vendor`), as far as they can be
//! followed without a network: the modules that downloaded ones require are not known here, so
//! wherever those could matter ([`Workspace::complete`]) an unknown import is taken to be
//! theirs rather than refused.

mod build_list;
mod error;
mod forks;
mod load;
mod main_module;
mod replacement;
mod resolve;
mod rivals;
mod standard;
mod sums;
mod vendor;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::project::golang::version::GoVersion;
use crate::project::tree::TreePath;

pub use error::{ResolveError, WorkspaceError};
pub use resolve::Resolver;

/// Which `go.work` applies, as the environment variable GOWORK says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GoWork {
    /// The nearest one in the starting folder or above it, inside the tree.
    #[default]
    Auto,
    /// None.
    Off,
    /// This file.
    File(TreePath),
}

/// The modules whose source is in the tree, and the list of those that are not.
#[derive(Clone, Debug, Serialize)]
pub struct Workspace {
    /// Folder that `go` is run in: of `go.work` if one is active, else of `go.mod`.
    pub directory: TreePath,
    /// The active `go.work`, if any.
    pub go_work: Option<TreePath>,
    /// Main modules (one, or all that `go.work` uses), by folder.
    pub main_modules: Vec<LocalModule>,
    /// Modules that a `replace` directive takes from a folder, by folder. None in a vendored
    /// build, which takes their packages from the vendor folder.
    pub replaced_modules: Vec<LocalModule>,
    /// Modules from elsewhere (the build list as far as the module files name it). A vendored
    /// build downloads none of them. Ordered by path.
    pub requirements: Vec<Requirement>,
    /// Whether `requirements` and `replaced_modules` are all that can provide a package: so in
    /// a single module at `go 1.17` or later, whose `go.mod` lists them all.
    pub complete: bool,
    /// The vendor folder, when the build uses it.
    pub vendor: Option<Vendor>,
    /// Every file that the go command reads to resolve modules: `go.mod`, `go.sum`,
    /// `go.work`, `go.work.sum`, `vendor/modules.txt`. Only files that exist. The sources of
    /// modules in the tree that downloaded ones may import are among them.
    pub module_files: BTreeSet<TreePath>,
    /// The `go` line that applies, e.g. `1.26` or `1.26.3`: of `go.work` if one is active.
    pub go_line: Option<String>,
    /// The `toolchain` line that applies, e.g. `go1.26.3`, from the same file.
    pub toolchain_line: Option<String>,
    /// Every `go` line that the toolchain must satisfy.
    #[serde(skip)]
    go_lines: Vec<GoLine>,
}

/// A `go` line and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GoLine {
    path: TreePath,
    line: usize,
    version: GoVersion,
}

/// A module whose source is in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LocalModule {
    /// Module path (for a replaced one: the path it is imported under).
    pub path: String,
    /// Folder of its `go.mod`.
    pub directory: TreePath,
    /// Folders that its `ignore` directives leave out of `./...`.
    pub ignores: Vec<String>,
}

/// A module that is downloaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Requirement {
    /// Module path as imported.
    pub path: String,
    /// Required version.
    pub version: String,
    /// What replaces it, when a `replace` names another module: `(path, version)`.
    pub replacement: Option<(String, String)>,
    /// Whether a main module requires it at this very version.
    pub explicit: bool,
}

/// A vendor folder in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vendor {
    /// The `vendor` folder.
    pub directory: TreePath,
    /// Import paths of the packages in it (`modules.txt`).
    pub packages: BTreeSet<String>,
    /// Whether packages that `modules.txt` does not list are passed over, as of Go 1.23.
    pub listed_only: bool,
}

/// Where an import path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The standard library (or `unsafe`, `C`).
    Standard,
    /// A package folder in the tree: first-party, replaced or vendored.
    Local(TreePath),
    /// A package of a module that is downloaded.
    External {
        /// The required module that provides it, as far as module files tell.
        module: Option<String>,
    },
}

impl Workspace {
    /// Returns the main or replaced module that a folder belongs to: the one with the longest
    /// folder at or above it. Nested modules that take no part are not looked for.
    #[must_use]
    pub fn module_of(&self, directory: &TreePath) -> Option<&LocalModule> {
        self.main_modules
            .iter()
            .chain(&self.replaced_modules)
            .filter(|module| directory.below(&module.directory).is_some())
            .max_by_key(|module| module.directory.elements().count())
    }

    /// Returns the import path of a package folder, if it belongs to a module here.
    #[must_use]
    pub fn import_path_of(&self, directory: &TreePath) -> Option<String> {
        let module = self.module_of(directory)?;
        let rest = directory.below(&module.directory)?;
        Some(if rest.is_root() {
            module.path.clone()
        } else {
            format!("{}/{rest}", module.path)
        })
    }

    /// Returns the oldest toolchain that the module files ask for: the later of the `go` and
    /// the `toolchain` line that apply.
    #[must_use]
    pub fn minimum_toolchain(&self) -> Option<GoVersion> {
        let go = self.go_line.as_deref().and_then(GoVersion::parse);
        let toolchain = self.toolchain_line.as_deref();
        go.max(toolchain.and_then(GoVersion::from_toolchain))
    }

    /// Checks that no `go` line asks for a newer toolchain.
    ///
    /// # Errors
    /// [`WorkspaceError::ToolchainTooOld`] with the line that asks for the newest.
    pub fn check_toolchain(&self, toolchain: &GoVersion) -> Result<(), WorkspaceError> {
        let newest = self.go_lines.iter().max_by(|a, b| {
            // The first of equal lines is the more prominent file.
            a.version.cmp(&b.version).then(std::cmp::Ordering::Greater)
        });
        match newest {
            Some(line) if line.version > *toolchain => Err(WorkspaceError::ToolchainTooOld {
                path: line.path.clone(),
                line: line.line,
                required: Box::new(line.version.clone()),
                toolchain: Box::new(toolchain.clone()),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

//! Why the modules of a project cannot be used, and what can be done about it.

use crate::project::Spot;
use crate::project::golang::modfile::ModfileError;
use crate::project::golang::version::GoVersion;
use crate::project::tree::{TreeError, TreePath};

/// Why the modules of a project cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// The tree did not answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// There is no module.
    #[error("no go.mod in {start} or in a folder above it")]
    NoModule {
        /// Where the search began.
        start: TreePath,
    },
    /// The `go.work` that was asked for is not there.
    #[error("{path} does not exist")]
    NoGoWork {
        /// What was asked for.
        path: TreePath,
    },
    /// The folder belongs to no module of the active `go.work`.
    #[error("{start} belongs to none of the modules that {go_work} uses")]
    NotInGoWork {
        /// The folder.
        start: TreePath,
        /// The active `go.work`.
        go_work: TreePath,
    },
    /// A line of a module file is wrong, by itself or in what it leads to.
    #[error("{path}:{line}: {message}")]
    ModFile {
        /// The file.
        path: TreePath,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// `vendor/modules.txt` contradicts the module files.
    #[error("inconsistent vendoring in {directory}: {}", problems.join("; "))]
    InconsistentVendoring {
        /// The vendor folder.
        directory: TreePath,
        /// Every contradiction.
        problems: Vec<String>,
        /// Whether `go.work` is active.
        workspace: bool,
    },
    /// A module needs a newer toolchain.
    #[error("{path}:{line}: go {required} is needed, but the toolchain is go{toolchain}")]
    ToolchainTooOld {
        /// The file with the `go` line.
        path: TreePath,
        /// Line, from 1.
        line: usize,
        /// The version it names.
        required: Box<GoVersion>,
        /// The version that the build would use.
        toolchain: Box<GoVersion>,
    },
    /// `go.sum` does not vouch for a module.
    #[error("missing go.sum entry for {subject}")]
    MissingSum {
        /// What lacks a hash.
        subject: String,
        /// Path of the required module.
        module: String,
    },
}

impl WorkspaceError {
    /// Returns the error of a line of a module file.
    pub(super) fn line(path: &TreePath, line: usize, message: impl Into<String>) -> Self {
        Self::ModFile {
            path: path.clone(),
            line,
            message: message.into(),
        }
    }

    /// Returns a converter of parse errors of the file at `path`.
    pub(super) fn in_file(path: &TreePath) -> impl FnOnce(ModfileError) -> Self + '_ {
        move |error| Self::line(path, error.line, error.message)
    }

    /// Returns where in the module files it shows.
    #[must_use]
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Self::ModFile { path, line, .. } | Self::ToolchainTooOld { path, line, .. } => {
                Some(Spot::line(path, *line))
            }
            Self::Tree(_)
            | Self::NoModule { .. }
            | Self::NoGoWork { .. }
            | Self::NotInGoWork { .. }
            | Self::InconsistentVendoring { .. }
            | Self::MissingSum { .. } => None,
        }
    }

    /// Returns what the user can do about it, as a command or a short sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoModule { .. } => {
                Some("create the module with: go mod init example.com/name".to_owned())
            }
            Self::NotInGoWork { .. } => {
                Some("add the module with: go work use, or turn go.work off".to_owned())
            }
            Self::InconsistentVendoring { workspace, .. } => {
                let command = if *workspace { "work" } else { "mod" };
                Some(format!(
                    "bring the vendor folder up to date with: go {command} vendor"
                ))
            }
            Self::ToolchainTooOld { required, .. } => {
                let release = required.release();
                Some(format!("choose a toolchain of at least go{release}"))
            }
            Self::MissingSum { module, .. } => {
                Some(format!("add it with: go mod download {module}"))
            }
            Self::Tree(_) | Self::NoGoWork { .. } | Self::ModFile { .. } => None,
        }
    }
}

/// Why an import path leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The tree did not answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The path is not one.
    #[error("invalid import path {import_path:?}: {message}")]
    Invalid {
        /// The import path.
        import_path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The path is reserved for the standard library, which has no such package.
    #[error("package {import_path} is not in std")]
    NotInStandard {
        /// The import path.
        import_path: String,
    },
    /// The module that would hold the package has no such folder, or no Go files in it.
    #[error("module {module} has no package {import_path}: no Go files in {directory}")]
    NoPackage {
        /// The import path.
        import_path: String,
        /// The module, whose source is in the tree.
        module: String,
        /// The folder that would hold it.
        directory: TreePath,
    },
    /// No module that the module files name can hold the package.
    #[error("no required module provides package {import_path}")]
    NotRequired {
        /// The import path.
        import_path: String,
    },
    /// The package is neither in a main module nor in the vendor folder.
    #[error("package {import_path} is not vendored in {vendor}")]
    NotVendored {
        /// The import path.
        import_path: String,
        /// The vendor folder.
        vendor: TreePath,
        /// Whether `go.work` is active.
        workspace: bool,
    },
    /// Several folders hold the package.
    #[error("ambiguous import: package {import_path} is in {}", list(directories))]
    Ambiguous {
        /// The import path.
        import_path: String,
        /// The folders.
        directories: Vec<TreePath>,
    },
    /// A `replace` leads to a folder that is no module.
    #[error("the replacement {directory} of module {module} {problem}")]
    Replacement {
        /// The module that is replaced.
        module: String,
        /// The folder.
        directory: TreePath,
        /// What is wrong with it: a verb phrase.
        problem: &'static str,
    },
}

fn list(directories: &[TreePath]) -> String {
    let names: Vec<&str> = directories.iter().map(TreePath::as_str).collect();
    names.join(" and ")
}

impl ResolveError {
    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotRequired { import_path } => Some(format!("add it with: go get {import_path}")),
            Self::NotVendored { workspace, .. } => {
                let command = if *workspace { "work" } else { "mod" };
                Some(format!(
                    "bring the vendor folder up to date with: go {command} vendor"
                ))
            }
            _ => None,
        }
    }
}

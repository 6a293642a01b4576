//! Why a program's closure cannot be computed.

use std::sync::Arc;

use crate::project::Spot;
use crate::project::golang::source::{ImportSite, SourceError};
use crate::project::golang::workspace::ResolveError;
use crate::project::tree::{TreeError, TreePath};

/// A fault in the import graph. Messages start with the importing `file:line:column` where
/// there is one, and follow the go command's words.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A package's own files are at fault.
    #[error(transparent)]
    Package(Arc<SourceError>),
    /// A folder that is imported holds no package that can be built.
    #[error("{site}: {fault}")]
    ImportedPackage {
        /// The import.
        site: ImportSite,
        /// What is wrong with the folder.
        fault: Arc<SourceError>,
    },
    /// An import leads nowhere.
    #[error("{site}: {fault}")]
    Unresolved {
        /// The import.
        site: ImportSite,
        /// Why.
        fault: ResolveError,
    },
    /// Packages import each other in a circle.
    #[error("import cycle not allowed: {}", chain(steps))]
    Cycle {
        /// The imports along the circle; the last leads back to the first.
        steps: Vec<CycleStep>,
    },
    /// An `internal` package is imported from outside.
    #[error("{site}: use of internal package {import_path} not allowed")]
    Internal {
        /// The import.
        site: ImportSite,
        /// The package.
        import_path: String,
    },
    /// A program is imported.
    #[error("{site}: import {import_path:?} is a program, not an importable package")]
    Program {
        /// The import.
        site: ImportSite,
        /// The program.
        import_path: String,
    },
    /// An import path is relative or absolute.
    #[error("{site}: local import {import_path:?} in non-local package {importer}")]
    RelativeImport {
        /// The import.
        site: ImportSite,
        /// The path.
        import_path: String,
        /// The importing package.
        importer: String,
    },
    /// An import path spells out a vendor folder.
    #[error("{site}: {import_path} must be imported as {spelling}")]
    VendorImport {
        /// The import.
        site: ImportSite,
        /// The path.
        import_path: String,
        /// What it should be.
        spelling: String,
    },
    /// A folder named as a binary holds a library.
    #[error("package {name} in {directory} is not a main package")]
    NotMain {
        /// The folder.
        directory: TreePath,
        /// Its package's name.
        name: String,
    },
    /// A folder named as a binary belongs to no module of the build.
    #[error("directory {directory} is outside the main modules")]
    OutsideModules {
        /// The folder.
        directory: TreePath,
        /// The `go.mod` of the module that it is in, which takes no part.
        go_mod: Option<TreePath>,
    },
    /// A binary's import path leads nowhere.
    #[error("package {import_path}: {fault}")]
    NoPackage {
        /// The import path.
        import_path: String,
        /// Why.
        fault: ResolveError,
    },
    /// A binary's import path leads to a package that is not in the project.
    #[error("package {import_path} is not in the main modules")]
    NotInProject {
        /// The import path.
        import_path: String,
    },
    /// A pattern matches no program.
    #[error("{pattern} matched no main packages")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// There is no program at all.
    #[error("no main packages to build")]
    NoMains,
    /// The tree could not answer.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

/// One import along a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleStep {
    /// The importing package.
    pub importer: String,
    /// Where it imports the next one.
    pub site: ImportSite,
}

fn chain(steps: &[CycleStep]) -> String {
    let first = steps.first().map(|step| step.importer.as_str());
    let targets = steps.iter().skip(1).map(|step| step.importer.as_str());
    let steps = steps
        .iter()
        .zip(targets.chain(first))
        .map(|(step, target)| format!("{} imports {target} ({})", step.importer, step.site));
    steps.collect::<Vec<_>>().join(", ")
}

impl GraphError {
    /// Returns where in the sources it shows.
    #[must_use]
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Self::Package(fault) => fault.spot(),
            Self::ImportedPackage { site, .. }
            | Self::Unresolved { site, .. }
            | Self::Internal { site, .. }
            | Self::Program { site, .. }
            | Self::RelativeImport { site, .. }
            | Self::VendorImport { site, .. } => Some(site.into()),
            Self::Cycle { steps } => steps.first().map(|step| (&step.site).into()),
            Self::NotMain { .. }
            | Self::OutsideModules { .. }
            | Self::NoPackage { .. }
            | Self::NotInProject { .. }
            | Self::NoMatch { .. }
            | Self::NoMains
            | Self::Tree(_) => None,
        }
    }

    /// Returns the pattern, import path or folder of a program that it is about as such.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        match self {
            Self::NoMatch { pattern } => Some(pattern),
            Self::NoPackage { import_path, .. } | Self::NotInProject { import_path } => {
                Some(import_path)
            }
            Self::NotMain { directory, .. } | Self::OutsideModules { directory, .. } => {
                Some(directory.as_str())
            }
            Self::Package(fault) => match fault.as_ref() {
                SourceError::NoGoFiles { directory }
                | SourceError::OnlyTests { directory }
                | SourceError::Excluded { directory, .. } => Some(directory.as_str()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Package(fault) | Self::ImportedPackage { fault, .. } => fault.hint(),
            Self::Unresolved { fault, .. } | Self::NoPackage { fault, .. } => fault.hint(),
            Self::OutsideModules {
                go_mod: Some(go_mod),
                ..
            } => Some(format!(
                "it is in the module of {go_mod}: build it from there, or add that module with: \
                 go work use"
            )),
            Self::NoMains => Some(
                "gobuild builds programs: a folder needs a file that says \"package main\""
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

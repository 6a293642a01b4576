//! Why a folder is not a package that can be built.

use std::sync::Arc;

use super::constraint::ConstraintError;
use super::embed::EmbedFault;
use super::position::{Position, SyntaxError};
use crate::project::Spot;
use crate::project::tree::{TreeError, TreePath};

/// A fault in the files of one package folder. The words are the go command's.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file's head does not parse.
    #[error("{file}:{fault}")]
    Syntax {
        /// The file.
        file: TreePath,
        /// What is wrong where.
        fault: SyntaxError,
    },
    /// A file's build constraint does not parse.
    #[error("{file}: {fault}")]
    Constraint {
        /// The file.
        file: TreePath,
        /// What is wrong.
        fault: ConstraintError,
    },
    /// A `#cgo` line does not parse.
    #[error("{file}: invalid #cgo line: {line}")]
    Cgo {
        /// The file.
        file: TreePath,
        /// The line.
        line: String,
    },
    /// The files disagree on the package name.
    #[error("found packages {first} ({first_file}) and {second} ({second_file}) in {directory}")]
    SeveralPackages {
        /// The folder.
        directory: TreePath,
        /// The name in the first file.
        first: String,
        /// The first file's base name.
        first_file: String,
        /// Another name.
        second: String,
        /// The base name of the file that has it.
        second_file: String,
    },
    /// There is no such folder, or no Go file in it.
    #[error("no Go files in {directory}")]
    NoGoFiles {
        /// The folder.
        directory: TreePath,
    },
    /// There are only tests in it.
    #[error("no non-test Go files in {directory}")]
    OnlyTests {
        /// The folder.
        directory: TreePath,
    },
    /// The build context leaves out every Go file.
    #[error("build constraints exclude all Go files in {directory}")]
    Excluded {
        /// The folder.
        directory: TreePath,
        /// Whether cgo would bring some of them back.
        cgo: bool,
    },
    /// Sources that only cgo or SWIG can compile stand in a package that uses neither.
    #[error("{language} source files not allowed when not using cgo or SWIG: {files}")]
    NeedsCgo {
        /// The folder.
        directory: TreePath,
        /// Their language.
        language: &'static str,
        /// Their base names, separated by spaces.
        files: String,
    },
    /// A `//go:embed` pattern cannot be resolved.
    #[error("{file}:{position}: pattern {pattern}: {fault}")]
    Embed {
        /// The file that has the pattern.
        file: TreePath,
        /// Where.
        position: Position,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        fault: EmbedFault,
    },
    /// The tree could not answer.
    #[error(transparent)]
    Tree(Arc<TreeError>),
}

impl SourceError {
    /// Returns where in the sources it shows.
    #[must_use]
    pub fn spot(&self) -> Option<Spot> {
        match self {
            Self::Syntax { file, fault } => Some(Spot::at(file, fault.position)),
            Self::Embed { file, position, .. } => Some(Spot::at(file, *position)),
            Self::Constraint { file, .. } | Self::Cgo { file, .. } => Some(Spot::line(file, 1)),
            Self::SeveralPackages {
                directory,
                second_file,
                ..
            } => Some(Spot::line(&directory.join(second_file), 1)),
            Self::NoGoFiles { .. }
            | Self::OnlyTests { .. }
            | Self::Excluded { .. }
            | Self::NeedsCgo { .. }
            | Self::Tree(_) => None,
        }
    }

    /// Returns what the user can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Excluded { cgo: true, .. } => {
                Some("they need cgo: set `cgo = true` in [go] of goimage.toml".to_owned())
            }
            _ => None,
        }
    }

    /// Returns whether the folder merely holds nothing to build.
    #[must_use]
    pub fn is_empty_folder(&self) -> bool {
        matches!(
            self,
            Self::NoGoFiles { .. } | Self::OnlyTests { .. } | Self::Excluded { .. }
        )
    }
}

impl SourceError {
    /// Returns whether the fault has no file of its own to point at, so that whoever imports
    /// the package has to be named.
    #[must_use]
    pub fn concerns_folder(&self) -> bool {
        self.is_empty_folder()
            || matches!(self, Self::SeveralPackages { .. } | Self::NeedsCgo { .. })
    }
}

impl From<Arc<TreeError>> for SourceError {
    fn from(fault: Arc<TreeError>) -> Self {
        Self::Tree(fault)
    }
}

impl From<TreeError> for SourceError {
    fn from(fault: TreeError) -> Self {
        Self::Tree(Arc::new(fault))
    }
}

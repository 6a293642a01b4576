//! Where in a project file an error was met.

use super::golang::source::{ImportSite, Position};
use super::tree::TreePath;

/// A line of a project file, perhaps with a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file.
    pub file: TreePath,
    /// Line, from 1.
    pub line: u32,
    /// Byte column, from 1.
    pub column: Option<u32>,
}

impl Spot {
    /// Returns the spot of a position.
    #[must_use]
    pub fn at(file: &TreePath, position: Position) -> Self {
        Self {
            file: file.clone(),
            line: position.line,
            column: Some(position.column),
        }
    }

    /// Returns the spot of a whole line.
    #[must_use]
    pub fn line(file: &TreePath, line: usize) -> Self {
        Self {
            file: file.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: None,
        }
    }
}

impl From<&ImportSite> for Spot {
    fn from(site: &ImportSite) -> Self {
        Self::at(&site.file, site.position)
    }
}

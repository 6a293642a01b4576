//! What a package folder comes to under a build context.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::file::FileKind;
use super::position::Position;
use crate::project::tree::TreePath;

/// A package as the go command would compile it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Name in the package clause.
    pub name: String,
    /// Its folder.
    pub directory: TreePath,
    /// Base names of the files that take part.
    pub files: BTreeMap<String, FileKind>,
    /// Imported paths, `C` left out, each with the first place that imports it.
    pub imports: BTreeMap<String, ImportSite>,
    /// Embedded files.
    pub embeds: BTreeSet<TreePath>,
    /// Files that C or assembly sources include or link from elsewhere.
    pub includes: BTreeSet<TreePath>,
}

/// Where a path is imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportSite {
    /// The importing file.
    pub file: TreePath,
    /// The import in it.
    pub position: Position,
}

impl Package {
    /// Returns whether the package is a program.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.name == "main"
    }

    /// Returns whether cgo or SWIG compiles a part of it.
    #[must_use]
    pub fn uses_cgo(&self) -> bool {
        uses_cgo(&self.files)
    }

    /// Returns every file that compiling it reads.
    pub fn all_files(&self) -> impl Iterator<Item = TreePath> {
        let own = self.files.keys().map(|name| self.directory.join(name));
        own.chain(self.embeds.iter().cloned())
            .chain(self.includes.iter().cloned())
    }
}

pub(super) fn uses_cgo(files: &BTreeMap<String, FileKind>) -> bool {
    let translated = [FileKind::Cgo, FileKind::Swig, FileKind::SwigCxx];
    files.values().any(|kind| translated.contains(kind))
}

impl fmt::Display for ImportSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.position)
    }
}

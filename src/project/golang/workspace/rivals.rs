//! Modules that could provide a package which the tree provides.
//!
//! Before the go command believes that a package is the one in the tree, it looks into every module
//! whose path is the beginning of the import path (`cmd/go/internal/modload`, `importFromModules`). So
//! such a module has to be there, whether anything is imported from it or not.

use std::collections::BTreeSet;

use super::Workspace;
use super::resolve::prefixes;

impl Workspace {
    /// Returns the paths of downloaded modules that `go` looks into for packages of the tree.
    #[must_use]
    pub fn rivals<'i>(&self, imports: impl IntoIterator<Item = &'i str>) -> BTreeSet<String> {
        if self.vendor.is_some() {
            return BTreeSet::new();
        }
        let imports: BTreeSet<&str> = imports.into_iter().collect();
        let paths: BTreeSet<&str> = imports.into_iter().flat_map(prefixes).collect();
        let required = self.requirements.iter().map(|module| module.path.as_str());
        required
            .filter(|path| paths.contains(path))
            .map(str::to_owned)
            .collect()
    }
}

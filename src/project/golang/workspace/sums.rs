//! Whether `go.sum` vouches for what the build would download.
//!
//! The go command refuses a module without a hash in a single module under `-mod=readonly`
//! alone: with `go.work` it asks the checksum database, with a vendor folder it downloads
//! nothing. What is refused here, it refuses too; not the other way round, since only it knows
//! the imports of the modules that it downloads.

use std::collections::BTreeSet;

use crate::project::golang::modfile::GoSum;
use crate::project::tree::Tree;

use super::resolve::prefixes;
use super::{Requirement, Workspace, WorkspaceError};

impl Workspace {
    /// Checks that `go.sum` has the hashes of the modules that provide `imports`, the import
    /// paths that resolve to [`super::Resolution::External`].
    ///
    /// # Errors
    /// A hash is missing, or `go.sum` is malformed.
    pub fn verify<'i>(
        &self,
        tree: &dyn Tree,
        imports: impl IntoIterator<Item = &'i str>,
    ) -> Result<(), WorkspaceError> {
        if self.go_work.is_some() || self.vendor.is_some() {
            return Ok(());
        }
        let imports: BTreeSet<&str> = imports.into_iter().collect();
        if self.complete && imports.is_empty() {
            return Ok(());
        }
        let path = self.directory.join("go.sum");
        let sums = match tree.read(&path)? {
            Some(content) => GoSum::parse(&content).map_err(WorkspaceError::in_file(&path))?,
            None => GoSum::default(),
        };
        if self.complete {
            imports
                .into_iter()
                .try_for_each(|import_path| self.verify_import(&sums, import_path))
        } else {
            // Without the promise that go.mod is complete the whole module graph is read.
            self.requirements
                .iter()
                .filter(|module| module.explicit)
                .try_for_each(|module| verify_go_mod(&sums, module))
        }
    }

    /// Checks every module whose path begins the import path: the go command looks into each
    /// of them to be sure that just one has the package.
    fn verify_import(&self, sums: &GoSum, import_path: &str) -> Result<(), WorkspaceError> {
        let candidates: Vec<&Requirement> = prefixes(import_path)
            .filter_map(|prefix| {
                let found = self
                    .requirements
                    .binary_search_by(|module| module.path.as_str().cmp(prefix));
                let named = found.ok().and_then(|index| self.requirements.get(index));
                // One that another file raised is not at the version that go.sum is asked for.
                named.filter(|module| module.explicit)
            })
            .collect();
        for module in &candidates {
            let (path, version) = module.source();
            if !sums.has_module(path, version) {
                return Err(WorkspaceError::MissingSum {
                    subject: format!("module {path} {version}, needed for package {import_path}"),
                    module: module.path.clone(),
                });
            }
        }
        match candidates.as_slice() {
            [module] => verify_go_mod(sums, module),
            // Of several, only the one that has the package must have a hash of its go.mod.
            _ => Ok(()),
        }
    }
}

impl Requirement {
    /// Returns path and version of what is downloaded: the module or its replacement.
    #[must_use]
    pub fn source(&self) -> (&str, &str) {
        match &self.replacement {
            Some((path, version)) => (path, version),
            None => (&self.path, &self.version),
        }
    }
}

fn verify_go_mod(sums: &GoSum, module: &Requirement) -> Result<(), WorkspaceError> {
    let (path, version) = module.source();
    if sums.has_go_mod(path, version) {
        return Ok(());
    }
    Err(WorkspaceError::MissingSum {
        subject: format!("the go.mod of module {path} {version}"),
        module: module.path.clone(),
    })
}

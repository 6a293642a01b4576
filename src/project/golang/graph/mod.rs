//! The import graph: which folders are programs, and all that one of them needs.
//!
//! Enters: a [`Workspace`], [`Sources`] and a [`BuildContext`].
//! Leaves: [`MainPackage`]s ([`Loader::mains`]) and their [`Closure`]s ([`Loader::closure`]).
//!
//! A [`Loader`] stands for one build context. It loads a package once, imports resolved, and
//! every closure that needs it shares the result, so the cost is linear in packages plus the
//! sizes of the closures. All of it may be used from several threads at a time. Loaders of
//! several contexts share one [`Sources`], and with it every file that was read.
//!
//! The rules are those of `cmd/go/internal/load` (`loadImport`, `disallowInternal`,
//! `reusePackage`) and `cmd/go/internal/search`.

mod closure;
mod error;
mod mains;
mod pattern;
mod rules;
mod warm;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::source::memo::Memo;
use super::source::{BuildContext, ImportSite, Package, SourceError, Sources};
use super::workspace::{Resolution, Resolver, Workspace};
use crate::project::tree::TreePath;

pub use closure::Closure;
pub use error::{CycleStep, GraphError};
pub use mains::MainPackage;

/// Loads the packages of one build context.
pub struct Loader<'a> {
    workspace: &'a Workspace,
    resolver: &'a Resolver<'a>,
    sources: &'a Sources<'a>,
    context: BuildContext,
    packages: Memo<TreePath, Result<Arc<Package>, Arc<SourceError>>>,
    nodes: Memo<String, Result<Arc<Node>, Arc<GraphError>>>,
}

/// A package with its imports resolved.
struct Node {
    package: Arc<Package>,
    edges: Vec<Edge>,
    /// What compiling it reads, put together once for all closures.
    files: Vec<TreePath>,
}

/// An import and where it leads.
struct Edge {
    import_path: String,
    resolution: Resolution,
}

impl Node {
    /// Returns where the package imports `import_path`.
    fn site(&self, import_path: &str) -> Option<&ImportSite> {
        self.package.imports.get(import_path)
    }
}

impl<'a> Loader<'a> {
    /// Returns a loader with nothing loaded.
    #[must_use]
    pub fn new(
        workspace: &'a Workspace,
        resolver: &'a Resolver<'a>,
        sources: &'a Sources<'a>,
        context: BuildContext,
    ) -> Self {
        Self {
            workspace,
            resolver,
            sources,
            context,
            packages: Memo::default(),
            nodes: Memo::default(),
        }
    }

    /// Returns the package in a folder.
    ///
    /// # Errors
    /// As [`Sources::package`].
    pub fn package(&self, directory: &TreePath) -> Result<Arc<Package>, Arc<SourceError>> {
        self.packages.get(directory, || {
            self.sources.package(&self.context, directory).map(Arc::new)
        })
    }

    /// Returns the package that `import_path` leads to, imports resolved. `importer` is where
    /// it is imported first; a fault of the folder as such is reported there.
    fn node(
        &self,
        import_path: &str,
        directory: &TreePath,
        importer: Option<&ImportSite>,
    ) -> Result<Arc<Node>, Arc<GraphError>> {
        let package = self.package(directory).map_err(|fault| {
            Arc::new(match importer {
                Some(site) if fault.concerns_folder() => GraphError::ImportedPackage {
                    site: site.clone(),
                    fault,
                },
                _ => GraphError::Package(fault),
            })
        })?;
        self.nodes.get(&import_path.to_owned(), || {
            self.resolve_imports(import_path, package).map(Arc::new)
        })
    }

    fn resolve_imports(
        &self,
        importer: &str,
        package: Arc<Package>,
    ) -> Result<Node, Arc<GraphError>> {
        let mut edges = Vec::with_capacity(package.imports.len());
        for (import_path, site) in &package.imports {
            rules::check_path(import_path, importer, site)?;
            let resolution = self.resolver.resolve(import_path).map_err(|fault| {
                Arc::new(GraphError::Unresolved {
                    site: site.clone(),
                    fault,
                })
            })?;
            rules::check_internal(import_path, &resolution, importer, site)?;
            edges.push(Edge {
                import_path: import_path.clone(),
                resolution,
            });
        }
        let files = package.all_files().collect();
        Ok(Node {
            package,
            edges,
            files,
        })
    }
}

//! From an import path to the folder or the module that holds the package.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::project::golang::modfile::{check_import_path, is_standard_path};
use crate::project::golang::version::GoVersion;
use crate::project::tree::{EntryKind, Tree, TreeError, TreePath};

use super::{LocalModule, Requirement, Resolution, ResolveError, Workspace, standard};

/// Resolves import paths, looking at each folder once.
///
/// It may be shared between threads.
pub struct Resolver<'a> {
    workspace: &'a Workspace,
    tree: &'a dyn Tree,
    toolchain: Option<GoVersion>,
    modules: HashMap<&'a str, Module<'a>>,
    folders: Mutex<HashMap<TreePath, Folder>>,
    resolved: Mutex<HashMap<String, Resolution>>,
}

/// A module that may provide packages, by where it comes from.
#[derive(Clone, Copy)]
enum Module<'a> {
    Main(&'a LocalModule),
    Replaced(&'a LocalModule),
    Required(&'a Requirement),
}

/// What resolution wants to know of a folder.
#[derive(Clone, Copy, Default)]
struct Folder {
    exists: bool,
    has_go_files: bool,
    has_go_mod: bool,
}

impl<'a> Resolver<'a> {
    /// Returns a resolver of the import paths of a workspace's packages.
    #[must_use]
    pub fn new(workspace: &'a Workspace, tree: &'a dyn Tree) -> Self {
        let required = workspace
            .requirements
            .iter()
            .map(|module| (module.path.as_str(), Module::Required(module)));
        let replaced = workspace
            .replaced_modules
            .iter()
            .map(|module| (module.path.as_str(), Module::Replaced(module)));
        let main = workspace
            .main_modules
            .iter()
            .map(|module| (module.path.as_str(), Module::Main(module)));
        Self {
            workspace,
            tree,
            toolchain: workspace.minimum_toolchain(),
            modules: required.chain(replaced).chain(main).collect(),
            folders: Mutex::default(),
            resolved: Mutex::default(),
        }
    }

    /// Names the toolchain of the build, so that what a newer one brings to the standard
    /// library is not refused.
    #[must_use]
    pub fn with_toolchain(mut self, toolchain: &GoVersion) -> Self {
        self.toolchain = Some(toolchain.clone());
        self
    }

    /// Returns where an import path leads.
    ///
    /// # Errors
    /// The path is malformed, no module can provide it, or several do.
    pub fn resolve(&self, import_path: &str) -> Result<Resolution, ResolveError> {
        let known = lock(&self.resolved).get(import_path).cloned();
        if let Some(resolution) = known {
            return Ok(resolution);
        }
        let resolution = self.look_up(import_path)?;
        lock(&self.resolved).insert(import_path.to_owned(), resolution.clone());
        Ok(resolution)
    }

    fn look_up(&self, import_path: &str) -> Result<Resolution, ResolveError> {
        if import_path == "C" {
            return Ok(Resolution::Standard);
        }
        check_import_path(import_path).map_err(|message| ResolveError::Invalid {
            import_path: import_path.to_owned(),
            message,
        })?;
        if standard::contains(import_path) {
            return Ok(Resolution::Standard);
        }
        let mut found = Vec::new();
        let mut missing = None;
        let mut required = None;
        for prefix in prefixes(import_path) {
            let (module, replaced) = match self.modules.get(prefix) {
                Some(Module::Main(module)) => (*module, false),
                Some(Module::Replaced(module)) => (*module, true),
                Some(Module::Required(module)) => {
                    required = required.or(Some(module.path.clone()));
                    continue;
                }
                None => continue,
            };
            let directory = self.directory_in(module, import_path);
            match self.holds(module, replaced, &directory)? {
                true => found.push(directory),
                false => missing = missing.or(Some((module, directory))),
            }
        }
        if self.workspace.vendor.is_some() {
            found.extend(self.vendored(import_path)?);
        }
        match (found.pop(), found.is_empty()) {
            (Some(directory), true) => return Ok(Resolution::Local(directory)),
            (Some(directory), false) => {
                found.push(directory);
                return Err(ResolveError::Ambiguous {
                    import_path: import_path.to_owned(),
                    directories: found,
                });
            }
            (None, _) => {}
        }
        self.elsewhere(import_path, required, missing)
    }

    /// Decides about a package that is nowhere in the tree.
    fn elsewhere(
        &self,
        import_path: &str,
        required: Option<String>,
        missing: Option<(&LocalModule, TreePath)>,
    ) -> Result<Resolution, ResolveError> {
        let import_path = import_path.to_owned();
        let reserved = is_standard_path(&import_path);
        if reserved && standard::may_be_newer(&import_path, self.toolchain.as_ref()) {
            return Ok(Resolution::Standard);
        }
        if self.workspace.vendor.is_none() {
            if required.is_some() {
                return Ok(Resolution::External { module: required });
            }
            if !reserved && !self.workspace.complete {
                return Ok(Resolution::External { module: None });
            }
        }
        if let Some((module, directory)) = missing {
            return Err(ResolveError::NoPackage {
                import_path,
                module: module.path.clone(),
                directory,
            });
        }
        Err(match &self.workspace.vendor {
            _ if reserved && required.is_none() => ResolveError::NotInStandard { import_path },
            Some(vendor) => ResolveError::NotVendored {
                import_path,
                vendor: vendor.directory.clone(),
                workspace: self.workspace.go_work.is_some(),
            },
            None => ResolveError::NotRequired { import_path },
        })
    }

    /// Returns the folder that would hold a package of a module.
    fn directory_in(&self, module: &LocalModule, import_path: &str) -> TreePath {
        let rest = import_path.get(module.path.len()..).unwrap_or_default();
        module.directory.join(rest)
    }

    /// Reports whether a module in the tree has a package in a folder: there are Go files, and
    /// no nested module begins on the way.
    fn holds(
        &self,
        module: &LocalModule,
        replaced: bool,
        directory: &TreePath,
    ) -> Result<bool, ResolveError> {
        let root = self.folder(&module.directory)?;
        let unusable = |problem| ResolveError::Replacement {
            module: module.path.clone(),
            directory: module.directory.clone(),
            problem,
        };
        if replaced && !root.exists {
            return Err(unusable("does not exist"));
        }
        let Some(below) = directory.below(&module.directory) else {
            return Ok(false);
        };
        let mut on_the_way = module.directory.clone();
        for element in below.elements() {
            on_the_way = on_the_way.join(element);
            let folder = self.folder(&on_the_way)?;
            if folder.has_go_mod || !folder.exists {
                return Ok(false);
            }
        }
        let holds = self.folder(directory)?.has_go_files;
        if holds && replaced && !root.has_go_mod {
            return Err(unusable("has no go.mod"));
        }
        Ok(holds)
    }

    /// Returns the folder of a vendored package, if it is one.
    fn vendored(&self, import_path: &str) -> Result<Option<TreePath>, ResolveError> {
        let Some(vendor) = &self.workspace.vendor else {
            return Ok(None);
        };
        if vendor.listed_only && !vendor.packages.contains(import_path) {
            return Ok(None);
        }
        let directory = vendor.directory.join(import_path);
        let holds = self.folder(&directory)?.has_go_files;
        Ok(holds.then_some(directory))
    }

    fn folder(&self, directory: &TreePath) -> Result<Folder, TreeError> {
        if let Some(folder) = lock(&self.folders).get(directory) {
            return Ok(*folder);
        }
        let mut folder = Folder::default();
        if let Some(entries) = self.tree.list(directory)? {
            folder.exists = true;
            for entry in entries.iter() {
                let go_mod = entry.name == "go.mod";
                let go = entry.name.ends_with(".go") && !folder.has_go_files;
                if !go_mod && !go {
                    continue;
                }
                let file = match entry.kind {
                    EntryKind::File { .. } => true,
                    EntryKind::Symlink { .. } => {
                        let target = self.tree.kind(&directory.join(&entry.name))?;
                        matches!(target, Some(EntryKind::File { .. }))
                    }
                    EntryKind::Directory | EntryKind::Other => false,
                };
                folder.has_go_mod |= go_mod && file;
                folder.has_go_files |= go && file;
            }
        }
        lock(&self.folders).insert(directory.clone(), folder);
        Ok(folder)
    }
}

/// Locks a cache; what another thread left in it when it panicked is still true.
fn lock<T>(cache: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns the path and those above it, longest first.
pub(super) fn prefixes(import_path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(import_path), |path| {
        path.rsplit_once('/').map(|(parent, _)| parent)
    })
}

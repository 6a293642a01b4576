//! Which folders are programs.
//!
//! Follows `cmd/go/internal/search` (`MatchDirs`) and `modload` (`matchPackages`) in what a
//! wildcard leaves out: `testdata`, names that start with `.` or `_`, what vendor folders
//! hold, and what a module's `ignore` directives name. A program that is named outright may
//! stand in any of these. What is in a nested module that takes no part can neither be named nor
//! come across.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Loader;
use super::error::GraphError;
use super::pattern::Pattern;
use crate::project::golang::workspace::{LocalModule, Resolution};
use crate::project::tree::{EntryKind, TreePath};

/// A program.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MainPackage {
    /// Its import path.
    pub import_path: String,
    /// Its folder.
    pub directory: TreePath,
}

/// Programs by folder.
type Found = BTreeMap<TreePath, String>;

impl Loader<'_> {
    /// Finds the programs that patterns name, each once, by folder. Without patterns, those of
    /// all main modules.
    ///
    /// Folders are relative to `start`. Where `start` lies above several main modules, `./...`
    /// means all of them. A faulty package that a wildcard comes across counts only if it could
    /// be a program.
    ///
    /// # Errors
    /// A pattern matches no program, or a folder that is named holds none.
    pub fn mains(
        &self,
        start: &TreePath,
        patterns: &[String],
    ) -> Result<Vec<MainPackage>, Arc<GraphError>> {
        let mut found = Found::new();
        if patterns.is_empty() {
            for module in &self.workspace.main_modules {
                self.walk(module, &module.directory, &|_| true, &mut found)?;
            }
            if found.is_empty() {
                return Err(Arc::new(GraphError::NoMains));
            }
        }
        for pattern in patterns {
            let matched = self.matching(&Pattern::parse(pattern, start))?;
            if matched.is_empty() {
                return Err(Arc::new(GraphError::NoMatch {
                    pattern: pattern.clone(),
                }));
            }
            found.extend(matched);
        }
        let mains = found
            .into_iter()
            .map(|(directory, import_path)| MainPackage {
                import_path,
                directory,
            });
        Ok(mains.collect())
    }

    fn matching(&self, pattern: &Pattern) -> Result<Found, Arc<GraphError>> {
        let mut found = Found::new();
        match pattern {
            Pattern::Directory(directory) => self.add_named(directory, &mut found)?,
            Pattern::ImportPath(import_path) => {
                let resolution = self.resolver.resolve(import_path).map_err(|fault| {
                    let import_path = import_path.clone();
                    Arc::new(GraphError::NoPackage { import_path, fault })
                })?;
                let Resolution::Local(directory) = resolution else {
                    let import_path = import_path.clone();
                    return Err(Arc::new(GraphError::NotInProject { import_path }));
                };
                self.add_named(&directory, &mut found)?;
            }
            Pattern::Directories { top, wildcard } => {
                let matches = |directory: &TreePath| wildcard.matches(directory.as_str());
                for (module, top) in self.tops(top)? {
                    self.walk(module, &top, &matches, &mut found)?;
                }
            }
            Pattern::ImportPaths(wildcard) => {
                for module in &self.workspace.main_modules {
                    let matches = |directory: &TreePath| {
                        let path = self.workspace.import_path_of(directory);
                        path.is_some_and(|path| wildcard.matches(&path))
                    };
                    self.walk(module, &module.directory, &matches, &mut found)?;
                }
            }
        }
        Ok(found)
    }

    /// Returns where to look for folders at or below `top`: in the main module that it belongs
    /// to, or in all main modules below it.
    fn tops(&self, top: &TreePath) -> Result<Vec<(&LocalModule, TreePath)>, Arc<GraphError>> {
        let module = self.main_module_of(top);
        let nested = self.nested_module(module, top)?;
        if let Some(module) = module
            && nested.is_none()
        {
            return Ok(vec![(module, top.clone())]);
        }
        let modules = self.workspace.main_modules.iter();
        let below: Vec<_> = modules
            .filter(|module| module.directory.below(top).is_some())
            .map(|module| (module, module.directory.clone()))
            .collect();
        if below.is_empty() {
            return Err(Arc::new(GraphError::OutsideModules {
                directory: top.clone(),
                go_mod: nested,
            }));
        }
        Ok(below)
    }

    /// Returns the `go.mod` of a module inside `module` that has the folder and takes no part.
    fn nested_module(
        &self,
        module: Option<&LocalModule>,
        directory: &TreePath,
    ) -> Result<Option<TreePath>, GraphError> {
        let Some(module) = module else {
            return Ok(None);
        };
        let below = directory.below(&module.directory);
        let mut on_the_way = module.directory.clone();
        let mut found = None;
        for element in below.iter().flat_map(TreePath::elements) {
            on_the_way = on_the_way.join(element);
            let go_mod = on_the_way.join("go.mod");
            if let Some(EntryKind::File { .. }) = self.sources.tree().kind(&go_mod)? {
                found = Some(go_mod);
            }
        }
        Ok(found)
    }

    fn main_module_of(&self, directory: &TreePath) -> Option<&LocalModule> {
        let modules = self.workspace.main_modules.iter();
        modules
            .filter(|module| directory.below(&module.directory).is_some())
            .max_by_key(|module| module.directory.elements().count())
    }

    /// Adds the program in a folder that is named outright.
    fn add_named(&self, directory: &TreePath, found: &mut Found) -> Result<(), Arc<GraphError>> {
        let nested = self.nested_module(self.workspace.module_of(directory), directory)?;
        let import_path = self.workspace.import_path_of(directory);
        let import_path = import_path.filter(|_| nested.is_none()).ok_or_else(|| {
            Arc::new(GraphError::OutsideModules {
                directory: directory.clone(),
                go_mod: nested,
            })
        })?;
        let package = self
            .package(directory)
            .map_err(|fault| Arc::new(GraphError::Package(fault)))?;
        if !package.is_main() {
            return Err(Arc::new(GraphError::NotMain {
                directory: directory.clone(),
                name: package.name.clone(),
            }));
        }
        found.insert(directory.clone(), import_path);
        Ok(())
    }

    /// Adds the programs at and below `top`, a folder of `module`.
    fn walk(
        &self,
        module: &LocalModule,
        top: &TreePath,
        matches: &dyn Fn(&TreePath) -> bool,
        found: &mut Found,
    ) -> Result<(), Arc<GraphError>> {
        let tree = self.sources.tree();
        let mut pending = vec![top.clone()];
        while let Some(directory) = pending.pop() {
            let nested = directory != *top && directory != module.directory;
            if is_ignored(module, &directory) {
                continue;
            }
            let Some(entries) = tree.list(&directory).map_err(GraphError::from)? else {
                continue;
            };
            let begins_module = entries
                .iter()
                .any(|entry| entry.name == "go.mod" && entry.kind != EntryKind::Directory);
            if nested && begins_module {
                continue;
            }
            if matches(&directory) {
                self.add_if_main(&directory, found)?;
            }
            if directory.name() == "vendor" && nested {
                continue;
            }
            let folders = entries.iter().filter(|entry| {
                entry.kind == EntryKind::Directory
                    && !entry.name.starts_with(['.', '_'])
                    && entry.name != "testdata"
            });
            pending.extend(folders.map(|entry| directory.join(&entry.name)));
        }
        Ok(())
    }

    fn add_if_main(&self, directory: &TreePath, found: &mut Found) -> Result<(), Arc<GraphError>> {
        match self.package(directory) {
            Ok(package) if !package.is_main() => Ok(()),
            Ok(_) => {
                if let Some(import_path) = self.workspace.import_path_of(directory) {
                    found.insert(directory.clone(), import_path);
                }
                Ok(())
            }
            Err(fault) => {
                let harmless =
                    fault.is_empty_folder() || !self.sources.may_be_main(&self.context, directory);
                if harmless {
                    Ok(())
                } else {
                    Err(Arc::new(GraphError::Package(fault)))
                }
            }
        }
    }
}

/// Returns whether an `ignore` directive of the module covers a folder: `./x` that folder of
/// the module, `x` any of that name, and all below them.
fn is_ignored(module: &LocalModule, directory: &TreePath) -> bool {
    let Some(below) = directory.below(&module.directory) else {
        return false;
    };
    if below.is_root() {
        return false;
    }
    let folder = format!("/{below}/");
    module.ignores.iter().any(|ignore| {
        let (name, anchored) = match ignore.strip_prefix("./") {
            Some(name) => (name, true),
            None => (ignore.as_str(), false),
        };
        let name = format!("/{}/", name.trim_matches('/'));
        if anchored {
            folder.starts_with(&name)
        } else {
            folder.contains(&name)
        }
    })
}

//! The build list, as far as files in the tree name it.
//!
//! Minimal version selection over the requirements of the main modules and of those that a
//! `replace` takes from a folder: of each module path the highest required version counts.
//! What downloaded modules require in turn is unknown here.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::golang::modfile::{GoMod, ModuleVersion, compare_versions};
use crate::project::tree::{Tree, TreePath};

use super::forks;
use super::main_module::{MainModule, go_line};
use super::replacement::{Replacement, Replacements, Target};
use super::{GoLine, LocalModule, Requirement, WorkspaceError};

/// Which modules are not main modules, and where each comes from.
#[derive(Debug, Default)]
pub(super) struct BuildList {
    pub(super) replaced: Vec<LocalModule>,
    /// Folders of modules in the tree that downloaded ones may import.
    pub(super) forks: BTreeSet<TreePath>,
    pub(super) requirements: Vec<Requirement>,
    /// `go` lines of the replaced modules.
    pub(super) go_lines: Vec<GoLine>,
}

/// What the build list is made from.
pub(super) struct Inputs<'a> {
    pub(super) tree: &'a dyn Tree,
    pub(super) main_modules: &'a [MainModule],
    pub(super) replacements: &'a Replacements,
    /// Whether `go.mod` names every module that can provide a package.
    pub(super) complete: bool,
    /// Whether replaced modules come from the vendor folder.
    pub(super) vendored: bool,
}

/// A folder that replaces a module, and its `go.mod` if there is one.
struct Folder {
    directory: TreePath,
    go_mod: Option<GoMod>,
}

/// Computes the build list.
pub(super) fn build_list(inputs: &Inputs<'_>) -> Result<BuildList, WorkspaceError> {
    let mut folders: BTreeMap<TreePath, Folder> = BTreeMap::new();
    let mut selected: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let explicit = explicit_requirements(inputs.main_modules);
    let excluded: BTreeSet<&ModuleVersion> = inputs
        .main_modules
        .iter()
        .flat_map(|module| &module.go_mod.exclude)
        .map(|exclude| &exclude.value)
        .collect();
    let mut queue: Vec<ModuleVersion> = explicit.iter().cloned().collect();
    queue.extend(unrequired_replacements(inputs));
    while let Some(module) = queue.pop() {
        let main = inputs
            .main_modules
            .iter()
            .any(|main| main.path == module.path);
        if main || excluded.contains(&module) || !seen.insert(module.clone()) {
            continue;
        }
        let highest = selected.entry(module.path.clone()).or_default();
        if highest.is_empty() || compare_versions(&module.version, highest).is_gt() {
            highest.clone_from(&module.version);
        }
        if let Some(directory) = replaced_by(inputs, &module)?
            && !inputs.vendored
        {
            let folder = read_folder(inputs.tree, directory)?;
            if let Some(go_mod) = &folder.go_mod {
                queue.extend(go_mod.require.iter().map(|require| require.module.clone()));
            }
            folders.insert(folder.directory.clone(), folder);
        }
    }
    let mut list = sort(inputs, &selected, &folders, &explicit)?;
    list.forks = forks::folders(inputs.main_modules, &list.replaced, &|directory| {
        folders
            .get(directory)
            .and_then(|folder| folder.go_mod.as_ref())
    });
    Ok(list)
}

/// Returns what main modules require. Requirements on main modules themselves are among it.
fn explicit_requirements(main_modules: &[MainModule]) -> BTreeSet<ModuleVersion> {
    main_modules
        .iter()
        .flat_map(|module| &module.go_mod.require)
        .map(|require| require.module.clone())
        .collect()
}

/// Returns the modules that are replaced by a folder at all versions, at no version: where the
/// module files do not name every module, one that is downloaded may require them.
fn unrequired_replacements(inputs: &Inputs<'_>) -> Vec<ModuleVersion> {
    let folders = inputs
        .replacements
        .iter()
        .filter(|(_, version, new)| {
            version.is_none()
                && matches!(
                    new.target,
                    Target::Directory {
                        directory: Some(_),
                        ..
                    }
                )
        })
        .map(|(path, _, _)| ModuleVersion {
            path: path.to_owned(),
            version: String::new(),
        });
    if inputs.complete {
        Vec::new()
    } else {
        folders.collect()
    }
}

/// Returns the folder that replaces a module, if one does.
fn replaced_by(
    inputs: &Inputs<'_>,
    module: &ModuleVersion,
) -> Result<Option<TreePath>, WorkspaceError> {
    let replacement = inputs.replacements.of(&module.path, Some(&module.version));
    match replacement.map(|found| (found, &found.target)) {
        Some((
            _,
            Target::Directory {
                directory: Some(directory),
                ..
            },
        )) => Ok(Some(directory.clone())),
        // The vendor folder holds what such a replacement provides.
        Some((found, Target::Directory { written, .. })) if !inputs.vendored => {
            let message = format!(
                "replacement {written} is an absolute path, which a build elsewhere does not \
                 have; write it relative to {}",
                found.path
            );
            Err(WorkspaceError::line(&found.path, found.line, message))
        }
        _ => Ok(None),
    }
}

fn read_folder(tree: &dyn Tree, directory: TreePath) -> Result<Folder, WorkspaceError> {
    let path = directory.join("go.mod");
    let go_mod = match tree.read(&path)? {
        Some(content) => {
            Some(GoMod::parse_dependency(&content).map_err(WorkspaceError::in_file(&path))?)
        }
        // Whether the lack matters shows when a package is looked for in it.
        None => None,
    };
    Ok(Folder { directory, go_mod })
}

/// Sorts the selected modules into those from folders and those from elsewhere.
fn sort(
    inputs: &Inputs<'_>,
    selected: &BTreeMap<String, String>,
    folders: &BTreeMap<TreePath, Folder>,
    explicit: &BTreeSet<ModuleVersion>,
) -> Result<BuildList, WorkspaceError> {
    let mut list = BuildList::default();
    for (path, version) in selected {
        let module = ModuleVersion {
            path: path.clone(),
            version: version.clone(),
        };
        if let Some(directory) = replaced_by(inputs, &module)? {
            let Some(folder) = folders.get(&directory) else {
                continue;
            };
            let go_mod = folder.go_mod.clone().unwrap_or_default();
            list.go_lines
                .extend(go_line(&directory.join("go.mod"), go_mod.go.as_ref()));
            list.replaced
                .push(LocalModule::new(path, &directory, &go_mod));
            continue;
        }
        let replacement = match inputs.replacements.of(path, Some(version)) {
            Some(Replacement {
                target: Target::Module { path, version },
                ..
            }) => Some((path.clone(), version.clone())),
            // Only the vendor folder has what an absolute path once led to.
            Some(_) => continue,
            None => None,
        };
        list.requirements.push(Requirement {
            path: path.clone(),
            version: version.clone(),
            replacement,
            explicit: explicit.contains(&module),
        });
    }
    list.replaced.sort_by(|a, b| a.directory.cmp(&b.directory));
    Ok(list)
}

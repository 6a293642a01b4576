//! Sources of modules in the tree that modules from elsewhere import.
//!
//! A `replace` by a folder holds for every importer. Which of the downloaded modules' packages
//! import one of the folder is not known here, but two things say that some may. Nothing in the tree
//! does: its module is required as `// indirect`, or by no module file at all. Or it is somebody else's
//! module, required at a version that was published, which others may then require too. The `go`
//! command needs such a folder whenever it lists or compiles downloaded packages. Modules of the main
//! module's owner, and those at no version but `v0.0.0`, are taken to be the tree's alone: all steps
//! would be repeated for an edit of them.
//!
//! A module that `go.work` uses holds for every importer, too. One that another of them requires is
//! judged in the same way: it may be a checkout of a dependency.

use std::collections::{BTreeMap, BTreeSet};

use crate::project::golang::modfile::{GoMod, Require};
use crate::project::tree::{EntryKind, Tree, TreePath};

use super::main_module::MainModule;
use super::{LocalModule, WorkspaceError};

/// Hosts on which the first element of a path is an owner.
const SHARED_HOSTS: [&str; 5] = [
    "bitbucket.org",
    "codeberg.org",
    "git.sr.ht",
    "github.com",
    "gitlab.com",
];

/// What `go mod tidy` writes for a module that is at no version.
const UNPUBLISHED: [&str; 2] = ["v0.0.0", "v0.0.0-00010101000000-000000000000"];

/// Returns the folders of the modules in the tree that downloaded ones may import; and of what
/// these require in turn.
pub(super) fn folders<'a>(
    main_modules: &'a [MainModule],
    replaced: &'a [LocalModule],
    go_mod: &dyn Fn(&TreePath) -> Option<&'a GoMod>,
) -> BTreeSet<TreePath> {
    let direct = |go_mod: &'a GoMod| go_mod.require.iter().filter(|require| !require.indirect);
    let named = |require: &'a Require| require.module.path.as_str();
    let required = required(main_modules);
    let is_foreign = |path: &str| required.get(path) == Some(&true);
    let owners: BTreeSet<&str> = main_modules
        .iter()
        .filter(|module| !is_foreign(&module.path))
        .map(|module| owner(&module.path))
        .collect();
    let is_own =
        |require: &Require| !is_published(require) || owners.contains(owner(&require.module.path));
    // The only main module is what is built, whoever requires it.
    let used: &'a [MainModule] = match main_modules {
        [_] => &[],
        several => several,
    };
    let below = |start: Vec<&'a str>, wanted: &dyn Fn(&Require) -> bool| {
        let mut open = start;
        let mut reached = BTreeSet::new();
        while let Some(path) = open.pop() {
            if reached.insert(path) {
                let local = replaced.iter().filter(|module| module.path == path);
                let local = local.filter_map(|module| go_mod(&module.directory));
                let main = used.iter().filter(|module| module.path == path);
                let main = main.map(|module| &module.go_mod);
                let required = local.chain(main).flat_map(direct);
                open.extend(required.filter(|require| wanted(require)).map(named));
            }
        }
        reached
    };
    let main = main_modules
        .iter()
        .flat_map(|module| direct(&module.go_mod));
    let main = main.filter(|require| is_own(require)).map(named);
    let own = below(main.collect(), &is_own);
    let paths = replaced.iter().map(|module| module.path.as_str());
    let paths = paths.chain(required.keys().copied());
    let others = paths.filter(|path| is_foreign(path) || !own.contains(path));
    let forks = below(others.collect(), &|_| true);
    let replaced = replaced
        .iter()
        .map(|module| (&module.path, &module.directory));
    let main = used.iter().map(|module| (&module.path, &module.directory));
    let forks = replaced
        .chain(main)
        .filter(|(path, _)| forks.contains(path.as_str()));
    forks.map(|(_, directory)| directory.clone()).collect()
}

/// Returns the main modules that others require, and whether one does as somebody else's published
/// module. What requires the module around it is of one repository with that.
fn required(main_modules: &[MainModule]) -> BTreeMap<&str, bool> {
    let mut required = BTreeMap::new();
    for module in main_modules {
        let others = main_modules.iter();
        for other in others.filter(|other| other.path != module.path) {
            let is_near = owner(&other.path) == owner(&module.path)
                || other.directory.below(&module.directory).is_some();
            let requires = other.go_mod.require.iter();
            let requires = requires.filter(|require| require.module.path == module.path);
            for require in requires {
                let foreign = required.entry(module.path.as_str()).or_insert(false);
                *foreign |= !is_near && is_published(require);
            }
        }
    }
    required
}

fn is_published(require: &Require) -> bool {
    !UNPUBLISHED.contains(&require.module.version.as_str())
}

/// Returns the part of a module's path that says whose it is.
fn owner(path: &str) -> &str {
    let mut ends = path.match_indices('/').map(|(end, _)| end);
    let host = ends.next().map_or(path, |end| &path[..end]);
    match SHARED_HOSTS.contains(&host) {
        true => ends.next().map_or(path, |end| &path[..end]),
        false => host,
    }
}

/// Returns every file below the folders that may take part in a build.
pub(super) fn sources(
    tree: &dyn Tree,
    folders: &BTreeSet<TreePath>,
) -> Result<BTreeSet<TreePath>, WorkspaceError> {
    let mut found = BTreeSet::new();
    for module in folders {
        let mut open = vec![module.clone()];
        while let Some(folder) = open.pop() {
            let entries = tree.list(&folder)?.unwrap_or_default();
            let nested = entries.iter().any(|entry| entry.name == "go.mod");
            if nested && folder != *module {
                continue;
            }
            for entry in entries.iter() {
                let path = folder.join(&entry.name);
                match entry.kind {
                    EntryKind::Directory if !entry.name.starts_with('.') => open.push(path),
                    EntryKind::File { .. } if !entry.name.ends_with("_test.go") => {
                        found.insert(path);
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(found)
}

//! Sources of modules in the tree that modules from elsewhere import.
//!
//! A `replace` by a folder holds for every importer. Which of the downloaded modules' packages
//! import one of the folder is not known here, but that nothing in the tree does: its module is
//! required as `// indirect`, or by no module file at all. The `go` command then needs the folder
//! whenever it lists or compiles downloaded packages.

use std::collections::BTreeSet;

use crate::project::golang::modfile::GoMod;
use crate::project::tree::{EntryKind, Tree, TreePath};

use super::main_module::MainModule;
use super::{LocalModule, WorkspaceError};

/// Returns the folders of the replaced modules that main modules, and those that they require for
/// themselves, do not; and of what these require in turn.
pub(super) fn folders<'a>(
    main_modules: &'a [MainModule],
    replaced: &'a [LocalModule],
    go_mod: &dyn Fn(&TreePath) -> Option<&'a GoMod>,
) -> BTreeSet<TreePath> {
    let direct = |go_mod: &'a GoMod| {
        let direct = go_mod.require.iter().filter(|require| !require.indirect);
        direct.map(|require| require.module.path.as_str())
    };
    let below = |start: Vec<&'a str>| {
        let mut open = start;
        let mut reached = BTreeSet::new();
        while let Some(path) = open.pop() {
            if reached.insert(path) {
                let local = replaced.iter().filter(|module| module.path == path);
                let required = local.filter_map(|module| go_mod(&module.directory));
                open.extend(required.flat_map(direct));
            }
        }
        reached
    };
    let main = main_modules
        .iter()
        .flat_map(|module| direct(&module.go_mod));
    let own = below(main.collect());
    let paths = replaced.iter().map(|module| module.path.as_str());
    let forks = below(paths.filter(|path| !own.contains(path)).collect());
    let forks = replaced
        .iter()
        .filter(|module| forks.contains(module.path.as_str()));
    forks.map(|module| module.directory.clone()).collect()
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

//! From the folder the user named to the modules of the build.

use std::collections::BTreeSet;

use crate::project::golang::modfile::At;
use crate::project::tree::{Tree, TreePath};

use super::build_list::{Inputs, build_list};
use super::forks;
use super::main_module::{
    ActiveGoWork, MainModule, active_go_work, at_least, go_line, is_file, single_module,
    used_modules,
};
use super::replacement::{Replacements, Target};
use super::vendor::{self, VendorInputs};
use super::{GoLine, GoWork, LocalModule, Workspace, WorkspaceError};

/// The language version from which a `go.mod` lists every module that provides a package.
const COMPLETE_SINCE: &str = "1.17";
impl Workspace {
    /// Reads the module files that govern `start`, a folder.
    ///
    /// Neither `go.mod` nor `go.work` is looked for above the tree's root. Folders outside it
    /// that `use` and `replace` lead to are paths with leading `..`.
    ///
    /// # Errors
    /// There is no module, a module file is malformed or contradicts another, a folder is
    /// named by an absolute path, or the vendor folder is out of date.
    pub fn load(
        tree: &dyn Tree,
        start: &TreePath,
        go_work: GoWork,
    ) -> Result<Self, WorkspaceError> {
        let go_work = active_go_work(tree, start, go_work)?;
        let (governing, main_modules) = match &go_work {
            Some(active) => (
                Governing::go_work(active),
                used_modules(tree, start, active)?,
            ),
            None => {
                let module = single_module(tree, start)?;
                (Governing::go_mod(&module), vec![module])
            }
        };
        let replacements = replacements(go_work.as_ref(), &main_modules)?;
        let directory = governing.path.parent();
        let complete = go_work.is_none() && at_least(governing.go.as_ref(), COMPLETE_SINCE);
        let vendor = vendor::in_use(&VendorInputs {
            tree,
            directory: &directory.join("vendor"),
            go: governing.go.as_ref(),
            go_work: go_work.as_ref(),
            main_modules: &main_modules,
            replacements: &replacements,
            complete,
        })?;
        let list = build_list(&Inputs {
            tree,
            main_modules: &main_modules,
            replacements: &replacements,
            complete,
            vendored: vendor.is_some(),
        })?;
        let (vendor, vendored_go_lines) = vendor.unzip();
        let mut go_lines = governing.go_lines(&main_modules);
        go_lines.extend(list.go_lines);
        go_lines.extend(vendored_go_lines.unwrap_or_default());
        let mut workspace = Self {
            directory,
            go_work: go_work.map(|go_work| go_work.path),
            main_modules: by_folder(&main_modules),
            replaced_modules: list.replaced,
            requirements: list.requirements,
            complete,
            vendor,
            module_files: BTreeSet::new(),
            go_line: governing.go.map(|go| go.value),
            toolchain_line: governing.toolchain.map(|toolchain| toolchain.value),
            go_lines,
        };
        workspace.module_files = module_files(tree, &workspace, &replacements)?;
        let forks = forks::sources(tree, &list.forks)?;
        workspace.module_files.extend(forks);
        Ok(workspace)
    }
}

/// The file that speaks for the whole build, `go.work` or the one `go.mod`, and what it says.
struct Governing {
    path: TreePath,
    go: Option<At<String>>,
    toolchain: Option<At<String>>,
}

impl Governing {
    fn go_work(active: &ActiveGoWork) -> Self {
        Self {
            path: active.path.clone(),
            go: active.file.go.clone(),
            toolchain: active.file.toolchain.clone(),
        }
    }

    fn go_mod(module: &MainModule) -> Self {
        Self {
            path: module.directory.join("go.mod"),
            go: module.go_mod.go.clone(),
            toolchain: module.go_mod.toolchain.clone(),
        }
    }

    /// Returns its own `go` line and those of the main modules.
    fn go_lines(&self, main_modules: &[MainModule]) -> Vec<GoLine> {
        let modules = main_modules.iter().filter_map(|module| {
            go_line(&module.directory.join("go.mod"), module.go_mod.go.as_ref())
        });
        let own = go_line(&self.path, self.go.as_ref());
        own.into_iter().chain(modules).collect()
    }
}

fn by_folder(main_modules: &[MainModule]) -> Vec<LocalModule> {
    let mut modules: Vec<_> = main_modules.iter().map(MainModule::local).collect();
    modules.sort_by(|a, b| a.directory.cmp(&b.directory));
    modules
}

fn replacements(
    go_work: Option<&ActiveGoWork>,
    main_modules: &[MainModule],
) -> Result<Replacements, WorkspaceError> {
    let mut replacements = Replacements::default();
    if let Some(go_work) = go_work {
        for replace in &go_work.file.replace {
            let main = main_modules.iter().any(|main| main.path == replace.path);
            if main && replace.version.is_none() {
                let message = format!(
                    "workspace module {} is replaced at all versions; remove the replacement \
                     or name the version to replace",
                    replace.path
                );
                return Err(WorkspaceError::line(&go_work.path, replace.line, message));
            }
        }
        replacements.add_go_work(&go_work.path, &go_work.file.replace)?;
    }
    for module in main_modules {
        replacements.add_go_mod(&module.directory.join("go.mod"), &module.go_mod.replace)?;
    }
    Ok(replacements)
}

/// Lists what the go command reads to resolve modules.
///
/// That includes the `go.mod` of every folder that a `replace` names, required or not: when
/// the whole module graph is wanted, any of them may be read.
fn module_files(
    tree: &dyn Tree,
    workspace: &Workspace,
    replacements: &Replacements,
) -> Result<BTreeSet<TreePath>, WorkspaceError> {
    let mut candidates = BTreeSet::new();
    if let Some(go_work) = &workspace.go_work {
        candidates.insert(go_work.clone());
        candidates.insert(go_work.parent().join(&format!("{}.sum", go_work.name())));
    }
    for module in &workspace.main_modules {
        candidates.insert(module.directory.join("go.mod"));
        candidates.insert(module.directory.join("go.sum"));
    }
    if let Some(vendor) = &workspace.vendor {
        candidates.insert(vendor.directory.join("modules.txt"));
    } else {
        let targets = replacements.iter().map(|(_, _, found)| &found.target);
        candidates.extend(targets.filter_map(|target| match target {
            Target::Directory { directory, .. } => Some(directory.as_ref()?.join("go.mod")),
            Target::Module { .. } => None,
        }));
    }
    let mut files = BTreeSet::new();
    for path in candidates {
        if is_file(tree, &path)? {
            files.insert(path);
        }
    }
    Ok(files)
}

//! Main modules: found, read and checked against `go.work`.

use crate::project::golang::modfile::{At, GoMod, GoWorkFile, check_import_path};
use crate::project::golang::version::GoVersion;
use crate::project::tree::{EntryKind, Tree, TreePath};

use super::{GoLine, GoWork, LocalModule, WorkspaceError};

/// A main module and its `go.mod`.
#[derive(Debug)]
pub(super) struct MainModule {
    pub(super) path: String,
    pub(super) directory: TreePath,
    pub(super) go_mod: GoMod,
}

/// The active `go.work`.
#[derive(Debug)]
pub(super) struct ActiveGoWork {
    pub(super) path: TreePath,
    pub(super) file: GoWorkFile,
}

/// The language version of a `go.work` without a `go` line.
const GO_WORK_DEFAULT: &str = "1.18";
/// The version from which a `go.work` must be at least as new as its modules.
const STRICT_SINCE: &str = "1.21";

impl MainModule {
    pub(super) fn local(&self) -> LocalModule {
        LocalModule::new(&self.path, &self.directory, &self.go_mod)
    }
}

impl LocalModule {
    pub(super) fn new(path: &str, directory: &TreePath, go_mod: &GoMod) -> Self {
        Self {
            path: path.to_owned(),
            directory: directory.clone(),
            ignores: go_mod.ignore.iter().map(|at| at.value.clone()).collect(),
        }
    }
}

/// Reports whether a `go` line names at least a version; a missing or odd one does not.
pub(super) fn at_least(go: Option<&At<String>>, version: &str) -> bool {
    go.is_some_and(|go| GoVersion::parse(&go.value) >= GoVersion::parse(version))
}

/// Returns a `go` line in its file, unless there is none.
pub(super) fn go_line(path: &TreePath, go: Option<&At<String>>) -> Option<GoLine> {
    let go = go?;
    Some(GoLine {
        path: path.clone(),
        line: go.line,
        version: GoVersion::parse(&go.value)?,
    })
}

/// Returns the folder itself and those above it, up to the root of the tree.
fn upwards(start: &TreePath) -> impl Iterator<Item = TreePath> {
    std::iter::successors(Some(start.clone()), |path| {
        // Above a path that climbs out of the tree the root does not come again.
        let last = path.is_root() || path.climbs() == path.elements().count();
        (!last).then(|| path.parent())
    })
}

pub(super) fn is_file(tree: &dyn Tree, path: &TreePath) -> Result<bool, WorkspaceError> {
    Ok(matches!(tree.kind(path)?, Some(EntryKind::File { .. })))
}

/// Finds a file in the folder or above it.
fn find(tree: &dyn Tree, start: &TreePath, name: &str) -> Result<Option<TreePath>, WorkspaceError> {
    for directory in upwards(start) {
        let path = directory.join(name);
        if is_file(tree, &path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

pub(super) fn active_go_work(
    tree: &dyn Tree,
    start: &TreePath,
    go_work: GoWork,
) -> Result<Option<ActiveGoWork>, WorkspaceError> {
    let path = match go_work {
        GoWork::Off => None,
        GoWork::Auto => find(tree, start, "go.work")?,
        GoWork::File(path) => Some(path),
    };
    let Some(path) = path else {
        return Ok(None);
    };
    let Some(content) = tree.read(&path)? else {
        return Err(WorkspaceError::NoGoWork { path });
    };
    let file = GoWorkFile::parse(&content).map_err(WorkspaceError::in_file(&path))?;
    Ok(Some(ActiveGoWork { path, file }))
}

pub(super) fn single_module(
    tree: &dyn Tree,
    start: &TreePath,
) -> Result<MainModule, WorkspaceError> {
    let no_module = || WorkspaceError::NoModule {
        start: start.clone(),
    };
    let path = find(tree, start, "go.mod")?.ok_or_else(no_module)?;
    read_main_module(tree, &path.parent())?.ok_or_else(no_module)
}

/// Reads a main module's `go.mod`; `None` if there is none.
fn read_main_module(
    tree: &dyn Tree,
    directory: &TreePath,
) -> Result<Option<MainModule>, WorkspaceError> {
    let path = directory.join("go.mod");
    let Some(content) = tree.read(&path)? else {
        return Ok(None);
    };
    let go_mod = GoMod::parse(&content).map_err(WorkspaceError::in_file(&path))?;
    let Some(module) = go_mod.module.clone() else {
        let message = "missing module directive";
        return Err(WorkspaceError::line(&path, 1, message));
    };
    let invalid = |message: String| {
        let message = format!("invalid module path {:?}: {message}", module.value);
        WorkspaceError::line(&path, module.line, message)
    };
    if matches!(module.value.as_str(), "go" | "toolchain") {
        return Err(invalid("reserved".to_owned()));
    }
    check_import_path(&module.value).map_err(invalid)?;
    Ok(Some(MainModule {
        path: module.value.clone(),
        directory: directory.clone(),
        go_mod,
    }))
}

/// Reads the modules that `go.work` uses.
pub(super) fn used_modules(
    tree: &dyn Tree,
    start: &TreePath,
    go_work: &ActiveGoWork,
) -> Result<Vec<MainModule>, WorkspaceError> {
    let mut modules: Vec<MainModule> = Vec::new();
    for used in &go_work.file.uses {
        let fail = |message: String| WorkspaceError::line(&go_work.path, used.line, message);
        let written = &used.value;
        if written.starts_with('/') {
            return Err(fail(format!(
                "{written} is an absolute path, which a build elsewhere does not have; write \
                 it relative to {}",
                go_work.path
            )));
        }
        let directory = go_work.path.parent().join(written);
        if modules.iter().any(|module| module.directory == directory) {
            return Err(fail(format!(
                "{written} appears multiple times in workspace"
            )));
        }
        let module = read_main_module(tree, &directory)?
            .ok_or_else(|| fail(format!("{written} has no go.mod")))?;
        if let Some(other) = modules.iter().find(|other| other.path == module.path) {
            let message = format!(
                "module {} appears multiple times in workspace: in {} and {directory}",
                module.path, other.directory
            );
            return Err(fail(message));
        }
        check_go_work_version(go_work, &module)?;
        modules.push(module);
    }
    // Patterns given in a folder can only match modules at, above or below it.
    let related = |module: &MainModule| {
        module.directory.below(start).is_some() || start.below(&module.directory).is_some()
    };
    if modules.iter().any(related) {
        Ok(modules)
    } else {
        Err(WorkspaceError::NotInGoWork {
            start: start.clone(),
            go_work: go_work.path.clone(),
        })
    }
}

/// Checks that `go.work` is not older than a module it uses.
fn check_go_work_version(
    go_work: &ActiveGoWork,
    module: &MainModule,
) -> Result<(), WorkspaceError> {
    let Some(needed) = &module.go_mod.go else {
        return Ok(());
    };
    let own = go_work.file.go.as_ref();
    let own_version = own.map_or(GO_WORK_DEFAULT, |go| go.value.as_str());
    let too_old = GoVersion::parse(&needed.value) > GoVersion::parse(own_version)
        && at_least(Some(needed), STRICT_SINCE);
    if !too_old {
        return Ok(());
    }
    let message = format!(
        "{}:{} requires go >= {}, but {} is for go {own_version}; to update it: go work use",
        module.directory.join("go.mod"),
        needed.line,
        needed.value,
        go_work.path
    );
    let line = own.map_or(1, |go| go.line);
    Err(WorkspaceError::line(&go_work.path, line, message))
}

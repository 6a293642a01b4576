//! Whether the build uses the vendor folder, and whether that is up to date.

use std::collections::BTreeSet;

use crate::project::golang::modfile::{At, ModulesTxt, compare_versions};
use crate::project::tree::{EntryKind, Tree, TreePath};

use super::main_module::{ActiveGoWork, MainModule, at_least, go_line};
use super::replacement::{Replacements, Target, describe};
use super::{GoLine, Vendor, WorkspaceError};

/// The language version from which a vendor folder is used without being asked for.
const VENDOR_SINCE: &str = "1.14";
/// The language version from which `modules.txt` must name a package for it to count.
const LISTED_SINCE: &str = "1.23";

/// What decides about the vendor folder.
pub(super) struct VendorInputs<'a> {
    pub(super) tree: &'a dyn Tree,
    /// Where it would be.
    pub(super) directory: &'a TreePath,
    /// The `go` line that applies.
    pub(super) go: Option<&'a At<String>>,
    pub(super) go_work: Option<&'a ActiveGoWork>,
    pub(super) main_modules: &'a [MainModule],
    pub(super) replacements: &'a Replacements,
    /// Whether `go.mod` names every module that can provide a package.
    pub(super) complete: bool,
}

/// Returns the vendor folder and the `go` lines of the modules in it, if the build uses it.
pub(super) fn in_use(
    inputs: &VendorInputs<'_>,
) -> Result<Option<(Vendor, Vec<GoLine>)>, WorkspaceError> {
    let directory = inputs.directory;
    let is_directory = inputs.tree.kind(directory)? == Some(EntryKind::Directory);
    if !is_directory || !at_least(inputs.go, VENDOR_SINCE) {
        return Ok(None);
    }
    let path = directory.join("modules.txt");
    let content = inputs.tree.read(&path)?.unwrap_or_default();
    let modules_txt = ModulesTxt::parse(&content);
    if modules_txt.workspace != inputs.go_work.is_some() {
        return Ok(None);
    }
    let problems = problems(inputs, &modules_txt);
    if !problems.is_empty() {
        return Err(WorkspaceError::InconsistentVendoring {
            directory: directory.clone(),
            problems,
            workspace: inputs.go_work.is_some(),
        });
    }
    let go_lines = modules_txt
        .modules
        .values()
        .filter_map(|module| go_line(&path, module.go.as_ref()))
        .collect();
    let vendor = Vendor {
        directory: directory.clone(),
        packages: modules_txt.packages.into_keys().collect(),
        listed_only: at_least(inputs.go, LISTED_SINCE),
    };
    Ok(Some((vendor, go_lines)))
}

/// Lists what contradicts the module files.
fn problems(inputs: &VendorInputs<'_>, modules_txt: &ModulesTxt) -> Vec<String> {
    let mut problems = unmarked_requirements(inputs, modules_txt);
    problems.extend(unmarked_replacements(inputs, modules_txt));
    problems.extend(unknown_modules(inputs, modules_txt));
    problems
}

fn unmarked_requirements(inputs: &VendorInputs<'_>, modules_txt: &ModulesTxt) -> Vec<String> {
    let required = inputs
        .main_modules
        .iter()
        .flat_map(|module| &module.go_mod.require)
        .map(|require| (require.module.path.clone(), require.module.version.clone()));
    required
        .filter(|key| {
            let vendored = modules_txt.modules.get(key);
            !vendored.is_some_and(|vendored| vendored.explicit)
        })
        .map(|(path, version)| {
            format!(
                "{path}@{version} is explicitly required in go.mod, but not marked as explicit \
                 in vendor/modules.txt"
            )
        })
        .collect()
}

fn unmarked_replacements(inputs: &VendorInputs<'_>, modules_txt: &ModulesTxt) -> Vec<String> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::new();
    for (path, version, _) in inputs.replacements.iter() {
        let main = inputs.main_modules.iter().any(|main| main.path == path);
        if !seen.insert((path, version)) || (main && version.is_none()) {
            continue;
        }
        let Some(replacement) = inputs.replacements.of(path, version) else {
            continue;
        };
        let key = (path.to_owned(), version.unwrap_or_default().to_owned());
        let vendored = modules_txt
            .modules
            .get(&key)
            .and_then(|vendored| vendored.replacement.clone());
        let old = describe(path, version);
        match vendored {
            None => problems.push(format!(
                "{old} is replaced in {}, but not marked as replaced in vendor/modules.txt",
                replacement.path
            )),
            Some(vendored) if vendored != recorded(inputs, &replacement.target) => {
                problems.push(format!(
                    "{old} is replaced by {} in {}, but marked as replaced by {} in \
                     vendor/modules.txt",
                    replacement.target,
                    replacement.path,
                    describe(&vendored.0, vendored.1.as_deref())
                ));
            }
            Some(_) => {}
        }
    }
    problems
}

/// Returns a replacement as `modules.txt` records it: under `go.work`, folders are relative to
/// that.
fn recorded(inputs: &VendorInputs<'_>, target: &Target) -> (String, Option<String>) {
    match target {
        Target::Module { path, version } => (path.clone(), Some(version.clone())),
        Target::Directory {
            directory: Some(directory),
            ..
        } if inputs.go_work.is_some() => (relative(&inputs.directory.parent(), directory), None),
        Target::Directory { written, .. } => (written.clone(), None),
    }
}

/// Returns the path from one folder to another, beginning with `.` or `..`.
fn relative(from: &TreePath, to: &TreePath) -> String {
    let shared = from
        .elements()
        .zip(to.elements())
        .take_while(|(a, b)| a == b)
        .count();
    let up = from.elements().skip(shared).map(|_| "..");
    let path = up
        .chain(to.elements().skip(shared))
        .collect::<Vec<_>>()
        .join("/");
    match path.as_str() {
        "" => ".".to_owned(),
        climbing if climbing == ".." || climbing.starts_with("../") => path,
        _ => format!("./{path}"),
    }
}

/// Lists modules of `modules.txt` that the module files know nothing of.
fn unknown_modules(inputs: &VendorInputs<'_>, modules_txt: &ModulesTxt) -> Vec<String> {
    let mut problems = Vec::new();
    let requires = |path: &str, version: &str| {
        inputs
            .main_modules
            .iter()
            .flat_map(|module| &module.go_mod.require)
            .any(|require| require.module.path == path && require.module.version == version)
    };
    for key @ (path, version) in modules_txt.providers() {
        let explicit = modules_txt
            .modules
            .get(key)
            .is_some_and(|known| known.explicit);
        if explicit && !requires(path, version) {
            problems.push(format!(
                "{path}@{version} is marked as explicit in vendor/modules.txt, but not \
                 explicitly required in go.mod"
            ));
        } else if inputs.complete && highest_required(inputs, path) != Some(version) {
            problems.push(format!(
                "vendored module {path}@{version} should be required explicitly in go.mod"
            ));
        }
    }
    for ((path, version), vendored) in &modules_txt.modules {
        let version = Some(version.as_str()).filter(|version| !version.is_empty());
        if vendored.replacement.is_some() && inputs.replacements.of(path, version).is_none() {
            problems.push(format!(
                "{} is marked as replaced in vendor/modules.txt, but not replaced in {}",
                describe(path, version),
                if inputs.go_work.is_some() {
                    "the workspace"
                } else {
                    "go.mod"
                }
            ));
        }
    }
    problems
}

fn highest_required<'a>(inputs: &VendorInputs<'a>, path: &str) -> Option<&'a String> {
    inputs
        .main_modules
        .iter()
        .flat_map(|module| &module.go_mod.require)
        .filter(|require| require.module.path == path)
        .map(|require| &require.module.version)
        .max_by(|a, b| compare_versions(a, b))
}

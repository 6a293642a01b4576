//! The `replace` directives of the main modules and of `go.work`.

use std::collections::BTreeMap;

use crate::project::golang::modfile::Replace;
use crate::project::tree::TreePath;

use super::WorkspaceError;

/// What stands in for a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A folder.
    Directory {
        /// The folder as written.
        written: String,
        /// Where it is; `None` if it was written as an absolute path.
        directory: Option<TreePath>,
    },
    /// A module.
    Module {
        /// Module path.
        path: String,
        /// Version.
        version: String,
    },
}

/// A `replace` directive and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) target: Target,
    /// The file.
    pub(super) path: TreePath,
    /// Line, from 1.
    pub(super) line: usize,
}

type Map = BTreeMap<(String, Option<String>), Replacement>;

/// All replacements in force.
#[derive(Clone, Debug, Default)]
pub(super) struct Replacements {
    go_work: Map,
    go_mod: Map,
}

impl Replacements {
    /// Adds those of `go.work`, which go before all others; call this first.
    pub(super) fn add_go_work(
        &mut self,
        path: &TreePath,
        replaces: &[Replace],
    ) -> Result<(), WorkspaceError> {
        self.go_work = own(path, replaces)?;
        Ok(())
    }

    /// Adds those of a main module.
    ///
    /// Main modules of one `go.work` must not contradict each other, unless `go.work` settles
    /// it.
    pub(super) fn add_go_mod(
        &mut self,
        path: &TreePath,
        replaces: &[Replace],
    ) -> Result<(), WorkspaceError> {
        for (old, new) in own(path, replaces)? {
            let settled = self.go_work.keys().any(|(path, _)| *path == old.0);
            match self.go_mod.get(&old) {
                Some(other) if !settled && !same(&other.target, &new.target) => {
                    let message = format!(
                        "conflicting replacements for {}: {} and {}, from {}:{}",
                        describe(&old.0, old.1.as_deref()),
                        new.target,
                        other.target,
                        other.path,
                        other.line
                    );
                    return Err(WorkspaceError::line(path, new.line, message));
                }
                Some(_) => {}
                None => {
                    self.go_mod.insert(old, new);
                }
            }
        }
        Ok(())
    }

    /// Returns what replaces a module at a version; without one, only what replaces all.
    pub(super) fn of(&self, path: &str, version: Option<&str>) -> Option<&Replacement> {
        let key = |version: Option<&str>| (path.to_owned(), version.map(str::to_owned));
        let in_map = |map| -> Option<&Replacement> {
            let map: &Map = map;
            map.get(&key(version)).or_else(|| map.get(&key(None)))
        };
        in_map(&self.go_work).or_else(|| in_map(&self.go_mod))
    }

    /// Returns every replaced module, its version if only one is replaced, and the directive.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>, &Replacement)> {
        self.go_work
            .iter()
            .chain(&self.go_mod)
            .map(|((path, version), new)| (path.as_str(), version.as_deref(), new))
    }
}

/// Reads the directives of one file, which must not contradict each other.
fn own(path: &TreePath, replaces: &[Replace]) -> Result<Map, WorkspaceError> {
    let mut map = Map::new();
    for replace in replaces {
        let target = match &replace.new_version {
            Some(version) => Target::Module {
                path: replace.new_path.clone(),
                version: version.clone(),
            },
            None => Target::Directory {
                written: replace.new_path.clone(),
                directory: (!replace.new_path.starts_with('/'))
                    .then(|| path.parent().join(&replace.new_path)),
            },
        };
        let key = (replace.path.clone(), replace.version.clone());
        if let Some(other) = map.get(&key).filter(|other| other.target != target) {
            let message = format!(
                "conflicting replacements for {}: {target} and {}, from line {}",
                describe(&key.0, key.1.as_deref()),
                other.target,
                other.line
            );
            return Err(WorkspaceError::line(path, replace.line, message));
        }
        map.insert(
            key,
            Replacement {
                target,
                path: path.clone(),
                line: replace.line,
            },
        );
    }
    Ok(map)
}

/// Reports whether two files replace a module by the same: relative folders are compared by
/// where they lead.
fn same(a: &Target, b: &Target) -> bool {
    match (a, b) {
        (
            Target::Directory {
                directory: Some(a), ..
            },
            Target::Directory {
                directory: Some(b), ..
            },
        ) => a == b,
        _ => a == b,
    }
}

/// Returns `path` or `path@version`.
pub(super) fn describe(path: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("{path}@{version}"),
        None => path.to_owned(),
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { written, .. } => f.write_str(written),
            Self::Module { path, version } => write!(f, "{path}@{version}"),
        }
    }
}

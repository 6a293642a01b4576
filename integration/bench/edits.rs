//! Edits: what changes in a project between two builds.
//!
//! Each edit writes something that no build has seen before: a mark with the names of project, case
//! and column, and the round. So no column finds in the builder's cache what another one left there, and no round what an
//! earlier one did.

use std::fs;
use std::path::Path;

use crate::projects::Project;
use crate::tool;

/// The file that edits write into a package.
const FILE: &str = "zz_bench_edit.go";

/// What is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// A line in the first main.
    Main,
    /// A line in a package that all mains import.
    Deep,
    /// README.md
    Readme,
    /// A test in the first main.
    Test,
    /// A line in a package that the first main does not import.
    Other,
    /// The version of a small module.
    Bump,
    /// A line in a package that few mains of a monorepo reach.
    Leaf,
}

impl Edit {
    /// Tells whether a project has what is edited.
    pub(crate) fn possible(self, project: &Project) -> bool {
        match self {
            Self::Main | Self::Readme | Self::Test => true,
            Self::Deep => project.deep.is_some(),
            Self::Other => project.other.is_some(),
            Self::Bump => project.bump.is_some(),
            Self::Leaf => project.leaf().is_some(),
        }
    }

    /// Returns how often a project can be edited so; without a limit, nothing.
    pub(crate) fn limit(self, project: &Project) -> Option<usize> {
        match (self, project.bump) {
            (Self::Bump, Some((_, versions))) => Some(versions.len() - 1),
            _ => None,
        }
    }

    /// Edits a tree. `round` 0 makes the state that the first timed edit changes; `mark` must be one
    /// that no build has seen.
    pub(crate) fn apply(self, project: &Project, tree: &Path, mark: &str, round: usize) {
        let main = project.mains().swap_remove(0);
        match self {
            Self::Main => package(&tree.join(main), "main", mark),
            Self::Readme => fs::write(tree.join("README.md"), format!("# {mark}\n")).unwrap(),
            Self::Test => {
                let text = format!(
                    "package main\n\nimport \"testing\"\n\n\
                     func TestBench(t *testing.T) {{ t.Log(\"{mark}\") }}\n"
                );
                fs::write(tree.join(main).join("zz_bench_edit_test.go"), text).unwrap();
            }
            Self::Deep => {
                let (folder, name) = project.deep.expect("a case is built where it is possible");
                package(&tree.join(folder), name, mark);
            }
            Self::Other => {
                let (folder, name) = project.other.expect("a case is built where it is possible");
                package(&tree.join(folder), name, mark);
            }
            Self::Leaf => {
                let folder = project
                    .leaf()
                    .expect("a case is built where it is possible");
                let name = folder.rsplit('/').next().unwrap_or(&folder);
                package(&tree.join(&folder), name, mark);
            }
            Self::Bump => {
                let (module, versions) =
                    project.bump.expect("a case is built where it is possible");
                let version = format!("{module}@{}", versions[round]);
                tool::run_in(tree, "go", &["get", &version]);
            }
        }
    }
}

/// Writes a string that the program holds and the linker must keep.
fn package(folder: &Path, name: &str, mark: &str) {
    let text = format!(
        "package {name}\n\n//go:noinline\nfunc benchEdit() string {{ return \"edit {mark}\" }}\n\n\
         func init() {{\n\tif benchEdit() == \"\" {{\n\t\tpanic(\"unreachable\")\n\t}}\n}}\n"
    );
    fs::write(folder.join(FILE), text).unwrap();
}

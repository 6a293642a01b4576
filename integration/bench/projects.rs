//! What is built: a table of projects, and where their sources come from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::monorepo::Shape;
use crate::tool;

/// Where a project's sources are.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    /// A published module, fetched with the user's own settings.
    Module {
        /// Its path.
        path: &'static str,
        /// Its version.
        version: &'static str,
    },
    /// A folder of `projects/`.
    Folder(&'static str),
    /// Generated.
    Monorepo(Shape),
}

/// A project.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Project {
    /// Selects it.
    pub(crate) name: &'static str,
    /// What it is, for the report.
    pub(crate) title: &'static str,
    /// Its sources.
    pub(crate) source: Source,
    /// Folders of the mains that are built.
    pub(crate) mains: Mains,
    /// A package that every main imports, if there is one to edit: folder, name.
    pub(crate) deep: Option<(&'static str, &'static str)>,
    /// A package that the first main does not import: folder, name.
    pub(crate) other: Option<(&'static str, &'static str)>,
    /// A small module that nothing else requires, and its versions, ascending.
    pub(crate) bump: Option<(&'static str, &'static [&'static str])>,
    /// Files that `go mod download` reads.
    pub(crate) module_files: &'static [&'static str],
    /// Whether it is one of those that `QUICK=1` builds.
    pub(crate) quick: bool,
}

/// The mains of a project.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mains {
    /// These folders.
    Named(&'static [&'static str]),
    /// All of a monorepo.
    Generated(Shape),
}

/// Versions of a module without requirements, that nothing else here requires.
const VERSIONS: &[&str] = &["v1.2.1", "v1.3.0", "v1.4.0", "v1.6.0", "v1.7.0", "v1.8.0"];
const BUMPED: Option<(&str, &[&str])> = Some(("github.com/hashicorp/go-version", VERSIONS));
const MODULE_FILES: &[&str] = &["go.mod", "go.sum"];
const WORKSPACE_FILES: &[&str] = &[
    "go.work",
    "go.work.sum",
    "app/go.mod",
    "app/go.sum",
    "tools/go.mod",
    "tools/go.sum",
];

/// Fifty mains and a thousand packages.
pub(crate) const MONOREPO: Shape = Shape {
    mains: 50,
    packages: 1000,
    files: 3,
    fan_out: 4,
    seed: 1,
};
const MONOREPO_4X: Shape = Shape {
    packages: 4000,
    ..MONOREPO
};
const SMALL_MONOREPO: Shape = Shape {
    mains: 4,
    packages: 40,
    ..MONOREPO
};
const SMALL_MONOREPO_4X: Shape = Shape {
    packages: 160,
    ..SMALL_MONOREPO
};

/// All projects.
pub(crate) const PROJECTS: [Project; 10] = [
    Project {
        name: "gh",
        title: "gh: one binary, heavy dependencies",
        source: Source::Module {
            path: "github.com/cli/cli/v2",
            version: "v2.94.0",
        },
        mains: Mains::Named(&["./cmd/gh"]),
        deep: Some(("pkg/cmdutil", "cmdutil")),
        other: Some(("cmd/gen-docs", "main")),
        bump: BUMPED,
        module_files: MODULE_FILES,
        quick: false,
    },
    Project {
        name: "heavy",
        title: "heavy: three unrelated binaries, heavy dependencies",
        source: Source::Folder("heavy"),
        mains: Mains::Named(&["./cmd/gateway", "./cmd/mover", "./cmd/operator"]),
        deep: Some(("internal/service", "service")),
        other: Some(("internal/reconcile", "reconcile")),
        bump: BUMPED,
        module_files: MODULE_FILES,
        quick: false,
    },
    Project {
        name: "workspace",
        title: "workspace: go.work with a module of tools that the binaries do not need",
        source: Source::Folder("workspace"),
        mains: Mains::Named(&["./app/cmd/client", "./app/cmd/server"]),
        deep: None,
        other: None,
        bump: None,
        module_files: WORKSPACE_FILES,
        quick: false,
    },
    monorepo(
        "monorepo",
        "monorepo: 50 mains, 1,000 packages, 3,000 files",
        MONOREPO,
        false,
    ),
    monorepo(
        "monorepo-4x",
        "monorepo-4x: 50 mains, 4,000 packages",
        MONOREPO_4X,
        false,
    ),
    Project {
        name: "small-one",
        title: "small-one: one small binary",
        source: Source::Folder("small"),
        mains: Mains::Named(&["./cmd/list"]),
        deep: Some(("internal/shared", "shared")),
        other: Some(("internal/counting", "counting")),
        bump: BUMPED,
        module_files: MODULE_FILES,
        quick: true,
    },
    Project {
        name: "small-three",
        title: "small-three: three small binaries",
        source: Source::Folder("small"),
        mains: Mains::Named(&["./cmd/list", "./cmd/count", "./cmd/stamp"]),
        deep: Some(("internal/shared", "shared")),
        other: Some(("internal/counting", "counting")),
        bump: BUMPED,
        module_files: MODULE_FILES,
        quick: true,
    },
    Project {
        name: "small-workspace",
        title: "small-workspace: go.work with a module of tools",
        source: Source::Folder("small-workspace"),
        mains: Mains::Named(&["./app"]),
        deep: None,
        other: None,
        bump: None,
        module_files: WORKSPACE_FILES,
        quick: true,
    },
    monorepo(
        "small-monorepo",
        "small-monorepo: 4 mains, 40 packages",
        SMALL_MONOREPO,
        true,
    ),
    monorepo(
        "small-monorepo-4x",
        "small-monorepo-4x: 4 mains, 160 packages",
        SMALL_MONOREPO_4X,
        true,
    ),
];

const fn monorepo(name: &'static str, title: &'static str, shape: Shape, quick: bool) -> Project {
    Project {
        name,
        title,
        source: Source::Monorepo(shape),
        mains: Mains::Generated(shape),
        deep: None,
        other: None,
        bump: None,
        module_files: &["go.mod"],
        quick,
    }
}

impl Project {
    /// Returns the folders of its mains.
    pub(crate) fn mains(&self) -> Vec<String> {
        match self.mains {
            Mains::Named(names) => names.iter().map(|&name| name.to_owned()).collect(),
            Mains::Generated(shape) => (0..shape.mains)
                .map(|main| format!("./{}", shape.main(main)))
                .collect(),
        }
    }

    /// Returns the folder of the package that few mains reach, if it is a monorepo.
    pub(crate) fn leaf(&self) -> Option<String> {
        match self.source {
            Source::Monorepo(shape) => Some(shape.leaf()),
            Source::Module { .. } | Source::Folder(_) => None,
        }
    }

    /// Puts its sources into a new folder, writable.
    pub(crate) fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        match self.source {
            Source::Module { path, version } => copy(&download(path, version), folder),
            Source::Folder(name) => copy(&folder_of(name), folder),
            Source::Monorepo(shape) => shape.write(folder).unwrap(),
        }
    }
}

/// Returns a folder of `projects/`.
pub(crate) fn folder_of(name: &str) -> PathBuf {
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("integration/bench/projects");
    projects.join(name)
}

/// What `go mod download -json` prints, as far as it matters here.
#[derive(Deserialize)]
struct Downloaded {
    #[serde(rename = "Dir")]
    folder: PathBuf,
}

/// Returns the folder of a module in the user's module cache.
fn download(path: &str, version: &str) -> PathBuf {
    let module = format!("{path}@{version}");
    let folder = std::env::temp_dir();
    let text = tool::run_in(&folder, "go", &["mod", "download", "-json", &module]);
    let downloaded: Downloaded = serde_json::from_str(&text).unwrap();
    downloaded.folder
}

/// Copies a folder's content; what was read-only in a module cache is writable.
pub(crate) fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.args(["-R", "--no-preserve=ownership"]);
    command.arg(from.join(".")).arg(to);
    tool::output(command);
    tool::run("chmod", &["-R".as_ref(), "u+w".as_ref(), to.as_os_str()]);
}

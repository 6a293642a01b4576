//! Which folder is the project, and which of its packages were named.
//!
//! Like the `go` command, a build may start anywhere inside a module. The project is the nearest
//! folder, upwards, with a `goimage.toml` or a `go.mod`, or that with the `goimage.toml` of the
//! workspace that the module is in; paths below it select packages.

#![expect(
    clippy::disallowed_methods,
    reason = "paths of the command line are looked up on the disk"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::project::golang::workspace::GoWork;
use crate::project::manifest::FILE_NAME;
use crate::project::tree::TreePath;

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Absolute folder that the tree is rooted at: of `go.work`, of `go.mod`, or the project,
    /// whichever is outermost.
    pub root: PathBuf,
    /// The project's folder in the tree; what the manifest names is relative to it.
    pub project: TreePath,
    /// Package patterns that were named, relative to the project: `./cmd/api`, `./cmd/...`. Empty
    /// if the whole project was.
    pub selection: Vec<String>,
    /// Which `go.work` applies.
    pub go_work: GoWork,
}

impl Location {
    /// Returns the project's absolute folder.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match self.project.is_root() {
            true => self.root.clone(),
            false => self.root.join(self.project.as_str()),
        }
    }
}

/// Why a project cannot be located.
#[derive(Debug, thiserror::Error)]
pub enum LocationError {
    /// The path is not there.
    #[error("cannot open {}", path.display())]
    Open {
        /// As given.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The path is a file.
    #[error("{} is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// Paths belong to different projects.
    #[error("{} and {} belong to different projects", first.display(), other.display())]
    SeveralProjects {
        /// The first path's project.
        first: PathBuf,
        /// Another path's project.
        other: PathBuf,
    },
    /// A path is not UTF-8.
    #[error("{} is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
}

/// Locates the project that all of `paths` belong to; the current folder if there are none.
///
/// `go_work` is the variable `GOWORK`: empty, `off`, or a file.
///
/// # Errors
/// A path does not exist or is no folder, or the paths belong to several projects.
pub fn locate(paths: &[PathBuf], go_work: &str) -> Result<Location, LocationError> {
    let current = [PathBuf::from(".")];
    let paths = if paths.is_empty() { &current } else { paths };
    let mut project: Option<PathBuf> = None;
    let mut selection = Vec::new();
    let mut whole = false;
    for path in paths {
        let (folder, recursive) = folder(path)?;
        let found = project_of(&folder, go_work);
        // The folder of a module of a workspace stands for all programs of that module.
        let recursive = recursive || folder.join("go.mod").is_file();
        match &project {
            Some(first) if first != found => {
                let (first, other) = (first.clone(), found.to_owned());
                return Err(LocationError::SeveralProjects { first, other });
            }
            _ => project = Some(found.to_owned()),
        }
        match relative(found, &folder)? {
            below if below.is_root() => whole = true,
            below => selection.push(format!("./{below}{}", if recursive { "/..." } else { "" })),
        }
    }
    if whole {
        selection.clear();
    }
    let project = project.unwrap_or_default();
    let module = outwards(&project, &["go.mod"]);
    let go_work_file = match go_work {
        "off" => None,
        "" => outwards(&project, &["go.work"]).map(|folder| folder.join("go.work")),
        file => Some(open(Path::new(file))?),
    };
    let candidates = [
        Some(project.as_path()),
        module,
        go_work_file.as_deref().and_then(Path::parent),
    ];
    // Only folders above the project widen the tree; a GOWORK elsewhere is reached with `../`.
    let above = candidates
        .into_iter()
        .flatten()
        .filter(|folder| project.starts_with(folder));
    let root = above
        .min_by_key(|folder| folder.components().count())
        .unwrap_or(&project);
    let go_work = match &go_work_file {
        None => GoWork::Off,
        Some(file) => GoWork::File(relative(root, file)?),
    };
    Ok(Location {
        project: relative(root, &project)?,
        root: root.to_owned(),
        selection,
        go_work,
    })
}

/// Returns the folder of the project that `folder` belongs to.
fn project_of<'a>(folder: &'a Path, go_work: &str) -> &'a Path {
    let module = outwards(folder, &["go.mod"]);
    let workspace = match go_work {
        "" => outwards(folder, &["go.work"]),
        _ => None,
    };
    let outermost = [module, workspace]
        .into_iter()
        .flatten()
        .min_by_key(|folder| folder.components().count());
    let Some(outermost) = outermost else {
        return outwards(folder, &[FILE_NAME]).unwrap_or(folder);
    };
    outwards(folder, &[FILE_NAME])
        .filter(|manifest| manifest.starts_with(outermost))
        .or(module)
        .unwrap_or(outermost)
}

/// Splits `dir/...` and resolves the folder.
fn folder(path: &Path) -> Result<(PathBuf, bool), LocationError> {
    let (folder, recursive) = match path.file_name() {
        Some(name) if name == "..." => (path.parent().unwrap_or(Path::new(".")), true),
        _ => (path, false),
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let resolved = open(folder)?;
    if resolved.is_dir() {
        Ok((resolved, recursive))
    } else {
        Err(LocationError::NotAFolder(path.to_owned()))
    }
}

fn open(path: &Path) -> Result<PathBuf, LocationError> {
    fs::canonicalize(path).map_err(|source| LocationError::Open {
        path: path.to_owned(),
        source,
    })
}

/// Returns the nearest folder, from `start` upwards, that holds one of `names`.
fn outwards<'a>(start: &'a Path, names: &[&str]) -> Option<&'a Path> {
    start
        .ancestors()
        .find(|folder| names.iter().any(|name| folder.join(name).is_file()))
}

/// Returns `path` as seen from `folder`, with `..` where it lies outside.
pub(super) fn relative(folder: &Path, path: &Path) -> Result<TreePath, LocationError> {
    let shared = folder
        .components()
        .zip(path.components())
        .take_while(|(a, b)| a == b)
        .count();
    let climbs = folder.components().count() - shared;
    let mut result = TreePath::new(&vec![".."; climbs].join("/"));
    for component in path.components().skip(shared) {
        let name = component.as_os_str().to_str();
        result = result.join(name.ok_or_else(|| LocationError::NotUtf8(path.to_owned()))?);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let root = fs::canonicalize(folder.path()).unwrap();
        (folder, root)
    }

    #[test]
    fn a_folder_below_the_module_selects_its_package() {
        let (_folder, root) = project(&["m/go.mod", "m/cmd/api/main.go", "m/cmd/b/main.go"]);
        let found = locate(&[root.join("m/cmd/api"), root.join("m/cmd/...")], "").unwrap();
        assert_eq!(found.root, root.join("m"));
        assert!(found.project.is_root());
        assert_eq!(found.selection, ["./cmd/api", "./cmd/..."]);
        assert_eq!(found.go_work, GoWork::Off);
    }

    #[test]
    fn go_work_above_widens_the_tree() {
        let (_folder, root) = project(&["go.work", "app/go.mod", "app/goimage.toml"]);
        let found = locate(&[root.join("app")], "").unwrap();
        assert_eq!(found.root, root);
        assert_eq!(found.project, TreePath::new("app"));
        assert_eq!(found.go_work, GoWork::File(TreePath::new("go.work")));
        let off = locate(&[root.join("app")], "off").unwrap();
        assert_eq!((off.root, off.go_work), (root.join("app"), GoWork::Off));
    }

    #[test]
    fn a_module_belongs_to_the_manifest_of_its_workspace() {
        let (_folder, root) = project(&[
            "goimage.toml",
            "w/goimage.toml",
            "w/go.work",
            "w/app/go.mod",
            "w/app/cmd/api/main.go",
        ]);
        let found = |path: &str, go_work: &str| {
            let found = locate(&[root.join(path)], go_work).unwrap();
            (found.folder(), found.selection)
        };
        let (workspace, app) = (root.join("w"), root.join("w/app"));
        let selected = |pattern: &str| vec![pattern.to_owned()];
        assert_eq!(found("w", ""), (workspace.clone(), vec![]));
        assert_eq!(
            found("w/app", ""),
            (workspace.clone(), selected("./app/..."))
        );
        assert_eq!(
            found("w/app/cmd/api", ""),
            (workspace, selected("./app/cmd/api"))
        );
        // Without the workspace, what is above the module has nothing to say.
        assert_eq!(found("w/app/cmd/api", "off"), (app, selected("./cmd/api")));
    }

    #[test]
    fn a_link_leads_to_the_project_itself() {
        let (_folder, root) = project(&["m/go.mod", "m/cmd/api/main.go"]);
        std::os::unix::fs::symlink(root.join("m/cmd/api"), root.join("link")).unwrap();
        let found = locate(&[root.join("link")], "").unwrap();
        assert_eq!(found.folder(), root.join("m"));
        assert_eq!(found.selection, ["./cmd/api"]);
    }

    #[test]
    fn go_work_elsewhere_is_reached_from_the_root() {
        let (_folder, root) = project(&["m/go.mod", "w/go.work"]);
        let file = root.join("w/go.work");
        let found = locate(&[root.join("m")], file.to_str().unwrap()).unwrap();
        assert_eq!(found.root, root.join("m"));
        assert_eq!(found.go_work, GoWork::File(TreePath::new("../w/go.work")));
    }

    #[test]
    fn a_manifest_below_the_module_is_the_project() {
        let (_folder, root) = project(&[
            "go.mod",
            "services/api/goimage.toml",
            "services/api/main.go",
        ]);
        let found = locate(&[root.join("services/api")], "").unwrap();
        assert_eq!(found.root, root);
        assert_eq!(found.project, TreePath::new("services/api"));
        assert!(found.selection.is_empty());
    }

    #[test]
    fn what_is_no_folder_is_refused() {
        let (_folder, root) = project(&["a/go.mod", "b/go.mod", "a/main.go"]);
        assert!(matches!(
            locate(&[root.join("none")], ""),
            Err(LocationError::Open { .. })
        ));
        assert!(matches!(
            locate(&[root.join("a/main.go")], ""),
            Err(LocationError::NotAFolder(_))
        ));
        assert!(matches!(
            locate(&[root.join("a"), root.join("b")], ""),
            Err(LocationError::SeveralProjects { .. })
        ));
    }
}

//! Projects on disk, seen by the go command and by us.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::*;

/// A project on disk: `root/` is the tree, so that a module can stand beside it.
pub(super) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    /// Writes files, whose paths are relative to the tree.
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self {
            directory: tempfile::tempdir().expect("a temporary folder"),
        };
        for (path, content) in files {
            project.write(path, content);
        }
        project
    }

    pub(super) fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("root")
    }

    pub(super) fn write(&self, path: &str, content: &str) {
        let path = self
            .directory
            .path()
            .join(TreePath::new("root").join(path).as_str());
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(path, content).expect("a writable folder");
    }

    /// Runs `go` in a folder of the tree, without network or outer settings.
    pub(super) fn go(&self, start: &str, arguments: &[&str]) -> Output {
        Command::new("go")
            .args(arguments)
            .current_dir(self.root().join(start))
            .env("GOFLAGS", "")
            .env_remove("GOWORK")
            .env("GOTOOLCHAIN", "local")
            .env("GOPROXY", "off")
            .env("GOSUMDB", "off")
            .env("GOMODCACHE", self.directory.path().join("modcache"))
            .output()
            .expect("the go command must be there to compare with")
    }

    /// Returns what is on disk as a tree.
    pub(super) fn tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::default();
        collect(self.directory.path(), "..", &mut tree);
        tree
    }

    /// Returns the folder of each package that `go list` finds, relative to the tree, and
    /// `std` for the standard library.
    pub(super) fn listed(&self, start: &str) -> Result<Vec<(String, String)>, String> {
        let format = "{{.ImportPath}}|{{.Standard}}|{{.Dir}}";
        let output = self.go(start, &["list", "-deps", "-f", format, "./..."]);
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let outer = fs::canonicalize(self.directory.path()).expect("an existing folder");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let packages = text.lines().map(|line| {
            let fields: Vec<&str> = line.split('|').collect();
            let place = if fields[1] == "true" {
                "std".to_owned()
            } else {
                let below = Path::new(fields[2])
                    .strip_prefix(&outer)
                    .expect("a folder of ours");
                let path = TreePath::new("..").join(below.to_str().expect("UTF-8"));
                inside(&path).to_string()
            };
            (fields[0].to_owned(), place)
        });
        Ok(packages.collect())
    }

    /// Loads the workspace and resolves imports, as `go list` would have to.
    pub(super) fn ours(&self, start: &str, imports: &[&str]) -> Result<Vec<String>, String> {
        let tree = self.tree();
        let workspace = Workspace::load(&tree, &TreePath::new(start), GoWork::Auto)
            .map_err(|error| error.to_string())?;
        workspace
            .check_toolchain(&host())
            .map_err(|error| error.to_string())?;
        let resolver = Resolver::new(&workspace, &tree);
        let mut places = Vec::new();
        let mut external = Vec::new();
        for import_path in imports {
            let resolution = resolver
                .resolve(import_path)
                .map_err(|error| error.to_string())?;
            places.push(match resolution {
                Resolution::Standard => "std".to_owned(),
                Resolution::Local(directory) => directory.to_string(),
                Resolution::External { .. } => {
                    external.push(*import_path);
                    "external".to_owned()
                }
            });
        }
        workspace
            .verify(&tree, external)
            .map_err(|error| error.to_string())?;
        Ok(places)
    }
}

/// Drops the `../root` that a path below the outer folder begins with.
fn inside(path: &TreePath) -> TreePath {
    path.below(&TreePath::new("../root"))
        .unwrap_or_else(|| path.clone())
}

fn collect(outer: &Path, prefix: &str, tree: &mut MemoryTree) {
    for entry in fs::read_dir(outer).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        let name = entry.file_name().into_string().expect("UTF-8");
        if name == "modcache" {
            continue;
        }
        let path = format!("{prefix}/{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &path, tree);
        } else {
            let content = fs::read(entry.path()).expect("a readable file");
            tree.insert(inside(&TreePath::new(&path)).as_str(), content);
        }
    }
}

/// Returns the version of the host's go command.
fn host() -> GoVersion {
    let output = Command::new("go")
        .args(["env", "GOVERSION"])
        .env("GOTOOLCHAIN", "local")
        .output()
        .expect("the go command must be there to compare with");
    let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    GoVersion::from_toolchain(&name).expect("a toolchain name")
}

//! A folder of a test's own: a home, a project, room for outputs.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::iter;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;

use super::program::Gobuild;
use super::{daemon, registry, tool};

/// A test's own folder; it goes with the value.
pub(crate) struct Sandbox {
    folder: tempfile::TempDir,
    project: PathBuf,
}

impl Sandbox {
    /// Returns a sandbox with a copy of an example as its project.
    pub(crate) fn example(name: &str) -> Self {
        let sandbox = Self::empty();
        copy(&examples().join(name), &sandbox.project);
        sandbox
    }

    /// Returns a sandbox whose project has these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty();
        for (path, content) in files {
            sandbox.write(path, content);
        }
        sandbox
    }

    /// Returns a sandbox with the smallest program that prints something: `greeting`.
    pub(crate) fn minimal(greeting: &str) -> Self {
        Self::of(&[("go.mod", GO_MOD), ("main.go", &main(greeting))])
    }

    /// Returns a sandbox with two programs, `./one` and `./two`, that print their names.
    pub(crate) fn pair() -> Self {
        Self::of(&[
            ("go.mod", GO_MOD),
            ("one/main.go", &main("one")),
            ("two/main.go", &main("two")),
        ])
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("gobuild-case.")
            .tempdir()
            .unwrap();
        let project = folder.path().join("project");
        for name in ["project", "home", "home/.run", "out"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, project }
    }

    /// Returns the project's folder.
    pub(crate) fn project(&self) -> &Path {
        &self.project
    }

    /// Returns the home folder that gobuild sees.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Returns a path for an output; nothing is there yet.
    pub(crate) fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Writes a file of the project, or beside it (`../lib/lib.go`).
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.project.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Replaces a text that a file of the project has exactly once.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.project.join(path)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from:?} in {path}:\n{text}");
        self.write(path, &text.replace(from, to));
    }

    /// Writes a file of the home folder.
    pub(crate) fn write_home(&self, path: &str, content: &str) {
        let path = self.home().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Puts a shell script into the home folder's `bin`; returns the PATH that begins there.
    pub(crate) fn program(&self, name: &str, script: &str) -> OsString {
        let text = format!("scripts/{name}");
        self.write_home(&text, &format!("#!/bin/sh\n{script}\n"));
        let (text, bin) = (self.home().join(text), self.home().join("bin"));
        fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(&bin).unwrap();
        // Linux runs no file that is open for writing, and a child that another test starts at this
        // moment would inherit our handle; cp has no children.
        let (text, to) = (text.as_os_str(), bin.as_os_str());
        tool::run(
            "cp",
            &["-p".as_ref(), "--remove-destination".as_ref(), text, to],
        );
        let rest = env::var_os("PATH").unwrap();
        env::join_paths(iter::once(bin).chain(env::split_paths(&rest))).unwrap()
    }

    /// Returns gobuild, run in the project, with a builder named that is not there.
    pub(crate) fn gobuild(&self) -> Gobuild {
        Gobuild::new(&self.project, &self.home())
    }

    /// Returns `gobuild image` on the shared daemon, for linux/amd64 unless the manifest says so.
    pub(crate) fn image(&self) -> Gobuild {
        self.gobuild()
            .args(["image", "--addr", &daemon::address(), "--progress", "plain"])
    }

    /// Returns `gobuild image` on the shared daemon, pushing below [`repository`].
    pub(crate) fn push(&self) -> Gobuild {
        self.image().args(["--push", "--repository", &repository()])
    }
}

/// Returns the repository prefix of the running test: `127.0.0.1:5000/cases/outputs/tags`.
pub(crate) fn repository() -> String {
    let thread = thread::current();
    let test = thread.name().expect("a test has a name").replace("::", "/");
    format!("{}/{test}", registry::shared())
}

/// A module file for the toolchain that the tests use.
pub(crate) const GO_MOD: &str = "module example.com/app\n\ngo 1.26.0\n\ntoolchain go1.26.8\n";

/// Returns a program that prints a line and compiles in no time.
pub(crate) fn main(greeting: &str) -> String {
    format!(
        "package main\n\nimport \"os\"\n\nfunc main() {{\n\tos.Stdout.WriteString(\"{greeting}\\n\")\n}}\n"
    )
}

/// Returns the folder of the examples.
pub(crate) fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Copies a folder's content.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

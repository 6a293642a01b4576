//! `go build` with gobuild as its cache.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use super::environment::environment;

/// A copy of a project, cache folders beside it, and variables of the runs.
pub(crate) struct GoBuild {
    root: tempfile::TempDir,
    variables: BTreeMap<String, String>,
    dir: String,
}

/// What a build said.
pub(crate) struct Built {
    /// What was compiled.
    pub(crate) compiled: Vec<String>,
    /// Everything on standard error.
    pub(crate) said: String,
    /// The report of the cache.
    pub(crate) stats: serde_json::Value,
}

impl GoBuild {
    /// Returns a project of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let build = Self {
            root: tempfile::tempdir().unwrap(),
            variables: BTreeMap::new(),
            dir: "cache".to_owned(),
        };
        for (path, content) in files {
            build.write(path, content);
        }
        build
    }

    /// Returns a copy of an example.
    pub(crate) fn example(name: &str) -> Self {
        let build = Self::of(&[]);
        let from = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples")
            .join(name);
        super::sandbox::copy(&from, &build.root.path().join("project"));
        build
    }

    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.root.path().join("project").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Returns a path beside the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Sets a variable of the runs to come, such as `GOBUILD_CACHEPROG_REMOTE`.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Uses another folder as the local tier: another machine.
    pub(crate) fn on(&mut self, dir: &str) -> &mut Self {
        dir.clone_into(&mut self.dir);
        self
    }

    /// Returns `go build` of the project; `output` is the binary's name.
    ///
    /// `go` keeps what it knows of a folder only once its files are two seconds old
    /// (`cmd/go/internal/modindex`), so that how fast tests run would decide what is in the cache:
    /// they get older first.
    pub(crate) fn command(&self, output: &str) -> Command {
        age(&self.root.path().join("project"));
        let mut command = Command::new("go");
        command
            .args(["build", "-v", "-trimpath", "-buildvcs=false", "-o"])
            .arg(self.path(output))
            .arg(".")
            .current_dir(self.root.path().join("project"))
            .env_clear()
            .envs(environment())
            .env("HOME", self.path("home"))
            .env("CGO_ENABLED", "0");
        command
    }

    /// The same, with gobuild as its cache.
    pub(crate) fn cached(&self, output: &str) -> Command {
        let mut command = self.command(output);
        let program = format!("{} cacheprog", env!("CARGO_BIN_EXE_gobuild"));
        command
            .env("GOCACHEPROG", program)
            .env("GOCACHE", self.path(&self.dir))
            .env("GOBUILD_CACHEPROG_STATS", self.path("stats.json"))
            .envs(&self.variables);
        command
    }

    /// Builds with gobuild as the cache.
    pub(crate) fn build(&self) -> Built {
        let output = self.cached("binary").output().unwrap();
        let stats = std::fs::read(self.path("stats.json")).unwrap_or_default();
        let stats = serde_json::from_slice(&stats).unwrap_or_default();
        built(&output, stats)
    }

    /// Builds with plain GOCACHE.
    pub(crate) fn plain(&self, cache: &str) -> Built {
        let mut command = self.command("binary");
        command.env("GOCACHE", self.path(cache));
        built(&command.output().unwrap(), serde_json::Value::Null)
    }

    /// Returns the hash of the binary that was built last.
    pub(crate) fn binary(&self) -> String {
        let bytes = std::fs::read(self.path("binary")).unwrap();
        gobuild::cacheprog::Id::of(&bytes).to_string()
    }
}

/// Dates what is younger than an hour back by an hour.
fn age(path: &Path) {
    let file = File::open(path).unwrap();
    let metadata = file.metadata().unwrap();
    let modified = metadata.modified().unwrap();
    let hour = Duration::from_secs(60 * 60);
    if SystemTime::now() < modified + hour {
        file.set_modified(modified - hour).unwrap();
    }
    if metadata.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            age(&entry.unwrap().path());
        }
    }
}

/// Reads what a build said; it must have succeeded.
pub(crate) fn built(output: &Output, stats: serde_json::Value) -> Built {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    // With -v the names of packages that are compiled are lines of their own.
    let names = said.lines().filter(|line| !line.contains([' ', ':']));
    Built {
        compiled: names.map(str::to_owned).collect(),
        stats,
        said,
    }
}

//! What all builds of a run stand on: a folder, a registry, a builder, a store of compiled packages,
//! images, Go toolchains.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use serde::Deserialize;

use crate::builder::Builder;
use crate::environment::environment;
use crate::registry::Registry;
use crate::store::Store;
use crate::{images, tool};

/// The program under test, as this bench was built with it.
pub(crate) const GOBUILD: &str = env!("CARGO_BIN_EXE_gobuild");

/// All of it; it ends and goes with the value.
pub(crate) struct Lab {
    folder: tempfile::TempDir,
    /// The builder of gobuild and of the Dockerfiles.
    pub(crate) builder: Builder,
    /// Where everything is pushed to.
    pub(crate) registry: Registry,
    /// Where compiled packages are kept.
    pub(crate) store: Store,
    /// The base image of Dockerfiles and of ko.
    pub(crate) base: String,
    toolchains: BTreeMap<String, PathBuf>,
}

/// The Go that a project is compiled with, by gobuild's own choice.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// As in `1.26.8`.
    pub(crate) version: String,
    /// The platform that steps run on: this machine's.
    pub(crate) platform: String,
    /// Its GOROOT on this machine.
    pub(crate) goroot: PathBuf,
}

/// A plan, as far as it matters here.
#[derive(Deserialize)]
struct Plan {
    build_platform: String,
    toolchain: PlannedToolchain,
}

#[derive(Deserialize)]
struct PlannedToolchain {
    version: String,
}

impl Lab {
    /// Starts the servers and pushes the base image.
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("gobuild-bench.")
            .tempdir()
            .unwrap();
        for name in ["home", "docker", "empty"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let registry = Registry::start(&folder.path().join("registry"));
        let builder = Builder::start(&folder.path().join("buildkit"), registry.host());
        let base = images::push_base(folder.path(), registry.host());
        Self {
            folder,
            builder,
            registry,
            store: Store::start(),
            base,
            toolchains: BTreeMap::new(),
        }
    }

    /// Returns a folder of the run; it may not be there.
    pub(crate) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Returns the toolchain of a project's tree; the first time, its golang image is pushed.
    pub(crate) fn toolchain(&mut self, tree: &Path) -> Toolchain {
        let mut command = self.program(GOBUILD, tree);
        command.args(["plan", "--json"]);
        let plan: Plan = serde_json::from_slice(&tool::output(command).stdout).unwrap();
        let version = plan.toolchain.version;
        let known = self.toolchains.get(&version).cloned();
        let goroot = known.unwrap_or_else(|| {
            let mut command = Command::new("go");
            command
                .args(["env", "GOROOT"])
                .env("GOTOOLCHAIN", format!("go{version}"))
                .current_dir(self.place("empty"));
            let goroot = PathBuf::from(printed(&tool::output(command)));
            self.prepare_toolchain(&version, &goroot, &plan.build_platform);
            goroot
        });
        self.toolchains.insert(version.clone(), goroot.clone());
        Toolchain {
            version,
            platform: plan.build_platform,
            goroot,
        }
    }

    /// Puts a toolchain where each side takes it from: the image into the registry, the module into
    /// gobuild's module cache.
    fn prepare_toolchain(&self, version: &str, goroot: &Path, platform: &str) {
        let registry = self.registry.host();
        images::push_golang(self.folder.path(), registry, version, goroot, platform);
        let module = format!(
            "golang.org/toolchain@v0.0.1-go{version}.{}",
            platform.replace('/', "-")
        );
        let mut command = self.program("go", &self.place("empty"));
        command.args(["mod", "download", &module]);
        tool::output(command);
    }

    /// Returns a program in the environment of all: nothing of the user's but what fetches modules.
    pub(crate) fn program(&self, program: impl AsRef<std::ffi::OsStr>, tree: &Path) -> Command {
        let mut command = Command::new(program);
        let cache = self.gobuild_cache();
        command
            .current_dir(tree)
            .env_clear()
            .envs(environment())
            .env("HOME", self.place("home"))
            .env("DOCKER_CONFIG", self.place("docker"))
            .env("XDG_CACHE_HOME", &cache)
            .env("XDG_DATA_HOME", self.place("home/.data"))
            .env("XDG_CONFIG_HOME", self.place("home/.config"))
            // gobuild's own; native and ko get theirs.
            .env("GOMODCACHE", self.place("gobuild/mod"))
            .env("GOCACHE", self.place("gobuild/build"));
        command
    }

    /// Returns where gobuild remembers things between runs.
    pub(crate) fn gobuild_cache(&self) -> PathBuf {
        self.place("gobuild/xdg")
    }

    /// Returns a host compiler's environment: the toolchain, and caches by this name.
    pub(crate) fn compiler(
        &self,
        program: impl AsRef<std::ffi::OsStr>,
        tree: &Path,
        toolchain: &Toolchain,
        caches: &str,
    ) -> Command {
        let mut command = self.program(program, tree);
        let path = environment().get("PATH").cloned().unwrap_or_default();
        command
            .env("PATH", format!("{}/bin:{path}", toolchain.goroot.display()))
            .env("GOTOOLCHAIN", "local")
            .env("CGO_ENABLED", "0")
            // So that what was downloaded can be removed again.
            .env("GOFLAGS", "-modcacherw")
            .env("GOMODCACHE", self.place(&format!("{caches}/mod")))
            .env("GOCACHE", self.place(&format!("{caches}/build")));
        command
    }

    /// Removes a host compiler's caches.
    pub(crate) fn empty_caches(&self, caches: &str) {
        put_aside(&self.place(caches));
    }
}

/// Bytes that the disk must have free; with less, what was put aside is removed.
const ROOM: u64 = 25 << 30;

/// Empties a folder's place before something is timed, without removing a file: for minutes after
/// files were removed ext4 looks for inodes that were not just freed (`fs/ext4/ialloc.c`,
/// `recently_deleted`), which doubled the time of builds that write many. No user's machine has
/// removed a gigabyte a second ago.
pub(crate) fn put_aside(folder: &Path) {
    static ASIDE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    if !folder.exists() {
        return;
    }
    let mut aside = ASIDE.lock().unwrap();
    let disk = rustix::fs::statvfs(folder).unwrap();
    if disk.f_bavail * disk.f_frsize < ROOM {
        aside.drain(..).for_each(|folder| remove(&folder));
    }
    let there = folder.with_extension(format!("aside-{}", aside.len()));
    fs::rename(folder, &there).unwrap();
    aside.push(there);
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    }
}

/// Returns what a program printed, without the line's end.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

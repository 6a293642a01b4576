//! A user's machine: a project, the store of `docker buildx`, and programs that lead to daemons.
//!
//! The programs are scripts that note their arguments and become the real `buildctl dial-stdio` of
//! the shared daemon: all but the way there is as it is for users.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;

use super::daemon;
use super::image::Image;
use super::program::{Gobuild, Run};
use super::sandbox::Sandbox;

/// A sandbox with programs of its own, and the PATH that has them.
pub(crate) struct Machine(Sandbox, OsString);

impl Machine {
    /// Returns a machine whose project prints a line.
    pub(crate) fn new(greeting: &str) -> Self {
        Self::of(Sandbox::minimal(greeting))
    }

    /// Returns a machine with a project.
    pub(crate) fn of(sandbox: Sandbox) -> Self {
        Self(sandbox, env::var_os("PATH").unwrap())
    }

    /// Returns what it consists of.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.0
    }

    /// Returns the PATH that begins with its programs.
    pub(crate) fn path(&self) -> OsString {
        self.1.clone()
    }

    /// Puts a script on PATH.
    pub(crate) fn program(mut self, name: &str, script: &str) -> Self {
        self.1 = self.0.program(name, script);
        self
    }

    /// Puts a program on PATH that leads to the shared daemon.
    pub(crate) fn way(self, name: &str) -> Self {
        let log = self.argv_path(name);
        let script = format!(
            "printf '%s\\n' {name} \"$@\" >>{}\nexec buildctl --addr {} dial-stdio",
            log.display(),
            daemon::address()
        );
        self.program(name, &script)
    }

    fn argv_path(&self, name: &str) -> PathBuf {
        self.0.home().join(format!("{name}.argv"))
    }

    /// Returns what a program was run with, in one line.
    pub(crate) fn argv(&self, name: &str) -> String {
        let argv = fs::read_to_string(self.argv_path(name)).unwrap();
        argv.lines().collect::<Vec<_>>().join(" ")
    }

    /// Writes a builder into the store of buildx, as buildx does.
    pub(crate) fn builder(self, name: &str, driver: &str, nodes: &serde_json::Value) -> Self {
        let builder = serde_json::json!({
            "Name": name, "Driver": driver, "Nodes": nodes, "Dynamic": false,
        });
        let path = format!(".docker/buildx/instances/{name}");
        self.0.write_home(&path, &builder.to_string());
        self
    }

    /// Does what `docker buildx use` does.
    pub(crate) fn uses(self, name: &str) -> Self {
        let current = serde_json::json!({
            "Key": "unix:///var/run/docker.sock", "Name": name, "Global": false,
        });
        self.0
            .write_home(".docker/buildx/current", &current.to_string());
        self
    }

    /// Returns gobuild with the programs on PATH and no builder named.
    pub(crate) fn gobuild(&self) -> Gobuild {
        self.0
            .gobuild()
            .without("BUILDKIT_HOST")
            .env("PATH", &self.1)
    }

    /// Builds the project into an archive and runs what it holds.
    pub(crate) fn builds(&self, gobuild: Gobuild, greeting: &str) -> Run {
        let archive = self.0.out("image.tar");
        let run = gobuild.output("oci", &archive).succeeds();
        let printed = Image::new(archive.display()).run_default();
        assert_eq!(printed, format!("{greeting}\n"), "{run}");
        run
    }
}

/// `gobuild image` whose messages are lines.
pub(crate) const IMAGE: [&str; 3] = ["image", "--progress", "plain"];

//! `go build` on this machine as [`native`], with `gobuild cacheprog` as its build cache.

use std::process::Command;

use crate::contenders::{Build, Column, native};
use crate::lab::{GOBUILD, Lab};
use crate::store::Store;

/// Returns the one command of a build.
pub(super) fn command(column: Column, lab: &Lab, build: &Build<'_>) -> Command {
    let mut command = native::command(lab, build, column.name(), &column.out(lab));
    command.env("GOCACHEPROG", format!("{GOBUILD} cacheprog"));
    if column == Column::HelperRemote {
        let mode = if build.fills { "read-write" } else { "read" };
        command
            .env("GOBUILD_CACHEPROG_REMOTE", Store::url("helper"))
            .env("GOBUILD_CACHEPROG_REMOTE_MODE", mode)
            .env("GOBUILD_CACHEPROG_SCOPE", build.project.name)
            .envs(lab.store.variables(build.latency));
    }
    command
}

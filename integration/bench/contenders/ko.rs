//! `ko build`: compiles on this machine, with caches of its own, and pushes an image per main.

use std::process::Command;

use crate::contenders::Build;
use crate::lab::Lab;

/// Returns the one command of a build.
pub(super) fn command(lab: &Lab, build: &Build<'_>) -> Command {
    let mut command = lab.compiler("ko", &build.tree, build.toolchain, "ko");
    let repository = format!("{}/{}", lab.registry.host(), build.repository);
    command
        .env("KO_DOCKER_REPO", repository)
        .env("KO_DEFAULTBASEIMAGE", &lab.base)
        .args(["build", "--platform", &build.platforms.join(",")])
        .args(&build.mains);
    command
}

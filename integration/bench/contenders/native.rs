//! `go build` on this machine: the same Go, the same flags, caches of its own.

use std::path::Path;
use std::process::Command;

use crate::contenders::Build;
use crate::lab::Lab;

/// The flags that gobuild compiles with.
pub(super) const FLAGS: [&str; 3] = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="];

/// Returns the command that compiles all mains of a build for its last platform: with a platform
/// added, that one alone. It fetches the modules that are imported, and no others, then compiles.
pub(super) fn command(lab: &Lab, build: &Build<'_>, caches: &str, out: &Path) -> Command {
    let platform = build.platforms.last().expect("a build is for a platform");
    compile(lab, build, platform, caches, out)
}

/// Returns the command that compiles all mains of a build for one platform.
pub(super) fn compile(
    lab: &Lab,
    build: &Build<'_>,
    platform: &str,
    caches: &str,
    out: &Path,
) -> Command {
    let (os, architecture) = platform.split_once('/').expect("a platform has a slash");
    let mut command = lab.compiler("go", &build.tree, build.toolchain, caches);
    std::fs::create_dir_all(out).expect("the bench's folder can be written to");
    // The trailing slash: a folder, even for one main.
    let out = format!("{}/", out.display());
    command
        .env("GOOS", os)
        .env("GOARCH", architecture)
        .arg("build")
        .args(FLAGS)
        .args(["-o", &out])
        .args(&build.mains);
    command
}

//! `go build` on this machine: the same Go, the usual flags of a release, caches of its own.

use std::path::Path;
use std::process::Command;

use crate::contenders::Build;
use crate::lab::Lab;

/// The flags that people write for small binaries that can be made again.
pub(super) const FLAGS: [&str; 3] = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="];

/// What gobuild adds to them: no debug information is compiled that is not linked.
pub(crate) const ADDED: [&str; 1] = ["-gcflags=all=-dwarf=false"];

/// Returns the command that compiles all mains of a build for its last platform: with a platform
/// added, that one alone. It fetches the modules that are imported, and no others, then compiles.
pub(super) fn command(lab: &Lab, build: &Build<'_>, caches: &str, out: &Path) -> Command {
    let platform = build.platforms.last().expect("a build is for a platform");
    compile(lab, build, platform, caches, out, &[])
}

/// Returns the command that compiles all mains of a build for one platform, with some more flags.
pub(super) fn compile(
    lab: &Lab,
    build: &Build<'_>,
    platform: &str,
    caches: &str,
    out: &Path,
    flags: &[&str],
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
        .args(flags)
        .args(["-o", &out])
        .args(&build.mains);
    command
}

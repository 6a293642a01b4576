//! gobuild without a builder: what its client computes before it sends anything.

use std::fmt::Write as _;
use std::process::Command;

use crate::contenders::Build;
use crate::lab::{GOBUILD, Lab};

/// Returns the command that plans all images.
pub(super) fn plan(lab: &Lab, build: &Build<'_>) -> Command {
    let mut command = lab.program(GOBUILD, &build.tree);
    command.args(["plan", "--json"]).args(&build.mains);
    command
}

/// Returns the command that plans, packs and marshals one image with all binaries: a graph is one
/// image's, and that of all binaries has every step that their own images would have.
pub(super) fn graph(lab: &Lab, build: &Build<'_>) -> Command {
    let manifest = lab.place("all-in-one.toml");
    let mut text = "[[image]]\nname = \"all\"\nbinaries = [\n".to_owned();
    for main in &build.mains {
        let _ = writeln!(text, "\t\"{main}\",");
    }
    text.push_str("]\n");
    std::fs::write(&manifest, text).expect("the bench's folder can be written to");
    let platform = build.platforms.first().expect("a build is for a platform");
    let mut command = lab.program(GOBUILD, &build.tree);
    command
        .args(["llb", "--platform", platform, "--file"])
        .arg(manifest);
    command
}

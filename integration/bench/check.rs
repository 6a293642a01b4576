//! Correctness first: gobuild's binaries are those that `go build` makes of the same tree with the
//! same flags and caches of its own that no timed build touches.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::contenders::{self, Build, binary};
use crate::lab::{Lab, remove};
use crate::tool;

/// Compares every binary that a build of gobuild's pushed, on every platform, and returns how many.
///
/// # Panics
/// Panics if one differs.
pub(crate) fn binaries(lab: &Lab, build: &Build<'_>) -> usize {
    let mut compared = 0;
    for platform in &build.platforms {
        let out = lab.place("check");
        remove(&out);
        tool::output(contenders::compile(
            lab,
            build,
            platform,
            "check-caches",
            &out,
        ));
        for main in &build.mains {
            let image = contenders::gobuild_image(lab, build, main);
            let ours = pushed(&image, platform, binary(main));
            let theirs = fs::read(out.join(binary(main))).unwrap();
            assert!(
                Sha256::digest(&ours) == Sha256::digest(&theirs),
                "{image} for {platform} holds {} bytes that `go build` does not make of {main} ({})",
                ours.len(),
                theirs.len(),
            );
            compared += 1;
        }
    }
    compared
}

/// Returns a binary out of an image in the registry.
fn pushed(image: &str, platform: &str, name: &str) -> Vec<u8> {
    let path = Path::new("usr/local/bin").join(name);
    let mut command = Command::new("runimage");
    command
        .args(["-platform", platform, "-cat"])
        .arg(path)
        .arg(image);
    tool::output(command).stdout
}

//! Correctness first: gobuild's binaries are those that `go build` makes of the same tree with the
//! same flags and caches of its own that no timed build touches.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::contenders::{self, Build, Column, binary};
use crate::lab::{Lab, remove};
use crate::tool;

/// Compares every binary that a build pushed or left, on every platform, and returns how many.
///
/// # Panics
/// Panics if one differs.
pub(crate) fn binaries(lab: &Lab, column: Column, build: &Build<'_>) -> usize {
    let mut compared = 0;
    let flags: &[&str] = match column {
        Column::Helper | Column::HelperRemote => &[],
        _ => &contenders::ADDED,
    };
    for platform in &build.platforms {
        let out = lab.place("check");
        remove(&out);
        tool::output(contenders::compile(
            lab,
            build,
            platform,
            "check-caches",
            &out,
            flags,
        ));
        for main in &build.mains {
            let (place, ours) = made(lab, column, build, platform, main);
            let theirs = fs::read(out.join(binary(main))).unwrap();
            assert!(
                Sha256::digest(&ours) == Sha256::digest(&theirs),
                "{place} for {platform} holds {} bytes that `go build` does not make of {main} ({})",
                ours.len(),
                theirs.len(),
            );
            compared += 1;
        }
    }
    compared
}

/// Returns where a binary is that a column made, and its bytes.
fn made(
    lab: &Lab,
    column: Column,
    build: &Build<'_>,
    platform: &str,
    main: &str,
) -> (String, Vec<u8>) {
    let name = binary(main);
    match column {
        Column::Helper | Column::HelperRemote => {
            let file = column.out(lab).join(name);
            (file.display().to_string(), fs::read(&file).unwrap())
        }
        _ => {
            let image = contenders::gobuild_image(lab, build, main);
            let bytes = pushed(&image, platform, name);
            (image, bytes)
        }
    }
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

//! Correctness first: gobuild's binaries are those that `go build` makes of the same tree with the
//! same flags and caches of its own that no timed build touches.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

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
            let theirs = Content::of(File::open(out.join(binary(main))).unwrap());
            assert!(
                ours == theirs,
                "{place} for {platform} holds {} bytes that `go build` does not make of {main} ({})",
                ours.length,
                theirs.length,
            );
            compared += 1;
        }
    }
    compared
}

/// What a binary is compared by. None is held in memory: what the bench itself has in use is counted
/// for the programs that it starts (`maxrss` begins with the memory that a child shares until it
/// executes another program).
#[derive(PartialEq, Eq)]
struct Content {
    digest: [u8; 32],
    length: u64,
}

impl Content {
    fn of(mut reader: impl Read) -> Self {
        let (mut hash, mut length) = (Sha256::new(), 0);
        let mut chunk = vec![0; 64 << 10];
        loop {
            let read = reader.read(&mut chunk).unwrap();
            if read == 0 {
                break;
            }
            hash.update(&chunk[..read]);
            length += read as u64;
        }
        let digest = hash.finalize().into();
        Self { digest, length }
    }
}

/// Returns where a binary is that a column made, and what is in it.
fn made(
    lab: &Lab,
    column: Column,
    build: &Build<'_>,
    platform: &str,
    main: &str,
) -> (String, Content) {
    let name = binary(main);
    match column {
        Column::Helper | Column::HelperRemote => {
            let file = column.out(lab).join(name);
            let content = Content::of(File::open(&file).unwrap());
            (file.display().to_string(), content)
        }
        _ => {
            let image = contenders::gobuild_image(lab, build, main);
            let content = pushed(&image, platform, name);
            (image, content)
        }
    }
}

/// Reads a binary out of an image in the registry.
fn pushed(image: &str, platform: &str, name: &str) -> Content {
    let path = Path::new("usr/local/bin").join(name);
    let mut command = Command::new("runimage");
    command
        .args(["-platform", platform, "-cat"])
        .arg(path)
        .arg(image);
    let mut reading = command.stdout(Stdio::piped()).spawn().unwrap();
    let content = Content::of(reading.stdout.take().unwrap());
    let end = reading.wait().unwrap();
    assert!(end.success(), "{command:?}: {end}");
    content
}

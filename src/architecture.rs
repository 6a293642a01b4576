//! The direction of the stages, checked: who may know whom.
//!
//! project → plan → lower → llb → buildkit, with `oci` below all of them. What is pure knows
//! nothing that is not; clippy's `disallowed-methods` keeps the rest of the world out of it.

#![expect(clippy::disallowed_methods, reason = "the sources are on the disk")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Every stage, and the others that it may use. `cli` and the crate's root are above all.
const STAGES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("oci", &[]),
    ("project", &["oci"]),
    ("plan", &["oci", "project"]),
    ("affected", &["plan", "project"]),
    ("check", &["oci", "plan", "project"]),
    ("kubernetes", &["oci", "plan", "project"]),
    ("llb", &["oci"]),
    ("lower", &["llb", "oci", "plan", "project"]),
    ("progress", &[]),
    ("content", &["oci"]),
    ("base", &["content", "oci"]),
    ("toolchain", &["base", "content", "oci"]),
    // Of `project`, the patterns of ignore files: the daemon filters by the same ones.
    ("buildkit", &["content", "oci", "progress", "project"]),
    ("builder", &["buildkit", "oci"]),
    // What steps run: gobuild's own content and analyses, inside a container.
    (
        "container",
        &["base", "content", "oci", "project", "toolchain"],
    ),
    // Of `buildkit`, the credentials that daemons are lent.
    ("registry", &["buildkit", "content", "oci"]),
    // Speaks to `go`, not to a daemon; it runs in build steps, too.
    ("cacheprog", &[]),
    // The second host of the build function, beside `cli`.
    (
        "frontend",
        &[
            "base",
            "buildkit",
            "check",
            "container",
            "content",
            "llb",
            "lower",
            "oci",
            "pipeline",
            "plan",
            "progress",
            "project",
            "toolchain",
        ],
    ),
    (
        "pipeline",
        &[
            "base",
            "buildkit",
            "cacheprog",
            "content",
            "llb",
            "lower",
            "oci",
            "plan",
            "progress",
            "project",
            "registry",
            "toolchain",
        ],
    ),
];

/// Returns the Rust files of a stage: a folder, or one file.
fn sources(path: &Path) -> Vec<PathBuf> {
    let mut open = vec![path.to_owned(), path.with_extension("rs")];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// Returns the stages that a line of code names.
fn named(line: &str) -> BTreeSet<&str> {
    if line.trim_start().starts_with("//") {
        return BTreeSet::new();
    }
    let paths = line.split("crate::").skip(1);
    paths
        .map(|path| {
            path.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or(path)
        })
        .collect()
}

#[test]
fn no_stage_knows_one_that_comes_after_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for &(stage, allowed) in STAGES {
        let files = sources(&root.join(stage));
        assert!(!files.is_empty(), "there is no stage {stage}");
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for (index, line) in text.lines().enumerate() {
                let foreign = |name: &&str| *name != stage && !allowed.contains(name);
                faults.extend(named(line).into_iter().filter(foreign).map(|name| {
                    let name = if name.is_empty() {
                        "a group of stages"
                    } else {
                        name
                    };
                    format!("{}:{}: {stage} uses {name}", file.display(), index + 1)
                }));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_stage_is_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known = STAGES.iter().map(|(stage, _)| *stage).collect::<Vec<_>>();
    let above = ["architecture", "cli", "lib", "main"];
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap();
        assert!(
            known.contains(&name) || above.contains(&name),
            "{name} is in no table of stages"
        );
    }
}

#[test]
fn names_are_read_from_code_alone() {
    let of = |line| named(line).into_iter().collect::<Vec<_>>();
    assert_eq!(of("use crate::plan::Plan;"), ["plan"]);
    assert_eq!(
        of("    f(crate::llb::a(), crate::oci::b())"),
        ["llb", "oci"]
    );
    assert_eq!(of("use crate::{llb, oci};"), [""]);
    assert!(of("/// See [`Plan`](crate::plan::Plan).").is_empty());
}

//! Programs that build constraints hide on some of the platforms.

use super::{GO_MOD, MAIN};
use crate::plan::fixture::Project;

/// Returns a project for two platforms, the second of which has no `./cmd/a`.
fn hidden(manifest: &str) -> Project {
    Project::new([
        ("go.mod", GO_MOD),
        (
            "cmd/a/main.go",
            "//go:build amd64\n\npackage main\nfunc main() {}\n",
        ),
        ("cmd/b/main.go", MAIN),
        ("goimage.toml", manifest),
    ])
    .platforms(&["linux/amd64", "linux/arm64"])
}

/// Returns each image and platform, with the number of programs in it.
fn built(manifest: &str) -> Vec<String> {
    let plan = hidden(manifest).plan();
    let images = plan.images.iter().flat_map(|image| {
        let platforms = image.platforms.iter();
        platforms.map(move |on| format!("{} {} {}", image.name, on.platform, on.binaries.len()))
    });
    images.collect()
}

#[test]
fn a_program_is_built_for_the_platforms_that_have_it() {
    assert_eq!(
        built(""),
        ["a linux/amd64 1", "b linux/amd64 1", "b linux/arm64 1"]
    );
    let all = "[[image]]\nname = \"all\"\nbinaries = [\"./cmd/...\"]\n";
    assert_eq!(built(all), ["all linux/amd64 2", "all linux/arm64 1"]);
    let one = "[[image]]\nname = \"one\"\nbinaries = [\"./cmd/a/...\"]\n";
    assert_eq!(built(one), ["one linux/amd64 1"]);
}

#[test]
fn a_program_that_is_named_must_be_on_every_platform() {
    for binaries in ["\"./cmd/a\"", "\"./...\", \"./cmd/a\""] {
        let manifest = format!("[[image]]\nname = \"x\"\nbinaries = [{binaries}]\n");
        let error = hidden(&manifest).try_plan().unwrap_err();
        assert_eq!(
            error.to_string(),
            "build constraints exclude all Go files in cmd/a, for linux/arm64"
        );
        assert_eq!(error.program(), Some("cmd/a"));
        assert!(error.hint().is_some_and(|hint| hint.contains("./cmd/...")));
    }
    // Where no platform has it, there is no one to name.
    let none = hidden("").platforms(&["linux/arm64", "linux/s390x"]);
    assert_eq!(
        none.select(&["./cmd/a"]).refusal(),
        "build constraints exclude all Go files in cmd/a"
    );
}

#[test]
fn a_fault_on_one_platform_hides_nothing() {
    let project = Project::new([
        ("go.mod", GO_MOD),
        ("cmd/a/main.go", MAIN),
        ("cmd/a/main_arm64.go", "package main\nimport x\n"),
        ("cmd/b/main.go", MAIN),
    ])
    .platforms(&["linux/amd64", "linux/arm64"]);
    assert_eq!(
        project.refusal(),
        "cmd/a/main_arm64.go:2:9: missing import path, for linux/arm64"
    );
}

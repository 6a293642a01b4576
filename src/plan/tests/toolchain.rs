//! Which Go a plan asks for.

use super::{GO_MOD, MAIN, two};
use crate::plan::fixture::Project;
use crate::plan::steps::toolchain::DEFAULT_GO;
use crate::plan::{PlanError, ToolchainSource};

#[test]
fn the_toolchain_is_what_manifest_or_module_says() {
    let version = |lines: &str, manifest: &str| {
        let go_mod = format!("module example.com/app\n\n{lines}");
        let files = [
            ("go.mod", go_mod.as_str()),
            ("main.go", MAIN),
            ("goimage.toml", manifest),
        ];
        Project::new(files).plan().toolchain.version
    };
    let newest = DEFAULT_GO;
    for (lines, manifest, expected) in [
        ("go 1.26.3\n", "", "1.26.3"),
        ("go 1.25.1\ntoolchain go1.26.5\n", "", "1.26.5"),
        // A language version names no release.
        ("go 1.26\n", "", newest),
        ("go 1.24\n", "", newest),
        ("go 1.20\n", "", newest),
        ("", "", newest),
        ("go 1.99\n", "", "1.99.0"),
        ("go 1.25.1\n", "[go]\nversion = \"1.26.2\"\n", "1.26.2"),
        ("go 1.25.1\n", "[go]\nversion = \"1.26\"\n", newest),
    ] {
        assert_eq!(version(lines, manifest), expected, "{lines:?} {manifest:?}");
    }
}

#[test]
fn a_toolchain_older_than_the_go_line_is_refused() {
    let project = Project::new([
        ("go.mod", GO_MOD),
        ("main.go", MAIN),
        ("goimage.toml", "[go]\nversion = \"1.25.0\"\n"),
    ]);
    assert!(matches!(project.try_plan(), Err(PlanError::Workspace(_))));
}

#[test]
fn a_compiler_or_git_comes_with_the_golang_image() {
    let source = |manifest: &str| two(manifest).plan().toolchain.source;
    let golang = ToolchainSource::Image("docker.io/library/golang:1.26.0".to_owned());
    assert_eq!(source(""), ToolchainSource::Proxy);
    assert_eq!(source("[go]\ncgo = true\n"), golang);
    assert_eq!(
        source("[modules]\nprivate = [\"git.example.com\"]\n"),
        golang
    );
    assert_eq!(
        source("[go]\ntoolchain = \"host\"\ncgo = true\n"),
        ToolchainSource::Host
    );
    // The daemon resolves no name without a tag.
    assert_eq!(
        source("[go]\ntoolchain = \"registry.example.com/go\"\n"),
        ToolchainSource::Image("registry.example.com/go:latest".to_owned())
    );
}

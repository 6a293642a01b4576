//! Which Go a plan asks for.

use super::{GO_MOD, MAIN, two};
use crate::plan::fixture::Project;
use crate::plan::pinning::Unlocked;
use crate::plan::steps::toolchain::DEFAULT_GO;
use crate::plan::{PlanError, ToolchainSource};
use crate::project::lock::Lock;
use crate::project::manifest::Base;

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

#[test]
fn a_lock_file_pins_images_and_go() {
    let digest = format!("sha256:{}", "a".repeat(64));
    let lock =
        |entries: &str| Lock::parse("goimage.lock", &format!("version = 1\n{entries}")).unwrap();
    let image = |name: &str| format!("[[image]]\nname = \"{name}\"\ndigest = \"{digest}\"\n");
    let manifest = "[go]\ntoolchain = \"golang:1.26\"\n\n[[image]]\nname = \"a\"\nbinaries = [\"./cmd/a\"]\n\
                    base = \"debian:13\"\n";
    let mut plan = two(manifest).plan();
    let unlocked = plan.pin(&lock(&image("docker.io/library/debian:13")));
    let unlocked: Vec<String> = unlocked.iter().map(Unlocked::to_string).collect();
    assert_eq!(unlocked, ["golang:1.26"]);
    let base = &plan.images[0].platforms[0].base;
    let pinned = format!("docker.io/library/debian:13@{digest}");
    assert_eq!(*base, Base::Image(pinned.parse().unwrap()));
    // What is pinned already is nobody else's business.
    let golang = plan.pin(&lock(&image("golang:1.26")));
    assert!(golang.is_empty(), "{golang:?}");
    let golang = format!("docker.io/library/golang:1.26@{digest}");
    assert_eq!(plan.toolchain.source, ToolchainSource::Image(golang));

    let mut plan = two("").plan();
    let entry = |platform: &str| {
        format!(
            "[[toolchain]]\nversion = \"1.26.0\"\nplatform = \"{platform}\"\ndigest = \"{digest}\"\n\
             layer = {{ packer = 2, digest = \"{digest}\", size = 1 }}\n"
        )
    };
    let unlocked = plan.pin(&lock(&entry("linux/arm64")));
    let unlocked: Vec<String> = unlocked.iter().map(Unlocked::to_string).collect();
    assert_eq!(unlocked, ["Go 1.26.0 for linux/amd64"]);
    assert_eq!(plan.toolchain.locked, None);
    assert!(plan.pin(&lock(&entry("linux/amd64"))).is_empty());
    assert!(plan.toolchain.locked.is_some());
}

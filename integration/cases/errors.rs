//! Mistakes of the user's: each said once, clearly, with its exit code, and before anything is
//! sent where that is possible.

use crate::harness::program::Run;
use crate::harness::registry::{self, Guarded, PASSWORD};
use crate::harness::sandbox::{GO_MOD, Sandbox, main};

const OTHER: i32 = 1;
const USAGE: i32 = 2;
const PROJECT: i32 = 3;
const BUILDER: i32 = 4;
const BUILD: i32 = 5;
const REGISTRY: i32 = 6;

/// An address that nobody listens on.
const NOBODY: &str = "unix:///nowhere/buildkitd.sock";

/// Builds a project that is refused for its own sake, and plans it, which says the same with no
/// builder in sight.
#[track_caller]
fn refused(files: &[(&str, &str)], says: &[&str]) -> Run {
    let sandbox = Sandbox::of(files);
    sandbox.gobuild().arg("plan").fails_with(PROJECT).says(says);
    let run = sandbox.image().fails_with(PROJECT).says(says);
    assert_eq!(run.count("error: "), 1, "{run}");
    run
}

#[test]
fn a_compile_error_is_go_s_own_once() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        (
            "cmd/app/main.go",
            "package main\n\nfunc main() {\n\tvar unused int\n\tundefined()\n}\n",
        ),
    ]);
    for progress in ["plain", "quiet"] {
        let run = sandbox
            .image()
            .args(["--progress", progress])
            .fails_with(BUILD);
        let run = run.says_nothing_of(&["-trimpath", "ldflags", "did not complete successfully"]);
        assert_eq!(
            run.count("cmd/app/main.go:4:6: declared and not used: unused"),
            1,
            "{run}"
        );
        assert_eq!(
            run.count("cmd/app/main.go:5:2: undefined: undefined"),
            1,
            "{run}"
        );
        assert_eq!(run.count("error: "), 1, "{run}");
        assert!(
            !run.stderr.contains("/gobuild/") && !run.stderr.contains("../"),
            "{run}"
        );
    }
}

#[test]
fn of_two_platforms_the_failing_one_is_named() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", "package main\n\nfunc main() { println(word) }\n"),
        ("word_amd64.go", "package main\n\nconst word = \"amd64\"\n"),
        (
            "word_arm64.go",
            "package main\n\nconst word int = \"arm64\"\n",
        ),
    ]);
    sandbox
        .image()
        .args(["--platform", "linux/amd64,linux/arm64"])
        .fails_with(BUILD)
        .says(&["word_arm64.go:3:18", "linux/arm64"]);
}

#[test]
fn a_bad_manifest_shows_the_line() {
    let manifest = "version = 1\n\n[[image]]\nname = \"app\"\nentrypont = [\"/app\"]\n";
    let run = refused(
        &[
            ("go.mod", GO_MOD),
            ("main.go", &main("")),
            ("goimage.toml", manifest),
        ],
        &["entrypont = [\"/app\"]", "entrypoint", "goimage.toml:5"],
    );
    assert_eq!(run.stdout, "");
}

#[test]
fn several_mistakes_of_a_manifest_are_said_at_once() {
    let manifest = "version = 1\n\n[go]\ncgo = \"maybe\"\n\n[build]\nplatforms = [\"linux\"]\n";
    refused(
        &[
            ("go.mod", GO_MOD),
            ("main.go", &main("")),
            ("goimage.toml", manifest),
        ],
        &["cgo = \"maybe\"", "platforms = [\"linux\"]"],
    );
}

#[test]
fn a_missing_package_names_the_import() {
    let text = "package main\n\nimport _ \"example.com/app/absent\"\n\nfunc main() {}\n";
    refused(
        &[("go.mod", GO_MOD), ("main.go", text)],
        &["example.com/app/absent", "main.go:3"],
    );
}

#[test]
fn a_missing_module_names_the_import() {
    let text = "package main\n\nimport _ \"example.org/other/pkg\"\n\nfunc main() {}\n";
    refused(
        &[("go.mod", GO_MOD), ("main.go", text)],
        &["example.org/other/pkg", "main.go:3"],
    );
}

#[test]
fn an_import_cycle_is_shown_whole() {
    refused(
        &[
            ("go.mod", GO_MOD),
            (
                "main.go",
                "package main\n\nimport _ \"example.com/app/a\"\n\nfunc main() {}\n",
            ),
            ("a/a.go", "package a\n\nimport _ \"example.com/app/b\"\n"),
            ("b/b.go", "package b\n\nimport _ \"example.com/app/a\"\n"),
        ],
        &["cycle", "example.com/app/a", "example.com/app/b"],
    );
}

#[test]
fn a_project_without_a_main_package() {
    refused(
        &[("go.mod", GO_MOD), ("lib.go", "package lib\n")],
        &["main package"],
    );
}

#[test]
fn two_mains_of_one_name() {
    refused(
        &[
            ("go.mod", GO_MOD),
            ("cmd/app/main.go", &main("")),
            ("tools/app/main.go", &main("")),
        ],
        &["cmd/app", "tools/app"],
    );
}

#[test]
fn no_module_at_all() {
    refused(&[("main.go", &main(""))], &["go.mod"]);
}

#[test]
fn a_go_sum_without_an_entry() {
    let module = format!("{GO_MOD}\nrequire github.com/google/uuid v1.6.0\n");
    let text = "package main\n\nimport \"github.com/google/uuid\"\n\nfunc main() { println(uuid.Nil.String()) }\n";
    refused(
        &[("go.mod", &module), ("main.go", text)],
        &["go.sum", "github.com/google/uuid", "v1.6.0", "hint: "],
    );
}

#[test]
fn a_go_line_newer_than_the_toolchain() {
    let manifest = "[go]\nversion = \"1.25.3\"\n";
    refused(
        &[
            ("go.mod", GO_MOD),
            ("main.go", &main("")),
            ("goimage.toml", manifest),
        ],
        &["1.26.0", "1.25.3"],
    );
}

#[test]
fn a_builder_that_does_not_answer() {
    let sandbox = Sandbox::minimal("");
    sandbox
        .gobuild()
        .args(["image", "--addr", NOBODY])
        .fails_with(BUILDER)
        .says(&["/nowhere/buildkitd.sock"]);
    sandbox
        .gobuild()
        .arg("image")
        .env("BUILDKIT_HOST", "tcp://127.0.0.1:1")
        .fails_with(BUILDER)
        .says(&["127.0.0.1:1", "BUILDKIT_HOST"]);
}

#[test]
fn a_registry_that_wants_a_login() {
    let registry = Guarded::start();
    let sandbox = Sandbox::minimal("behind a login");
    let name = format!("{}/team/app:1", registry.host());
    let push = || {
        sandbox
            .image()
            .args(["--push", "--insecure-registry", "--tag", &name])
    };

    push().fails_with(REGISTRY).says(&[registry.host()]);
    log_in(&sandbox, registry.host(), "wrong");
    let run = push().fails_with(REGISTRY).says(&[registry.host()]);
    assert!(!run.stderr.contains("wrong"), "{run}");
    log_in(&sandbox, registry.host(), PASSWORD);
    let run = push().succeeds();
    assert!(run.stdout.starts_with(&format!("{name}@sha256:")), "{run}");
}

/// Writes what `docker login` writes.
fn log_in(sandbox: &Sandbox, host: &str, password: &str) {
    sandbox.write_home(".docker/config.json", &registry::login(host, password));
}

#[test]
fn a_command_line_that_makes_no_sense() {
    let sandbox = Sandbox::minimal("");
    let usage = |args: &[&str]| sandbox.gobuild().args(args).fails_with(USAGE);
    usage(&["build"]);
    usage(&["image", "--plattform", "linux/amd64"]).says(&["--platform"]);
    usage(&["image", "--platform", "linux/amd64/v1/v2"]).says(&["linux/amd64/v1/v2"]);
    usage(&["image", "--output", "type=floppy"]).says(&["floppy", "oci"]);
    usage(&["image", "--output", "type=local"]).says(&["dest="]);
    usage(&["image", "--tag", "team/UPPER:1"]).says(&["team/UPPER:1"]);
    usage(&["image", "--addr", "carrier-pigeon://coop"]).says(&["carrier-pigeon"]);
}

#[test]
fn a_path_that_is_not_there() {
    let sandbox = Sandbox::minimal("");
    sandbox
        .gobuild()
        .args(["image", "absent"])
        .fails_with(PROJECT)
        .says(&["absent"]);
}

#[test]
fn logins_that_cannot_be_read_are_no_mistake_of_the_command_line() {
    let sandbox = Sandbox::minimal("unreadable");
    sandbox.write_home(".docker/config.json", "{");
    let run = sandbox.gobuild().arg("lock").fails_with(OTHER);
    run.says(&["malformed ", ".docker/config.json"]);
}

#[test]
fn an_archive_without_a_folder_is_refused_before_a_builder_is_asked() {
    let sandbox = Sandbox::minimal("homeless");
    let archive = sandbox.out("no/image.tar");
    let image = sandbox.gobuild().args(["image", "--addr", NOBODY]);
    let run = image.output("oci", &archive).fails_with(USAGE);
    run.says(&["there is no folder "]);
}

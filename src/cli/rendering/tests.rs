//! One error of each kind, as the user reads it.

use tonic::{Code, Status};

use super::*;
use crate::buildkit::error::DaemonError;
use crate::oci::Platform;
use crate::plan::fixture;
use crate::project::manifest::Document;

fn daemon(code: Code, message: &str, exit_code: Option<u32>) -> WireError {
    let mut error = DaemonError::from(Status::new(code, message));
    error.details.exit_code = exit_code;
    WireError::Daemon(Box::new(error))
}

/// Returns the exit code and the text.
fn told(error: &Error) -> (u8, String) {
    (error.kind.exit_code(), error.render())
}

#[test]
fn a_manifest_shows_the_line_and_the_nearest_key() {
    let text = "version = 1\n\n[go]\nverison = \"1.26.3\"\n";
    let refused = Document::new("goimage.toml", text).parse().unwrap_err();
    let (code, text) = told(&project(&ProjectError::Manifest(refused)));
    assert_eq!(code, 3);
    for part in ["error: ", "goimage.toml:4:1", "verison", "version"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_plan_that_fails_says_what_can_be_done() {
    let refused = fixture::Project::new([
        ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
        ("a/main.go", "package main\nfunc main() {}\n"),
        ("b/main.go", "package main\nfunc main() {}\n"),
    ])
    .tag(&["x:1"])
    .try_plan()
    .unwrap_err();
    insta::assert_snapshot!(told(&plan(&refused, None, &TreePath::root())).1, @r#"
    error: --tag names a whole image, and this project makes several
    hint: choose one with --target NAME or a package path, or prefix all with --repository
    "#);
}

#[test]
fn a_template_without_a_value_shows_where_it_stands() {
    let text = "[[image]]\nname = \"a\"\ntags = [\"{{ git.tag }}\"]\n";
    let refused = fixture::Project::new([
        ("go.mod", "module example.com/m\n\ngo 1.26.0\n"),
        ("main.go", "package main\nfunc main() {}\n"),
        ("goimage.toml", text),
    ])
    .try_plan()
    .unwrap_err();
    let document = Document::new("goimage.toml", text);
    let (code, text) = told(&plan(&refused, Some(&document), &TreePath::root()));
    assert_eq!(code, 3);
    for part in ["git.tag", "goimage.toml:3:"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_failed_step_shows_its_own_lines_once() {
    let wall = "process \"/usr/local/go/bin/go build -trimpath\" did not complete successfully";
    let error = RunError::Wire(daemon(Code::Unknown, wall, Some(1)));
    let step = || FailedStep {
        name: "compile api linux/amd64".to_owned(),
        lines: vec!["./main.go:3:2: undefined: x".to_owned()],
    };
    let (code, text) = told(&run(&error, Some(step()), false));
    assert_eq!(code, 5);
    insta::assert_snapshot!(text, @r#"
    error: compile api linux/amd64 failed with exit code 1
    ./main.go:3:2: undefined: x
    "#);
    let (_, streamed) = told(&run(&error, Some(step()), true));
    assert!(!streamed.contains("undefined") && !streamed.contains("trimpath"));
    // Without a step the daemon's message is all there is.
    let (code, text) = told(&run(&error, None, false));
    assert!(code == 5 && text.contains("trimpath"));
}

#[test]
fn each_failure_of_the_wire_has_its_code() {
    let gone = WireError::DaemonGone {
        peer: "unix:///run/b.sock".to_owned(),
        reason: "end of file".into(),
    };
    for (error, code, part) in [
        (gone, 4, "unix:///run/b.sock went away"),
        (
            daemon(Code::Unknown, "write /x: no space left on device", None),
            4,
            "prune",
        ),
        (
            daemon(Code::Unknown, "push: 401 Unauthorized", None),
            6,
            "docker login",
        ),
        (
            daemon(Code::Unknown, "exit code: 137", Some(137)),
            5,
            "memory",
        ),
        (
            daemon(Code::Cancelled, "context canceled", None),
            130,
            "cancelled",
        ),
        (daemon(Code::Unknown, "odd", None), 5, "odd"),
    ] {
        let (found, text) = told(&run(&RunError::Wire(error), None, false));
        assert_eq!(found, code, "{text}");
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_base_that_is_not_there_is_the_projects_mistake() {
    let resolve = |source| {
        RunError::Function(FunctionError::Resolve {
            reference: "docker.io/library/none:1".to_owned(),
            platform: Platform::linux("arm64"),
            source: Box::new(source),
        })
    };
    let missing = resolve(daemon(Code::NotFound, "not found", None));
    let (code, text) = told(&run(&missing, None, false));
    assert_eq!(code, 3);
    insta::assert_snapshot!(text, @r#"
    error: cannot resolve docker.io/library/none:1 for linux/arm64
      not found
    "#);
    let refused = resolve(daemon(Code::Unknown, "403 Forbidden", None));
    assert_eq!(told(&run(&refused, None, false)).0, 6);
}

#[test]
fn a_missing_daemon_says_how_to_get_one() {
    let (code, text) = told(&managed(&ManagedError::NoBinary));
    assert_eq!(code, 4);
    assert!(text.contains("install buildkitd"), "{text}");
}

#[test]
fn a_wrong_option_is_a_mistake_of_usage() {
    let error = "type=nothing".parse::<crate::oci::exporter::Output>();
    let (code, text) = told(&usage(&error.unwrap_err()));
    assert_eq!(code, 2);
    assert!(text.contains("known types: registry, image, oci"), "{text}");
}

#[test]
fn a_cache_that_must_be_written_is_named() {
    let unwritten = |error| RunError::Cache {
        cache: "type=s3,bucket=b".to_owned(),
        source: Box::new(RunError::Wire(error)),
    };
    let refused = unwritten(daemon(Code::Unknown, "no such bucket", None));
    let (code, text) = told(&run(&refused, None, false));
    assert_eq!(code, 6);
    insta::assert_snapshot!(text, @r#"
    error: the cache type=s3,bucket=b cannot be written
      no such bucket
    hint: without ignore-error=false it would be a warning
    "#);
    let full = unwritten(daemon(Code::Unknown, "no space left on device", None));
    assert_eq!(told(&run(&full, None, false)).0, 4);
    let cancelled = unwritten(WireError::Cancelled);
    assert_eq!(told(&run(&cancelled, None, false)).1, "error: cancelled\n");
}

#[test]
fn a_go_command_that_ctrl_c_ended_is_a_cancellation() {
    let ended = |signal| {
        let command = "go mod download".to_owned();
        told(&lock(&ToolchainError::Ended { command, signal }.into()))
    };
    let cancelled = (130, "error: cancelled\n".to_owned());
    assert_eq!(ended(2), cancelled);
    assert_eq!(ended(15), cancelled);
    let (code, text) = ended(9);
    assert_eq!(code, 3);
    assert!(
        text.contains("go mod download was ended by signal 9"),
        "{text}"
    );
}

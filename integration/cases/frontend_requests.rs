//! Questions to the frontend, and what it says when a manifest or an option is wrong.

use serde_json::Value;

use crate::harness::frontend::{Build, Client, said};
use crate::harness::sandbox::{GO_MOD, Sandbox, main};

/// Asks buildx and returns the JSON of its answer.
fn asked(sandbox: &Sandbox, call: &str, target: &[&str]) -> Value {
    let call = format!("--call={call},format=json");
    let mut args = vec![call.as_str()];
    args.extend(target);
    let output = Build::new(sandbox, Client::Buildx).run(&args);
    assert!(output.status.success(), "{}", said(&output));
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

#[test]
fn targets_are_the_images() {
    let answer = asked(&Sandbox::example("multi"), "targets", &[]);
    let targets = answer["targets"].as_array().unwrap();
    let names: Vec<&str> = targets
        .iter()
        .map(|target| target["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "multi-all",
            "multi-gateway",
            "multi-migrate",
            "multi-worker"
        ]
    );
    assert_eq!(targets[0]["base"], "static");
    assert_eq!(targets[1]["base"], "scratch");
}

#[test]
fn an_outline_has_arguments_and_secrets() {
    let sandbox = Sandbox::minimal("outlined");
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"app\"\nlabels = { a = \"{{ env.TEAM }}\" }\n",
    );
    let args = ["--build-arg", "TEAM=x"];
    let answer = asked(&sandbox, "outline", &args);
    assert_eq!(answer["name"], "app", "{answer:#}");
    assert_eq!(answer["args"][0]["name"], "TEAM");
    assert_eq!(answer["args"][0]["value"], "x");
}

#[test]
fn the_requests_are_described() {
    let sandbox = Sandbox::minimal("described");
    let output = Build::new(&sandbox, Client::Buildx).run(&["--call=subrequests.describe"]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(
        text.contains("targets") && text.contains("outline"),
        "{text}"
    );
}

#[test]
fn a_check_shows_the_line_of_a_mistake() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("checked"))]);
    sandbox.write("goimage.toml", "version = 1\n");
    let clean = Build::new(&sandbox, Client::Buildx).run(&["--call=check"]);
    assert!(clean.status.success(), "{}", said(&clean));
    sandbox.edit(
        "goimage.toml",
        "version = 1\n",
        "version = 1\nverison = 2\n",
    );
    let wrong = Build::new(&sandbox, Client::Buildx).run(&["--call=check"]);
    let text = said(&wrong);
    assert!(!wrong.status.success(), "{text}");
    assert!(text.contains("goimage.toml:3"), "{text}");
}

#[test]
fn what_is_doubtful_is_shown_with_its_line() {
    let sandbox = Sandbox::minimal("doubted");
    let manifest = "version = 1\n\n[[image]]\nname = \"doubted\"\n\
                    env = { API_TOKEN = \"c2VjcmV0LXRva2Vu\" }\n";
    sandbox.write("goimage.toml", manifest);
    let checked = Build::new(&sandbox, Client::Buildx).run(&["--call=check"]);
    let text = said(&checked);
    assert!(!checked.status.success(), "{text}");
    assert!(text.contains("WARNING: SecretInImage"), "{text}");
    assert!(text.contains("goimage.toml:6"), "{text}");
    // A build is warned, too, and goes on.
    let built = Build::new(&sandbox, Client::Buildx).run(&[]);
    let text = said(&built);
    assert!(built.status.success(), "{text}");
    assert!(text.contains("SecretInImage: "), "{text}");
    assert!(text.contains("(line 6)"), "{text}");
    let skipped = Build::new(&sandbox, Client::Buildx)
        .option("build-arg:BUILDKIT_DOCKERFILE_CHECK", "skip=SecretInImage")
        .run(&["--call=check"]);
    assert!(skipped.status.success(), "{}", said(&skipped));
}

#[test]
fn a_wrong_manifest_is_shown_with_its_line() {
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("main.go", &main("wrong"))]);
    sandbox.write("goimage.toml", "version = 1\n\n[go]\nversoin = \"1.26\"\n");
    for client in [Client::Gateway, Client::Buildx] {
        let output = Build::new(&sandbox, client).run(&[]);
        let text = said(&output);
        assert!(!output.status.success(), "{text}");
        assert!(text.contains("unknown key"), "{text}");
        assert!(text.contains(">>> versoin = \"1.26\""), "{text}");
    }
}

#[test]
fn a_compile_error_is_gos_own() {
    let sandbox = Sandbox::minimal("compiled");
    sandbox.write("goimage.toml", "");
    sandbox.write("main.go", "package main\n\nfunc main() { nothing() }\n");
    let output = Build::new(&sandbox, Client::Gateway).run(&[]);
    let text = said(&output);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains("./main.go:3:15: undefined: nothing"),
        "{text}"
    );
}

#[test]
fn options_without_effect_are_warned_of() {
    let sandbox = Sandbox::minimal("warned");
    sandbox.write("goimage.toml", "");
    let build = Build::new(&sandbox, Client::Buildx)
        .option("shm-size", "1000000")
        .option("build-arg:NOTHING", "1");
    let output = build.run(&[]);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("shm-size has no effect"), "{text}");
    assert!(
        text.contains("build arguments without effect: NOTHING"),
        "{text}"
    );
}

#[test]
fn options_that_cannot_be_obeyed_are_refused() {
    let sandbox = Sandbox::minimal("refused");
    sandbox.write("goimage.toml", "[go]\ntoolchain = \"host\"\n");
    for (key, value, message) in [
        (
            "build-arg:GOBUILD_GIT",
            "1",
            "there is no build argument GOBUILD_GIT",
        ),
        ("platform", "plan9", "not of the form os/arch"),
        ("target", "other", "no image is named other"),
        (
            "label:a",
            "b",
            "go.toolchain = \"host\" is not possible in a frontend",
        ),
    ] {
        let output = Build::new(&sandbox, Client::Gateway)
            .option(key, value)
            .run(&[]);
        let text = said(&output);
        assert!(!output.status.success(), "{text}");
        assert!(text.contains(message), "{text}");
    }
}

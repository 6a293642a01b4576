//! The BuildKit inside a Docker Engine as the builder: an old one, which lacks much.

use std::fs;

use crate::harness::engine::{self, docker, with_engine};
use crate::harness::expectations::Expectations;
use crate::harness::frontend::{Build, Client, said};
use crate::harness::program::Gobuild;
use crate::harness::sandbox::{Sandbox, examples};

const BUILDER: i32 = 4;
const BUILD: i32 = 5;

/// Returns gobuild with the engine as the current one, and no builder named.
fn gobuild(sandbox: &Sandbox) -> Gobuild {
    let gobuild = sandbox.gobuild().without("BUILDKIT_HOST");
    with_engine(gobuild).args(["image", "--progress", "plain"])
}

#[test]
fn an_example_is_in_the_engine_and_runs_there() {
    let _alone = engine::alone();
    let sandbox = Sandbox::example("hello");
    let tag = "test/engine-hello:latest";
    let build = || gobuild(&sandbox).args(["--builder", "default", "--tag", tag]);
    let run = build().succeeds();
    run.says(&["builder docker-engine://default?host=unix:///"]);
    let printed = engine::run(tag);
    assert_eq!(
        printed,
        "hello from go1.26.8 on linux/amd64\nnoon UTC in Berlin: 14:00 CEST\n\
         root certificates: true\nuser: 65532"
    );
    // Base and binary are layers of their own.
    let layers = docker(&["inspect", "--format", "{{len .RootFS.Layers}}", tag]);
    assert_eq!(layers, "2");
    // Inputs are compared; compiling and layers are there.
    build().succeeds().says(&["4 built, 4 cached"]);
}

#[test]
fn content_alone_decides_about_the_id() {
    let _alone = engine::alone();
    let sandbox = Sandbox::minimal("the same");
    for base in ["static", "scratch"] {
        sandbox.write("goimage.toml", &format!("[[image]]\nbase = \"{base}\"\n"));
        let tag = format!("test/same-{base}");
        let id = || {
            let run = gobuild(&sandbox)
                .args(["--tag", &tag, "--no-cache"])
                .succeeds();
            assert_eq!(run.stdout, format!("{tag}:latest\n"), "{run}");
            assert_eq!(engine::run(&tag), "the same", "{run}");
            engine::id(&tag)
        };
        assert_eq!(id(), id());
    }
}

#[test]
fn the_engine_is_taken_where_nobody_chose_a_builder() {
    let _alone = engine::alone();
    let sandbox = Sandbox::minimal("unchosen");
    let id = sandbox.out("id");
    let run = gobuild(&sandbox)
        .args(["--load", "--tag", "test/unchosen", "--iidfile"])
        .arg(&id)
        .succeeds();
    run.says(&["(Docker Engine)"]);
    assert_eq!(engine::run("test/unchosen"), "unchosen");
    assert_eq!(
        fs::read_to_string(&id).unwrap(),
        engine::id("test/unchosen")
    );
    // One that does not answer is passed over.
    let gobuild = sandbox.gobuild().without("BUILDKIT_HOST").arg("image");
    let run = gobuild
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("PATH", "/nowhere")
        .fails_with(BUILDER);
    run.says(&[
        "Docker Engine: no /nowhere/docker.sock",
        "managed builder: no daemon",
    ]);
}

#[test]
fn contexts_and_addresses_name_an_engine() {
    let _alone = engine::alone();
    let sandbox = Sandbox::minimal("by context");
    let meta = serde_json::json!({
        "Name": "far", "Metadata": {},
        "Endpoints": { "docker": { "Host": engine::host(), "SkipTLSVerify": false } },
    });
    sandbox.write_home(".docker/contexts/meta/far/meta.json", &meta.to_string());
    let named = |arguments: &[&str], tag: &str| {
        let gobuild = sandbox.gobuild().without("BUILDKIT_HOST");
        let gobuild = gobuild.args(["image", "--progress", "plain", "--tag", tag]);
        let run = gobuild.args(arguments).succeeds();
        assert_eq!(engine::run(tag), "by context", "{run}");
    };
    named(&["--builder", "far"], "test/by-builder");
    named(&["--addr", "docker-engine://far"], "test/by-address");
    let host = format!("docker-engine://?host={}", engine::host());
    named(&["--addr", &host], "test/by-host");
}

#[test]
fn other_images_binaries_and_failures() {
    let _alone = engine::alone();
    let sandbox = Sandbox::pair();
    let bin = sandbox.out("bin");
    let output = bin.display().to_string();
    let run = gobuild(&sandbox).args(["--output", &output]).succeeds();
    let names: Vec<_> = fs::read_dir(&bin)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}\n{run}");
    sandbox.edit("one/main.go", "os.Stdout", "os.Nothing");
    gobuild(&sandbox)
        .args(["--target", "one"])
        .fails_with(BUILD)
        .says(&[
            "one/main.go:6:5: undefined: os.Nothing",
            "compile one linux/amd64 failed with exit code 1",
        ]);
}

#[test]
fn a_project_with_its_modules_needs_no_network() {
    let _alone = engine::alone();
    let sandbox = Sandbox::example("vendored");
    let tag = "test/engine-vendored";
    gobuild(&sandbox)
        .args(["--platform", "linux/amd64", "--tag", tag])
        .succeeds();
    let expected = Expectations::read(&examples().join("vendored"));
    assert_eq!(engine::run(tag) + "\n", expected.image[0].run[0].stdout);
}

#[test]
fn what_an_old_engine_cannot_do_is_refused_in_one_line() {
    let _alone = engine::alone();
    let sandbox = Sandbox::minimal("refused");
    let archive = sandbox.out("image.tar");
    let archive = format!("type=oci,dest={}", archive.display());
    for (arguments, what) in [
        (&["--push", "--tag", "127.0.0.1:1/app"][..], "push"),
        (&["--output", &archive], "write archives or layouts"),
        (
            &["--platform", "linux/amd64,linux/arm64"],
            "keep an image of several platforms",
        ),
        (
            &["--cache-to", "type=registry,ref=127.0.0.1:1/c"],
            "write the cache",
        ),
        (&["--sbom", "true"], "attest anything"),
    ] {
        let run = gobuild(&sandbox).args(arguments).fails_with(BUILDER);
        let error =
            format!("error: the Docker Engine has no containerd image store: it cannot {what}");
        run.says(&[&error, "hint: ", "docker buildx create --use"]);
    }
}

#[test]
fn docker_build_follows_the_syntax_line_to_the_same_image() {
    let _alone = engine::alone();
    let sandbox = Sandbox::example("hello");
    gobuild(&sandbox).args(["--tag", "test/own"]).succeeds();
    let built = Build::new(&sandbox, Client::Engine).run(&["--tag", "test/frontend"]);
    assert!(built.status.success(), "{}", said(&built));
    assert_eq!(engine::id("test/frontend"), engine::id("test/own"));
    assert!(engine::run("test/frontend").starts_with("hello from go"));
}

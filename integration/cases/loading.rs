//! `--load`: what a buildkitd builds goes into what runs containers here.

use std::ffi::OsString;
use std::fs;

use crate::harness::engine::{self, docker, with_engine};
use crate::harness::image::Image;
use crate::harness::program::Gobuild;
use crate::harness::sandbox::{Sandbox, main};

const OTHER: i32 = 1;

/// Returns `gobuild image` on the shared buildkitd, beside the engine.
fn gobuild(sandbox: &Sandbox) -> Gobuild {
    with_engine(sandbox.image())
}

/// Puts a program on PATH that notes its arguments and then does what the script says.
fn noting(sandbox: &Sandbox, program: &str, script: &str) -> OsString {
    let log = sandbox.home().join("argv");
    let noted = format!("echo {program} \"$@\" >>{}\n{script}", log.display());
    sandbox.program(program, &noted)
}

fn argv(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.home().join("argv")).unwrap_or_default()
}

#[test]
fn an_image_is_loaded_once() {
    let sandbox = Sandbox::minimal("loaded");
    let tags = ["test/loaded:one", "test/loaded:two"];
    let load = || gobuild(&sandbox).args(["--load", "--tag", tags[0], "--tag", tags[1]]);
    let run = load().succeeds();
    run.says(&["loaded test/loaded:one, test/loaded:two into the Docker Engine at unix:///"]);
    assert_eq!(engine::run(tags[0]), "loaded");
    assert_eq!(engine::id(tags[0]), engine::id(tags[1]));
    let run = load().succeeds();
    assert_eq!(run.stdout, "test/loaded:one\ntest/loaded:two\n");
    run.says(&["is already there"])
        .says_nothing_of(&["loaded test/loaded"]);
    // Under one of its names there is another image by now.
    docker(&["rmi", tags[1]]);
    load().succeeds().says(&["loaded test/loaded:one"]);
    sandbox.write("main.go", &main("loaded anew"));
    load().succeeds();
    assert_eq!(engine::run(tags[1]), "loaded anew");
}

#[test]
fn one_platform_of_several_is_loaded() {
    let sandbox = Sandbox::minimal("one platform");
    let layout = sandbox.out("layout");
    let run = gobuild(&sandbox)
        .args([
            "--platform",
            "linux/arm64,linux/amd64",
            "--tag",
            "test/several:1",
        ])
        .args(["--output", "type=docker", "--output"])
        .arg(format!("type=oci,tar=false,dest={}", layout.display()))
        .succeeds();
    run.says(&["keeps one platform of an image: linux/amd64 of test/several:1 is loaded"]);
    assert_eq!(engine::run("test/several:1"), "one platform");
    let index = fs::read_to_string(layout.join("index.json")).unwrap();
    assert!(index.contains("image.index"), "{index}");
}

#[test]
fn several_images_are_loaded_at_once() {
    let sandbox = Sandbox::pair();
    let run = gobuild(&sandbox)
        .args(["--load", "--repository", "test.invalid/pair"])
        .succeeds();
    run.says(&[
        "loaded test.invalid/pair/one:latest",
        "loaded test.invalid/pair/two:latest",
    ]);
    assert_eq!(engine::run("test.invalid/pair/one"), "one");
    assert_eq!(engine::run("test.invalid/pair/two"), "two");
}

#[test]
fn podman_takes_the_archive_by_program_or_service() {
    let sandbox = Sandbox::minimal("podman");
    let archive = sandbox.out("podman.tar");
    let path = noting(&sandbox, "podman", &format!("cat >{}", archive.display()));
    let load = || {
        let gobuild = sandbox.image().env("PATH", &path);
        gobuild
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .args(["--tag", "test/podman:1"])
    };
    load()
        .arg("--load")
        .succeeds()
        .says(&["loaded test/podman:1 into podman"]);
    assert_eq!(argv(&sandbox), "podman load --quiet\n");
    let listed = crate::harness::tool::run("tar", &["tf", &archive.display().to_string()]);
    assert!(listed.contains("manifest.json"), "{listed}");
    // The service speaks the API of an engine, and one stands in for it.
    load()
        .arg("--load=podman")
        .env("CONTAINER_HOST", engine::host())
        .succeeds();
    assert_eq!(engine::run("test/podman:1"), "podman");
    let path = noting(
        &sandbox,
        "podman",
        "echo 'no space left on device' >&2; exit 125",
    );
    let gobuild = sandbox.image().env("PATH", &path).arg("--load=podman");
    gobuild.fails_with(OTHER).says(&[
        "error: cannot load app:latest",
        "podman load failed: no space left on device",
    ]);
}

#[test]
fn a_cluster_of_kind_is_loaded_by_kind() {
    let sandbox = Sandbox::minimal("kind");
    let archive = sandbox.out("kind.tar");
    let path = noting(
        &sandbox,
        "kind",
        &format!("cp \"$3\" {}", archive.display()),
    );
    let load = || sandbox.image().env("PATH", &path).args(["--push"]);
    let run = load()
        .env("KO_DOCKER_REPO", "kind.local")
        .env("KIND_CLUSTER_NAME", "staging")
        .succeeds();
    let run = run.says(&["loaded kind.local/app:latest into the kind cluster staging"]);
    assert_eq!(run.stdout, "kind.local/app:latest\n");
    let noted = argv(&sandbox);
    assert!(noted.starts_with("kind load image-archive /"), "{noted}");
    assert!(noted.ends_with(".tar --name staging\n"), "{noted}");
    docker(&["load", "--input", &archive.display().to_string()]);
    assert_eq!(engine::run("kind.local/app:latest"), "kind");
}

#[test]
fn what_ko_has_for_docker_is_loaded() {
    let sandbox = Sandbox::minimal("local");
    let run = gobuild(&sandbox)
        .arg("--push")
        .env("KO_DOCKER_REPO", "ko.local")
        .succeeds();
    run.says(&["loaded ko.local/app:latest into the Docker Engine at unix:///"]);
    assert_eq!(engine::run("ko.local/app:latest"), "local");
}

#[test]
fn nobody_to_load_into() {
    let sandbox = Sandbox::minimal("nobody");
    let nowhere = |arguments: &[&str]| {
        let gobuild = sandbox
            .image()
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        gobuild
            .env("PATH", "/nowhere")
            .args(arguments)
            .fails_with(OTHER)
    };
    nowhere(&["--load"]).says(&[
        "error: there is nothing to load images into",
        "the Docker Engine at unix:///nowhere/docker.sock does not answer",
        "podman is not on PATH",
        "hint: ",
    ]);
    nowhere(&["--load=docker"]).says(&["unix:///nowhere/docker.sock does not answer"]);
    nowhere(&["--load=kind"]).says(&["kind is not on PATH"]);
    assert!(!sandbox.out("image.tar").exists());
}

#[test]
fn an_archive_still_goes_where_it_is_told() {
    let sandbox = Sandbox::minimal("archive");
    let archive = sandbox.out("docker.tar");
    let run = sandbox
        .image()
        .args(["--output", "type=docker,dest=-"])
        .succeeds();
    fs::write(&archive, &run.bytes).unwrap();
    docker(&["load", "--input", &archive.display().to_string()]);
    assert_eq!(engine::run("app:latest"), "archive");
    let oci = sandbox.out("oci.tar");
    sandbox.image().output("oci", &oci).succeeds();
    assert_eq!(Image::new(oci.display()).run_default(), "archive\n");
}

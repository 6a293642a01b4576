//! Which daemon builds: builders of `docker buildx`, and daemons behind a program.
//!
//! docker, podman, kubectl and ssh are scripts that note their arguments and become the real
//! `buildctl dial-stdio` of the shared daemon: all but the way there is as it is for users.

use crate::harness::daemon;
use crate::harness::machine::{IMAGE, Machine};

const USAGE: i32 = 2;
const BUILDER: i32 = 4;

/// Builds through a program, which must be run once, with these arguments.
fn through(program: &str, address: &str, argv: &str) {
    let machine = Machine::new(program).way(program);
    let gobuild = machine.gobuild().args(IMAGE).args(["--addr", address]);
    let run = machine.builds(gobuild, program);
    run.says(&[&format!("builder {address} (--addr)")]);
    assert_eq!(machine.argv(program), argv);
}

#[test]
fn through_docker() {
    through(
        "docker",
        "docker-container://buildx_buildkit_team0?context=far",
        "docker --context=far exec -i buildx_buildkit_team0 buildctl dial-stdio",
    );
}

#[test]
fn through_podman() {
    through(
        "podman",
        "podman-container://buildkitd",
        "podman exec -i buildkitd buildctl dial-stdio",
    );
}

#[test]
fn through_kubectl() {
    through(
        "kubectl",
        "kube-pod://buildkitd-0?context=far&namespace=ci&container=daemon",
        "kubectl --context=far --namespace=ci exec --container=daemon -i buildkitd-0 \
         -- buildctl dial-stdio",
    );
}

#[test]
fn through_ssh() {
    through(
        "ssh",
        "ssh://me@far.test:2222/run/buildkitd.sock",
        "ssh -l me -p 2222 -- far.test buildctl --addr unix:///run/buildkitd.sock dial-stdio",
    );
}

#[test]
fn a_program_that_fails_is_heard() {
    let script = "echo 'Error response from daemon: No such container: gone' >&2; exit 1";
    let machine = Machine::new("").program("docker", script);
    let gobuild = machine.gobuild().args(IMAGE);
    gobuild
        .args(["--addr", "docker-container://gone"])
        .fails_with(BUILDER)
        .says(&[
            "cannot connect to buildkitd at docker-container://gone",
            "docker failed with exit code 1: Error response from daemon: No such container: gone",
        ]);
    let gobuild = machine.gobuild().args(IMAGE).env("PATH", "/nowhere");
    gobuild
        .args(["--addr", "podman-container://b"])
        .fails_with(BUILDER)
        .says(&["cannot run podman: "]);
}

#[test]
fn the_current_builder_of_buildx_builds() {
    let nodes = serde_json::json!([
        { "Name": "team0", "Endpoint": "unix:///var/run/docker.sock", "Platforms": null,
          "DriverOpts": null, "Flags": null, "Files": null },
        { "Name": "team1", "Endpoint": "far", "DriverOpts": {}, "Flags": [],
          "Platforms": [{ "architecture": "amd64", "os": "linux" }] },
    ]);
    let machine = Machine::new("team")
        .builder("team", "docker-container", &nodes)
        .uses("team")
        .way("docker");
    let gobuild = machine.gobuild().args(IMAGE);
    machine.builds(gobuild, "team").says(&[
        "builder docker-container://buildx_buildkit_team0?host=unix:///var/run/docker.sock \
         (team of docker buildx use): node team0",
    ]);
    assert_eq!(
        machine.argv("docker"),
        "docker --host=unix:///var/run/docker.sock exec -i buildx_buildkit_team0 \
         buildctl dial-stdio"
    );
    // A node that was made for the wanted platform is better than the first one, which need not run.
    let gobuild = machine.gobuild().args(IMAGE);
    let gobuild = gobuild.args(["--platform", "linux/amd64"]);
    machine
        .builds(gobuild, "team")
        .says(&["docker-container://buildx_buildkit_team1?context=far"]);
}

#[test]
fn a_builder_is_named_by_flag_or_variable() {
    let node = |address: &str| serde_json::json!([{ "Name": "n0", "Endpoint": address }]);
    let machine = Machine::new("remote")
        .builder("here", "remote", &node(&daemon::address()))
        .builder("nobody", "remote", &node("unix:///nowhere/buildkitd.sock"))
        .uses("nobody");
    let gobuild = machine.gobuild().args(IMAGE).args(["--builder", "here"]);
    let gobuild = gobuild.env("BUILDX_BUILDER", "nobody");
    machine.builds(gobuild, "remote").says(&[&format!(
        "builder {} (here of --builder)",
        daemon::address()
    )]);
    // The store may be elsewhere.
    let store = machine.sandbox().home().join(".docker/buildx");
    let gobuild = machine.gobuild().args(IMAGE);
    let gobuild = gobuild
        .env("BUILDX_BUILDER", "here")
        .env("BUILDX_CONFIG", store)
        .env("DOCKER_CONFIG", "/nowhere")
        .env("BUILDKIT_HOST", "unix:///nowhere/buildkitd.sock");
    machine
        .builds(gobuild, "remote")
        .says(&["(here of BUILDX_BUILDER)"]);
    // One that does not answer is not replaced by another one; what was passed over is told.
    let run = machine.gobuild().args(IMAGE).fails_with(BUILDER);
    run.says(&[
        "cannot connect to buildkitd at unix:///nowhere/buildkitd.sock",
        "tried:\n  no --addr, --builder, BUILDX_BUILDER or BUILDKIT_HOST\n  \
         nobody of docker buildx use: unix:///nowhere/buildkitd.sock\n",
    ]);
}

#[test]
fn builders_that_cannot_be_used() {
    let machine = Machine::new("").builder("team", "docker-container", &serde_json::json!([]));
    let named = |name: &str| machine.gobuild().args(["image", "--builder", name]);
    named("missing")
        .fails_with(USAGE)
        .says(&["there is no builder \"missing\"", "team"]);
    named("default")
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .fails_with(BUILDER)
        .says(&[
            "cannot connect to buildkitd at docker-engine://default?host=unix:///nowhere/docker.sock",
            "No such file or directory",
        ]);
    named("team").fails_with(BUILDER).says(&["has no node"]);
    named("team")
        .args(["--addr", "unix:///nowhere/buildkitd.sock"])
        .fails_with(USAGE)
        .says(&["--addr", "--builder"]);
}

#[test]
fn what_was_tried_is_told_where_there_is_no_builder() {
    let machine = Machine::new("");
    let gobuild = machine.gobuild().args(["image", "--builder", "managed"]);
    let gobuild = gobuild.env("PATH", "/nowhere");
    let run = gobuild.fails_with(BUILDER);
    run.says(&["there is none on PATH"])
        .says_nothing_of(&["tried:"]);
    let run = machine.gobuild().arg("image").env("PATH", "/nowhere");
    run.fails_with(BUILDER).says(&[
        "there is none on PATH",
        "tried:\n  no --addr",
        ".docker/buildx\n",
        "Docker Engine: no /var/run/docker.sock",
        "default socket: no /run/buildkit/buildkitd.sock",
        "managed builder: no daemon",
        "hint: ",
    ]);
}

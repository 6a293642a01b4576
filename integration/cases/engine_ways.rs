//! Ways to a Docker Engine, and to a buildkitd in one of its containers.

use crate::harness::engine::{self, BuildkitContainer, SecureEngine, with_engine};
use crate::harness::image::Image;
use crate::harness::sandbox::Sandbox;
use crate::harness::tls::certificates;

const BUILDER: i32 = 4;

#[test]
fn a_daemon_in_a_container_of_the_engine() {
    let node = "buildx_buildkit_team0";
    let _daemon = BuildkitContainer::start(node);
    let sandbox = Sandbox::minimal("from a container");
    let gobuild = || with_engine(sandbox.gobuild().without("BUILDKIT_HOST")).arg("image");
    let archive = sandbox.out("image.tar");
    let address = format!("docker-container://{node}");
    let run = gobuild()
        .args(["--addr", &address])
        .output("oci", &archive)
        .succeeds();
    assert_eq!(
        Image::new(archive.display()).run_default(),
        "from a container\n",
        "{run}"
    );
    // As the store of buildx has it; what it builds is loaded into the engine around it.
    let builder = serde_json::json!({
        "Name": "team", "Driver": "docker-container", "Dynamic": false,
        "Nodes": [{ "Name": "team0", "Endpoint": engine::host(), "Platforms": null }],
    });
    sandbox.write_home(".docker/buildx/instances/team", &builder.to_string());
    let tag = "test/from-container:latest";
    let run = gobuild()
        .args([
            "--builder",
            "team",
            "--load",
            "--tag",
            tag,
            "--progress",
            "plain",
        ])
        .succeeds();
    assert_eq!(engine::run(tag), "from a container", "{run}");
    run.says(&[
        "(team of --builder)",
        "loaded test/from-container:latest into",
    ]);
}

#[test]
fn an_engine_across_the_network_wants_certificates() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let engine = SecureEngine::start(folder.path());
    let sandbox = Sandbox::minimal("over TLS");
    let gobuild = || {
        let gobuild = sandbox.gobuild().without("BUILDKIT_HOST");
        let gobuild = gobuild.args(["image", "--progress", "plain", "--builder", "default"]);
        gobuild.env("DOCKER_HOST", engine.host())
    };
    let secure = || {
        gobuild()
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", folder.path())
    };
    let run = secure().args(["--tag", "test/secure:1"]).succeeds();
    let run = run.says(&["builder docker-engine://default?host=tcp://127.0.0.1:"]);
    assert_eq!(run.stdout, "test/secure:1\n");
    // The same from a context, whose files docker keeps apart.
    let meta = serde_json::json!({
        "Name": "safe", "Metadata": {},
        "Endpoints": { "docker": { "Host": engine.host(), "SkipTLSVerify": false } },
    });
    sandbox.write_home(".docker/contexts/meta/safe/meta.json", &meta.to_string());
    // printf safe | sha256sum
    let digest = "8b3369944dd2a3fab39e32d1aeb1f763946a458ae3e6368a46432adc8f3a0860";
    for name in ["ca.pem", "cert.pem", "key.pem"] {
        let content = std::fs::read_to_string(folder.path().join(name)).unwrap();
        let path = format!(".docker/contexts/tls/{digest}/docker/{name}");
        sandbox.write_home(&path, &content);
    }
    let named = sandbox
        .gobuild()
        .args(["image", "--builder", "safe"])
        .succeeds();
    named.says(&["docker-engine://safe?host=tcp://"]);
    // One that trusts nobody who vouches for the engine, unless it is to trust anybody.
    let stranger = tempfile::tempdir().unwrap();
    certificates(stranger.path());
    let authority = std::fs::read_to_string(stranger.path().join("ca.pem")).unwrap();
    sandbox.write_home(
        &format!(".docker/contexts/tls/{digest}/docker/ca.pem"),
        &authority,
    );
    let named = || sandbox.gobuild().args(["image", "--builder", "safe"]);
    named().fails_with(BUILDER).says(&["certificate"]);
    let meta = meta
        .to_string()
        .replace("\"SkipTLSVerify\":false", "\"SkipTLSVerify\":true");
    sandbox.write_home(".docker/contexts/meta/safe/meta.json", &meta);
    named().succeeds();
    gobuild()
        .fails_with(BUILDER)
        .says(&["cannot connect to buildkitd at docker-engine://default"]);
}

#[test]
fn an_engine_behind_ssh() {
    let _alone = engine::alone();
    let sandbox = Sandbox::minimal("over ssh");
    let log = sandbox.home().join("argv");
    let script = format!(
        "echo ssh \"$@\" >>{}\nexec docker --host {} system dial-stdio",
        log.display(),
        engine::host()
    );
    let path = sandbox.program("ssh", &script);
    let gobuild = || {
        let gobuild = sandbox.gobuild().without("BUILDKIT_HOST").arg("image");
        gobuild.env("DOCKER_HOST", "ssh://me@far.test:2222")
    };
    let tag = "test/over-ssh";
    gobuild()
        .env("PATH", &path)
        .args(["--builder", "default", "--tag", tag])
        .succeeds();
    assert_eq!(engine::run(tag), "over ssh");
    let argv = std::fs::read_to_string(&log).unwrap();
    let expected = "ssh -T -l me -p 2222 -- far.test docker system dial-stdio";
    assert!(argv.lines().all(|line| line == expected), "{argv}");
    let path = sandbox.program("ssh", "echo 'far.test: no such host' >&2; exit 255");
    gobuild()
        .env("PATH", path)
        .args(["--builder", "default"])
        .fails_with(BUILDER)
        .says(&["ssh failed with exit code 255: far.test: no such host"]);
}

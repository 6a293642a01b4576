//! Builders of several nodes: two daemons as two nodes of buildx's driver `remote`.
//!
//! Both are of this machine's platform, but one is declared to be for another: that settles where
//! a platform is built, and must not show in what comes out.

use std::fs;

use crate::harness::daemon::{self, Private};
use crate::harness::image::Image;
use crate::harness::machine::{IMAGE, Machine};
use crate::harness::program::{Gobuild, Run};
use crate::harness::registry::{self, Guarded};
use crate::harness::sandbox::repository;

const BUILDER: i32 = 4;
const REGISTRY: i32 = 6;
const BOTH: [&str; 2] = ["--platform", "linux/amd64,linux/arm64"];

/// A daemon of the test's own, which is the second node, `team1`, for linux/arm64.
async fn second() -> Private {
    let daemon = Private::start();
    daemon.connect(None).await;
    daemon
}

/// Returns a machine with the builder `team`: the shared daemon for linux/amd64, and another one.
fn machine(greeting: &str, second: &str) -> Machine {
    let node = |name: &str, address: &str, architecture: &str| {
        serde_json::json!({
            "Name": name, "Endpoint": address,
            "Platforms": [{ "os": "linux", "architecture": architecture }],
        })
    };
    let nodes = serde_json::json!([
        node("team0", &daemon::address(), "amd64"),
        node("team1", second, "arm64"),
    ]);
    Machine::new(greeting).builder("team", "remote", &nodes)
}

/// Returns a build for both platforms, by both nodes.
fn team(machine: &Machine) -> Gobuild {
    let gobuild = machine.gobuild().args(IMAGE).args(BOTH);
    gobuild.args(["--builder", "team"])
}

/// Returns the digest of what was printed, the same for every name.
fn digest(run: &Run) -> String {
    let mut digests = run
        .stdout
        .lines()
        .map(|line| line.split_once('@').unwrap().1);
    let first = digests.next().unwrap();
    assert!(digests.all(|digest| digest == first), "{run}");
    first.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_platform_on_its_node_and_one_index() {
    let arm = second().await;
    let machine = machine("several", &arm.address().to_string());
    let name = |tag: &str| format!("{}:{tag}", repository());
    let out = |name: &str| machine.sandbox().out(name);

    let single = machine.gobuild().args(IMAGE).args(BOTH);
    let single = single.args(["--addr", &daemon::address(), "--push"]);
    let single = single.args(["--tag", &name("single")]).succeeds();

    let gobuild = team(&machine)
        .args(["--push", "--tag", &name("a"), "--tag", &name("b")])
        .output("oci", &out("image.tar"))
        .output("oci,tar=false", &out("layout"))
        .arg("--metadata-file")
        .arg(out("metadata.json"));
    let run = gobuild.succeeds().says(&[
        "(team of --builder): node team0 builds linux/amd64",
        "(team of --builder): node team1 builds linux/arm64",
    ]);
    let run = run.says_nothing_of(&["WARN"]);
    assert_eq!(digest(&run), digest(&single), "{run}");
    for tag in ["a", "b"] {
        assert_eq!(Image::new(name(tag)).digest(), digest(&run));
    }
    let archive = Image::new(out("image.tar").display());
    assert_eq!(archive.run_default(), "several\n");
    assert_eq!(
        Image::new(out("layout").display()).run_default(),
        "several\n"
    );
    let index = fs::read_to_string(out("layout/index.json")).unwrap();
    assert!(index.contains(&digest(&run)), "{index}");
    let metadata = fs::read_to_string(out("metadata.json")).unwrap();
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata["containerimage.digest"], digest(&run));

    team(&machine).output("local", &out("bin")).succeeds();
    for file in ["linux_amd64/app", "linux_arm64/app"] {
        assert!(out("bin").join(file).is_file(), "{file}");
    }

    // What was built where: the second node has nothing to do with amd64.
    let client = arm.connect(None).await;
    let records = client.disk_usage(Vec::new()).await.unwrap();
    let made = |platform: &str| {
        let of = format!("layer app {platform}");
        records
            .iter()
            .any(|record| record.description.contains(&of))
    };
    assert!(made("linux/arm64") && !made("linux/amd64"), "{records:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_each_node_attests_is_in_the_one_index() {
    let arm = second().await;
    let machine = machine("attested", &arm.address().to_string());
    let reference = format!("{}:attested", repository());
    let layout = machine.sandbox().out("layout");
    let attested = team(&machine).arg("--provenance=mode=max");
    let pushed = attested.args(["--push", "--tag", &reference]).succeeds();
    let written = team(&machine).arg("--provenance=mode=max");
    let written = written.args(["--tag", &reference]);
    written.output("oci,tar=false", &layout).succeeds();
    let pushed_index = Image::new(&reference);
    assert_eq!(digest(&pushed), pushed_index.digest());
    for index in [pushed_index.top(), Image::top_of_layout(&layout)] {
        let manifests = index["manifests"].as_array().unwrap().iter();
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let shown = manifests.clone().map(|listed| {
            let about = &listed["annotations"]["vnd.docker.reference.type"];
            let architecture = text(&listed["platform"]["architecture"]);
            format!("{architecture} {}", text(about))
        });
        let expected = [
            "amd64 ",
            "arm64 ",
            "unknown attestation-manifest",
            "unknown attestation-manifest",
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{index:#}");
        let digests: Vec<String> = manifests.map(|listed| text(&listed["digest"])).collect();
        for (image, about) in [(0, 2), (1, 3)] {
            let about = &index["manifests"][about]["annotations"]["vnd.docker.reference.digest"];
            assert_eq!(text(about), digests[image], "{index:#}");
        }
    }
    assert_eq!(Image::new(&reference).run_default(), "attested\n");
}

#[test]
fn a_dead_node_is_named() {
    let machine = machine("dead", "unix:///nowhere/arm.sock");
    team(&machine).fails_with(BUILDER).says(&[
        "node team1 of builder team cannot be used",
        "unix:///nowhere/arm.sock",
    ]);
    // One that nothing is built on need not run.
    let gobuild = machine.gobuild().args(IMAGE).args(["--builder", "team"]);
    let gobuild = gobuild.args(["--platform", "linux/amd64"]);
    machine
        .builds(gobuild, "dead")
        .says(&["node team0 builds linux/amd64"]);
    // For a platform that none is declared for, all are asked what they are.
    let gobuild = machine.gobuild().args(IMAGE).args(["--builder", "team"]);
    gobuild
        .args(["--platform", "linux/s390x"])
        .fails_with(BUILDER)
        .says(&["node team1 of builder team"]);
}

#[test]
fn nodes_that_declare_nothing_are_asked() {
    let node = |name: &str| serde_json::json!({ "Name": name, "Endpoint": daemon::address() });
    let nodes = serde_json::json!([node("any0"), node("any1")]);
    let machine = Machine::new("asked").builder("any", "remote", &nodes);
    let gobuild = machine.gobuild().args(IMAGE).args(BOTH);
    let gobuild = gobuild.args(["--builder", "any"]);
    // Both are of one platform: the first one builds all, as it would alone.
    machine
        .builds(gobuild, "asked")
        .says(&["node any0 builds linux/amd64, linux/arm64"]);
}

#[test]
fn the_index_is_pushed_with_the_user_s_login() {
    let registry = Guarded::start();
    let machine = machine("guarded", &daemon::address());
    let name = format!("{}/team/app:1", registry.host());
    let push = || team(&machine).args(["--push", "--tag", &name]);
    push().fails_with(REGISTRY).says(&[registry.host()]);
    machine.sandbox().write_home(
        ".docker/config.json",
        &registry::login(registry.host(), registry::PASSWORD),
    );
    let run = push().succeeds();
    assert!(run.stdout.starts_with(&format!("{name}@sha256:")), "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_keeps_a_cache_of_its_own() {
    let machine = machine("cached", &daemon::address());
    let cache = format!("{}/cache:main", repository());
    let written = format!("type=registry,ref={cache},mode=max");
    team(&machine).args(["--cache-to", &written]).succeeds();
    let fresh = second().await;
    let machine = self::machine("cached", &fresh.address().to_string());
    team(&machine).args(["--cache-from", &cache]).succeeds();
    let client = fresh.connect(None).await;
    let records = client.disk_usage(Vec::new()).await.unwrap();
    let ran = |kind: &str| records.iter().any(|record| record.record_type == kind);
    assert!(
        !ran("exec.cachemount"),
        "a step ran on an empty builder\n{records:?}"
    );
}

//! Caches beside the builder's own: what one daemon built, another that is empty does not build.

use std::path::Path;

use crate::harness::daemon::{self, Private};
use crate::harness::image::Image;
use crate::harness::program::{Gobuild, Run};
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::vertices::Vertices;

/// Exit code where a registry refuses or does not answer.
const REGISTRY: i32 = 6;

const GO_SUM: &str = "\
github.com/pkg/errors v0.9.1 h1:FEBLx1zS214owpjy7qsBeixbURkuhQAwrK5UwLGTwt4=
github.com/pkg/errors v0.9.1/go.mod h1:bwawxfHBFNV+L2hUp1rHADufV3IMtnDRdf1r5NINEl0=
";

/// Returns a program that uses a module and compiles in little time.
fn with_module(greeting: &str) -> String {
    format!(
        "package main\n\nimport (\n\t\"os\"\n\n\t\"github.com/pkg/errors\"\n)\n\n\
         func main() {{\n\tos.Stdout.WriteString(errors.New(\"{greeting}\").Error())\n}}\n"
    )
}

/// Returns three programs, an image each, that use one module.
fn three() -> Sandbox {
    let go_mod = format!("{GO_MOD}\nrequire github.com/pkg/errors v0.9.1\n");
    Sandbox::of(&[
        ("go.mod", &go_mod),
        ("go.sum", GO_SUM),
        ("one/main.go", &with_module("one")),
        ("two/main.go", &with_module("two")),
        ("three/main.go", &with_module("three")),
    ])
}

/// Returns `gobuild image` on a daemon, pushing, with its events on standard error.
fn push(sandbox: &Sandbox, address: &str, caches: &[&str]) -> Gobuild {
    let command = sandbox.gobuild().args(["image", "--addr", address]);
    command
        .args([
            "--push",
            "--insecure-registry",
            "--repository",
            &repository(),
        ])
        .args(["--progress", "rawjson"])
        .args(caches)
}

/// Starts a daemon that has built nothing and waits for it.
async fn empty() -> (Private, String) {
    let daemon = Private::start();
    daemon.connect(None).await;
    let address = daemon.address().to_string();
    (daemon, address)
}

/// Returns the digests that a run printed, one per image.
fn digests(run: &Run) -> Vec<&str> {
    let lines = run.stdout.lines();
    lines.map(|line| line.split_once('@').unwrap().1).collect()
}

/// Panics unless every compile and modules step was cached.
#[track_caller]
fn assert_all_cached(run: &Run, compiles: usize, modules: usize) {
    let vertices = Vertices::of(run);
    for step in ["compile ", "modules "] {
        assert_eq!(vertices.ran(step), Vec::<&str>::new(), "{run}");
    }
    assert_eq!(vertices.cached("compile ").len(), compiles, "{run}");
    assert_eq!(vertices.cached("modules ").len(), modules, "{run}");
}

/// The images share modules and packages; one cache has all of them, on either platform.
#[tokio::test(flavor = "multi_thread")]
async fn a_registry_cache_holds_every_image_and_platform() {
    let sandbox = three();
    let cache = format!("{}/cache:all", repository());
    let platforms = ["--platform", "linux/amd64,linux/arm64"];
    let to = format!("type=registry,ref={cache},mode=max");
    let (_first, address) = empty().await;
    let built = push(&sandbox, &address, &["--cache-to", &to]).args(platforms);
    let built = built.succeeds();
    let built = built.says_nothing_of(&["\"warnings\""]);
    let compiles = Vertices::of(&built).ran("compile ").len();
    assert_eq!(compiles, 6, "{built}");
    let once = |name: &str| {
        let starts = Vertices::runs(&built, name);
        assert_eq!(starts, 1, "{name} ran {starts} times\n{built}");
    };
    for binary in ["one", "two", "three"] {
        once(&format!("compile {binary} linux/amd64"));
        once(&format!("compile {binary} linux/arm64"));
    }
    let manifest = Image::new(&cache).top();
    let config = &manifest["config"]["mediaType"];
    assert_eq!(
        config, "application/vnd.buildkit.cacheconfig.v0",
        "{manifest:#}"
    );
    let layers = manifest["layers"].as_array().unwrap();
    let zstd = |layer: &serde_json::Value| layer["mediaType"].as_str().unwrap().ends_with("zstd");
    assert!(layers.iter().all(zstd), "{manifest:#}");

    let (_second, address) = empty().await;
    let again = push(&sandbox, &address, &["--cache-from", &cache]).args(platforms);
    let again = again.succeeds();
    let modules = Vertices::of(&built).ran("modules ").len();
    assert_eq!(modules, 2, "{built}");
    assert_all_cached(&again, compiles, modules);
    assert_eq!(digests(&again), digests(&built));
    assert_eq!(digests(&built).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_local_cache_is_a_layout_that_other_builders_read() {
    let sandbox = three();
    let folder = sandbox.out("cache");
    let to = format!("type=local,dest={},mode=max,tag=main", folder.display());
    let from = format!("type=local,src={},tag=main", folder.display());
    let both = ["--cache-from", &from, "--cache-to", &to];
    let (_first, address) = empty().await;
    let built = push(&sandbox, &address, &both).succeeds();
    let built = built.says(&["is left out: its index.json has no tag main"]);
    assert_eq!(tags(&folder), ["main"]);

    let (_second, address) = empty().await;
    let again = push(&sandbox, &address, &both).succeeds();
    assert_all_cached(&again, 3, 1);
    assert_eq!(digests(&again), digests(&built));
    assert_eq!(tags(&folder), ["main"]);

    let blobs = || {
        std::fs::read_dir(folder.join("blobs/sha256"))
            .unwrap()
            .count()
    };
    let all = blobs();
    let reset = format!("type=local,dest={},tag=main,reset=true", folder.display());
    push(&sandbox, &address, &["--cache-to", &reset]).succeeds();
    assert_eq!(tags(&folder), ["main"]);
    assert!(blobs() < all, "{} of {all} are left", blobs());
}

/// Returns the tags in the index of a layout; each must name a blob.
fn tags(folder: &Path) -> Vec<String> {
    let index = std::fs::read(folder.join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter();
    entries
        .map(|entry| {
            let hex = entry["digest"].as_str().unwrap().strip_prefix("sha256:");
            let blob = folder.join("blobs/sha256").join(hex.unwrap());
            assert!(blob.is_file(), "{}", blob.display());
            let tag = &entry["annotations"]["org.opencontainers.image.ref.name"];
            tag.as_str().unwrap().to_owned()
        })
        .collect()
}

/// Each image carries its own cache, which is that of its layers: `compile` is cached because the
/// layer that is made of it is.
#[tokio::test(flavor = "multi_thread")]
async fn images_carry_a_cache_of_their_own() {
    let sandbox = Sandbox::pair();
    let (_first, address) = empty().await;
    let to = ["--cache-to", "type=inline"];
    let built = push(&sandbox, &address, &to).succeeds();
    let names: Vec<&str> = built.stdout.lines().collect();
    assert_eq!(names.len(), 2, "{built}");

    let (_second, address) = empty().await;
    let from: Vec<&str> = names
        .iter()
        .flat_map(|name| ["--cache-from", name])
        .collect();
    let again = push(&sandbox, &address, &from).args(to).succeeds();
    assert_eq!(
        Vertices::of(&again).ran("compile "),
        Vec::<&str>::new(),
        "{again}"
    );
    assert_eq!(
        Vertices::of(&again).ran("layer "),
        Vec::<&str>::new(),
        "{again}"
    );
    assert_eq!(digests(&again), digests(&built));
}

#[test]
fn a_cache_that_cannot_be_written_is_a_warning() {
    let sandbox = Sandbox::pair();
    let nowhere = format!("127.0.0.1:{}/cache", daemon::free_port());
    let to = format!("type=registry,ref={nowhere},mode=max");
    let run = sandbox.push().args(["--cache-to", &to]).succeeds();
    assert_eq!(digests(&run).len(), 2);
    let warning = format!("WARN: the cache type=registry,mode=max,ref={nowhere} was not written");
    run.says(&[&warning, "connection refused"]);
}

#[test]
fn a_cache_that_must_be_written_is_an_error() {
    let sandbox = Sandbox::minimal("needs its cache");
    let nowhere = format!("127.0.0.1:{}/cache", daemon::free_port());
    let to = format!("type=registry,ref={nowhere},ignore-error=false");
    let run = sandbox
        .push()
        .args(["--cache-to", &to])
        .fails_with(REGISTRY);
    run.says(&[
        &format!(
            "error: the cache type=registry,ignore-error=false,ref={nowhere} cannot be written"
        ),
        "connection refused",
        "hint: ",
    ]);
}

/// What is wrong with the program is said, not what is thereby wrong with the cache.
#[test]
fn a_program_that_does_not_compile_is_no_matter_of_the_cache() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("main.go", "package main\n\nfunc main() { x }\n"),
    ]);
    let cache = format!("{}/cache", repository());
    for ignore in ["true", "false"] {
        let to = format!("type=registry,ref={cache},ignore-error={ignore}");
        let run = sandbox.push().args(["--cache-to", &to]).fails_with(5);
        run.says(&["undefined: x"]).says_nothing_of(&["the cache"]);
    }
}

/// A cache that is not there yet is what every first build of a branch names.
#[test]
fn a_cache_that_is_not_there_is_no_error() {
    let sandbox = Sandbox::minimal("the first build");
    let missing = format!("{}/never-written", repository());
    let down = format!("127.0.0.1:{}/cache", daemon::free_port());
    let folder = format!("type=local,src={}", sandbox.out("nothing").display());
    let froms = [
        "--cache-from",
        &missing,
        "--cache-from",
        &down,
        "--cache-from",
        &folder,
    ];
    let run = sandbox.push().args(froms).succeeds();
    run.says(&["is left out: its index.json has no tag latest"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cache_runs_every_step_once() {
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        (
            "goimage.toml",
            "[[image]]\nname = \"both\"\nbinaries = [\"./one\", \"./two\"]\n\n[[image]]\nname = \"one\"\nbinaries = [\"./one\"]\n",
        ),
        ("one/main.go", &main("one again")),
        ("two/main.go", &main("two again")),
    ]);
    let (_daemon, address) = empty().await;
    let first = push(&sandbox, &address, &[]).succeeds();
    let cache = format!("{}/cache", repository());
    let again = push(&sandbox, &address, &["--no-cache", "--cache-to", &cache]).succeeds();
    for binary in ["one", "two"] {
        let name = format!("compile {binary} linux/amd64");
        assert_eq!(Vertices::runs(&again, &name), 1, "{name}\n{again}");
    }
    assert_eq!(digests(&again), digests(&first));
    let third = push(&sandbox, &address, &["--force"]).succeeds();
    assert_all_cached(&third, 2, 0);

    // Who waits for a build that fails does not wait for ever.
    sandbox.write("two/main.go", "package main\n\nfunc main() { x }\n");
    let broken = push(&sandbox, &address, &["--no-cache", "--cache-to", &cache]);
    broken.fails_with(5).says(&["undefined: x"]);
}

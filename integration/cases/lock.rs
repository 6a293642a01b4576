//! `goimage.lock`: what names stood for, in every way that a build can be told.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::frontend::{Build, Client, said};
use crate::harness::image::Image;
use crate::harness::sandbox::{Sandbox, repository};
use crate::harness::vertices::Vertices;

const PROJECT: i32 = 3;
const REGISTRY: i32 = 6;
const CANCELLED: i32 = 130;

const START: Duration = Duration::from_secs(50);
const POLL: Duration = Duration::from_millis(20);

const LOCK: &str = "goimage.lock";

/// The vertex that downloads a toolchain's archive.
const DOWNLOAD: &str = "download go 1.26.8";

/// Pushes an image with one file, to stand on, under a tag that it takes from what had it.
fn base(content: &str) -> String {
    let sandbox = Sandbox::minimal("below");
    sandbox.write("below.txt", content);
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"base\"\nbase = \"scratch\"\n\
         files = [{ from = \"below.txt\", to = \"/below.txt\" }]\n",
    );
    let reference = format!("{}/base:1", repository());
    sandbox
        .image()
        .args(["--push", "--tag", &reference])
        .succeeds();
    reference
}

fn on(base: &str) -> String {
    format!("[[image]]\nname = \"app\"\nbase = \"{base}\"\n")
}

/// Returns a sandbox whose project has a lock file.
fn locked(greeting: &str) -> Sandbox {
    let sandbox = Sandbox::minimal(greeting);
    sandbox.write("goimage.toml", "[[image]]\nname = \"app\"\n");
    let run = sandbox
        .gobuild()
        .args(["lock", "--build-platform", "linux/amd64"]);
    let run = run.succeeds();
    assert!(
        run.stdout.starts_with("Go 1.26.8 for linux/amd64 sha256:"),
        "{run}"
    );
    sandbox
}

/// Returns a lock file whose first digest is made of one digit.
fn another_digest(lock: &str, digit: &str) -> String {
    let mut lines = lock.lines();
    let digest = lines.find(|line| line.starts_with("digest = ")).unwrap();
    let wrong = format!("digest = \"sha256:{}\"", digit.repeat(64));
    lock.replacen(digest, &wrong, 1)
}

fn text(sandbox: &Sandbox) -> String {
    fs::read_to_string(sandbox.project().join(LOCK)).unwrap()
}

#[test]
fn a_build_stands_on_the_base_that_was_locked_whatever_its_tag_means_now() {
    let reference = base("first\n");
    let first = Image::new(&reference).digest();
    let sandbox = Sandbox::minimal("stands");
    sandbox.write("goimage.toml", &on(&reference));
    let app = format!("{}/app", repository());
    let push = |args: &[&str]| {
        let run = sandbox.push().args(["--pull"]).args(args).succeeds();
        (run, Image::new(&app).digest())
    };
    let (_, unlocked) = push(&[]);
    let lock = ["lock", "--build-platform", "linux/amd64"];
    let run = sandbox.gobuild().args(lock).succeeds();
    let line = format!("{reference}@{first}");
    assert_eq!(run.stdout.lines().next(), Some(line.as_str()), "{run}");
    assert_eq!(push(&["--locked"]).1, unlocked);

    base("second\n");
    let second = Image::new(&reference).digest();
    assert_ne!(first, second);
    assert_eq!(push(&["--locked"]).1, unlocked);
    // Entries that are there are kept until somebody asks.
    let before = text(&sandbox);
    sandbox.gobuild().args(lock).succeeds();
    assert_eq!(text(&sandbox), before);
    let run = sandbox.gobuild().args(lock).arg("--update").succeeds();
    assert!(run.stdout.contains(&second), "{run}");
    let (_, updated) = push(&["--locked"]);
    assert_ne!(updated, unlocked);
    assert_eq!(Image::new(&app).read("below.txt"), b"second\n");
}

#[test]
fn what_a_lock_file_lacks_is_said_or_refused() {
    let sandbox = locked("lacking");
    let reference = base("lacking\n");
    sandbox.write("goimage.toml", &on(&reference));
    let lacks = format!("goimage.lock lacks {reference}");
    sandbox
        .push()
        .succeeds()
        .says(&["WARN: ", &lacks, "gobuild lock"]);
    for command in ["plan", "check", "llb"] {
        let run = sandbox.gobuild().args([command, "--locked"]);
        run.fails_with(PROJECT)
            .says(&[&lacks, "hint: `gobuild lock`"]);
    }
    let run = sandbox.push().arg("--locked").fails_with(PROJECT);
    assert_eq!(run.says(&[&lacks]).count("error: "), 1);

    fs::remove_file(sandbox.project().join(LOCK)).unwrap();
    let run = sandbox.push().arg("--locked").fails_with(PROJECT);
    run.says(&[&lacks, "Go 1.26.8 for linux/amd64"]);
    sandbox
        .push()
        .succeeds()
        .says_nothing_of(&["goimage.lock lacks"]);
}

#[test]
fn a_lock_file_that_cannot_be_written_or_read_is_not_half_there() {
    let sandbox = locked("careful");
    let before = text(&sandbox);
    sandbox.write("goimage.toml", &on("127.0.0.1:1/nobody/home:1"));
    let run = sandbox.gobuild().arg("lock").fails_with(REGISTRY);
    run.says(&[
        "cannot look up 127.0.0.1:1/nobody/home:1",
        "cannot reach 127.0.0.1:1",
    ]);
    assert_eq!(text(&sandbox), before);
    let missing = format!("{}/missing:1", repository());
    sandbox.write("goimage.toml", &on(&missing));
    let run = sandbox.gobuild().arg("lock").fails_with(REGISTRY);
    run.says(&[&format!("cannot look up {missing}"), "404 Not Found"]);
    assert_eq!(text(&sandbox), before);

    sandbox.write(
        LOCK,
        &before.replace("version = 1\n", "version = 1\n<<<<<<< ours\n"),
    );
    for command in ["plan", "lock"] {
        let run = sandbox.gobuild().arg(command).fails_with(PROJECT);
        run.says(&["goimage.lock", "<<<<<<< ours", "remove it to write it anew"]);
    }
    let files = fs::read_dir(sandbox.project()).unwrap();
    let names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "nothing else was left: {names:?}");
}

#[test]
fn ctrl_c_ends_a_search_and_leaves_nothing() {
    let sandbox = Sandbox::minimal("interrupted");
    let begun = sandbox.home().join("begun");
    let script = format!(
        "[ \"$1\" = env ] && echo '{{\"GOPROXY\": \"http://127.0.0.1:1,http://127.0.0.1:2\"}}' && exit 0\n\
         echo begun >>{}\nexec sleep 60",
        begun.display()
    );
    let go = sandbox.program("go", &script);
    let cache = sandbox.out("cache");
    let lock = sandbox.gobuild().arg("lock").env("PATH", go);
    let lock = lock.env("XDG_CACHE_HOME", &cache).in_foreground().start();
    let begin = Instant::now();
    // The shell makes the file before it writes to it.
    while fs::read_to_string(&begun).unwrap_or_default() != "begun\n" {
        assert!(begin.elapsed() < START, "go was not asked");
        thread::sleep(POLL);
    }
    lock.interrupt_foreground();
    let run = lock.wait();
    assert_eq!(run.status.code(), Some(CANCELLED), "{run}");
    assert_eq!(run.count("error: cancelled"), 1, "{run}");
    assert!(begin.elapsed() < START, "{run}");
    // No other proxy was asked.
    assert_eq!(fs::read_to_string(begun).unwrap(), "begun\n");
    let left = fs::read_dir(cache.join("gobuild")).unwrap().count();
    assert_eq!(left, 0);
    assert!(!sandbox.project().join(LOCK).exists());
}

#[test]
fn go_is_not_fetched_to_see_that_nothing_changed() {
    let sandbox = locked("unchanged");
    sandbox.push().arg("--locked").succeeds();
    let app = format!("{}/app", repository());
    let digest = Image::new(&app).digest();
    // Another machine: nothing is remembered there, and its go command fetches nothing.
    let go = sandbox.program("go", "[ \"$1\" = env ] && echo '{}' && exit 0\nexit 1");
    let elsewhere = || sandbox.push().env("PATH", &go);
    let cache = sandbox.out("cache");
    elsewhere()
        .env("XDG_CACHE_HOME", &cache)
        .arg("--locked")
        .succeeds();
    assert_eq!(Image::new(&app).digest(), digest);
    // Without a lock file nobody knows what Go would be.
    fs::remove_file(sandbox.project().join(LOCK)).unwrap();
    let run = elsewhere().env("XDG_CACHE_HOME", &cache).run();
    assert!(!run.status.success(), "{run}");
}

#[test]
fn where_there_is_no_go_the_builder_downloads_what_was_locked() {
    let sandbox = locked("no go here");
    sandbox.push().succeeds();
    let app = format!("{}/app", repository());
    let digest = Image::new(&app).digest();
    let push = || {
        let push = sandbox.push().args(["--locked", "--progress", "rawjson"]);
        push.env("PATH", sandbox.out("nothing"))
            .env("XDG_CACHE_HOME", sandbox.out("cache"))
    };
    let run = push().succeeds();
    let vertices = Vertices::of(&run);
    let seen = [vertices.ran(DOWNLOAD), vertices.cached(DOWNLOAD)].concat();
    assert_eq!(seen, [DOWNLOAD], "{run}");
    assert_eq!(Image::new(&app).digest(), digest);
    fs::remove_file(sandbox.project().join(LOCK)).unwrap();
    let run = sandbox.push().env("PATH", sandbox.out("nothing"));
    let run = run
        .env("XDG_CACHE_HOME", sandbox.out("other"))
        .fails_with(PROJECT);
    run.says(&["there is no go command on this machine", "hint: install Go"]);
}

#[test]
fn a_frontend_has_the_daemon_download_what_was_locked() {
    let sandbox = locked("from a frontend");
    let [own, others] = ["own:1", "frontend:1"].map(|name| format!("{}/{name}", repository()));
    sandbox.image().args(["--push", "--tag", &own]).succeeds();
    for client in [Client::Gateway, Client::Dockerfile, Client::Buildx] {
        let build = Build::new(&sandbox, client).option("build-arg:GOBUILD_LOCKED", "1");
        let output = build.push(&others);
        assert!(
            said(&output).contains(DOWNLOAD),
            "{client:?}: {}",
            said(&output)
        );
        assert_eq!(
            Image::new(&others).digest(),
            Image::new(&own).digest(),
            "{client:?}"
        );
    }
}

#[test]
fn a_frontend_takes_no_other_archive_than_the_one_that_was_locked() {
    let sandbox = locked("tampered with");
    let before = text(&sandbox);
    let wrong = another_digest(&before, "0");
    sandbox.write(LOCK, &wrong);
    let run = Build::new(&sandbox, Client::Buildx).run(&[]);
    assert!(!run.status.success());
    assert!(said(&run).contains("digest mismatch"), "{}", said(&run));

    // Nor one that the frontend's own go command fetches.
    let without_url = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("url = "));
        lines.flat_map(|line| [line, "\n"]).collect::<String>()
    };
    sandbox.write(LOCK, &without_url(&wrong));
    let run = Build::new(&sandbox, Client::Buildx).run(&[]);
    assert!(!run.status.success());
    let told = "is not the Go that the lock file names";
    assert!(said(&run).contains(told), "{}", said(&run));
    sandbox.write(LOCK, &without_url(&before));
    let run = Build::new(&sandbox, Client::Buildx).run(&[]);
    assert!(run.status.success(), "{}", said(&run));
}

#[test]
fn a_frontend_says_what_is_not_locked_and_where_go_is_not() {
    let sandbox = locked("told");
    let before = text(&sandbox);
    // A digest that no other build has brought to the daemon.
    sandbox.write(LOCK, &another_digest(&before, "1"));
    let nobody = Build::new(&sandbox, Client::Gateway)
        .option("build-arg:GOBUILD_TOOLCHAIN_PROXY", "http://127.0.0.1:1/go")
        .run(&[]);
    assert!(!nobody.status.success());
    let told = "127.0.0.1:1: connect: connection refused";
    assert!(said(&nobody).contains(told), "{}", said(&nobody));

    fs::remove_file(sandbox.project().join(LOCK)).unwrap();
    let refused = Build::new(&sandbox, Client::Buildx)
        .option("build-arg:GOBUILD_LOCKED", "1")
        .run(&[]);
    assert!(!refused.status.success());
    let told = "goimage.lock lacks Go 1.26.8 for linux/amd64";
    assert!(said(&refused).contains(told), "{}", said(&refused));
}

#[test]
fn another_manifest_has_a_lock_file_of_its_own() {
    let sandbox = Sandbox::minimal("other");
    let reference = base("other\n");
    sandbox.write(
        "deploy/release.toml",
        &format!("[go]\ntoolchain = \"{reference}\"\n"),
    );
    let manifest = Path::new("deploy/release.toml");
    let run = sandbox
        .gobuild()
        .arg("lock")
        .arg("--file")
        .arg(manifest)
        .succeeds();
    let digest = Image::new(&reference).digest();
    assert_eq!(run.stdout, format!("{reference}@{digest}\n"), "{run}");
    assert!(sandbox.project().join("deploy/release.lock").is_file());
    let run = sandbox
        .gobuild()
        .arg("plan")
        .arg("--file")
        .arg(manifest)
        .succeeds();
    assert!(run.stdout.contains(&digest), "{run}");
}

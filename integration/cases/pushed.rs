//! What registries have already is neither built nor sent again.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::harness::image::Image;
use crate::harness::program::Run;
use crate::harness::sandbox::{GO_MOD, Sandbox, main, repository};
use crate::harness::vertices::Vertices;

/// A project of the images `one` and `two`, a program each.
fn pair() -> Sandbox {
    Sandbox::of(&[
        ("go.mod", GO_MOD),
        (
            "goimage.toml",
            "[[image]]\nname = \"one\"\nbinaries = [\"./one\"]\n\n\
             [[image]]\nname = \"two\"\nbinaries = [\"./two\"]\n",
        ),
        ("one/main.go", &main("one")),
        ("two/main.go", &main("two")),
    ])
}

fn push(sandbox: &Sandbox, args: &[&str]) -> Run {
    let command = sandbox.push().args(["--progress", "rawjson"]).args(args);
    command.succeeds()
}

fn image(name: &str) -> Image {
    Image::new(format!("{}/{name}", repository()))
}

/// Tells whether the daemon was asked for a program.
fn asked(run: &Run) -> bool {
    run.stderr.contains("\"name\":\"compile ")
}

/// Returns what is said of an image that is there.
fn unchanged(name: &str) -> String {
    format!(
        "unchanged {}@{}",
        image(name).source(),
        image(name).digest()
    )
}

#[test]
fn nothing_changed_asks_no_builder() {
    let sandbox = pair();
    let files = |name: &str| sandbox.out(name).to_string_lossy().into_owned();
    let (first, second) = (files("first.json"), files("second.json"));
    fs::create_dir_all(sandbox.out("")).unwrap();
    let built = push(&sandbox, &["--metadata-file", &first]);
    assert!(asked(&built), "{built}");
    let known = push(&sandbox, &["--metadata-file", &second]);
    assert!(!asked(&known), "{known}");
    let known = known.says(&[&unchanged("one:latest"), &unchanged("two:latest")]);
    assert_eq!(known.stdout, built.stdout);
    assert_eq!(
        fs::read_to_string(second).unwrap(),
        fs::read_to_string(first).unwrap()
    );
}

#[test]
fn an_edit_builds_the_image_that_sees_it() {
    let sandbox = pair();
    push(&sandbox, &[]);
    let untouched = image("one").digest();
    sandbox.edit("two/main.go", "two", "another");
    let edited = push(&sandbox, &[]);
    let vertices = Vertices::of(&edited);
    assert_eq!(vertices.ran("compile "), ["compile two linux/amd64"]);
    assert!(vertices.cached("layer ").is_empty(), "{edited}");
    let edited = edited.says(&[&unchanged("one:latest")]);
    assert_eq!(edited.stdout.lines().count(), 2);
    assert!(
        edited
            .stdout
            .starts_with(&format!("{}/one:latest@{untouched}\n", repository()))
    );
    assert_eq!(image("two").run_default(), "another\n");
    // Both are known now.
    assert!(!asked(&push(&sandbox, &[])));
    // The image that was built before the last one is not.
    sandbox.edit("two/main.go", "another", "two");
    assert!(asked(&push(&sandbox, &[])));
    assert_eq!(image("two").run_default(), "two\n");
}

#[test]
fn a_name_that_stands_for_something_else_is_pushed_again() {
    let sandbox = pair();
    push(&sandbox, &[]);
    let (one, two) = (image("one").digest(), image("two").digest());
    // Somebody else pushes under the same name.
    let other = pair();
    other.edit("one/main.go", "one", "other");
    push(&other, &["--target", "one"]);
    assert_ne!(image("one").digest(), one);
    let again = push(&sandbox, &[]);
    let again = again.says(&[&unchanged("two:latest")]);
    again.says_nothing_of(&[&unchanged("one:latest")]);
    assert_eq!((image("one").digest(), image("two").digest()), (one, two));
    // One of several names is new.
    let (first, second) = (
        format!("{}/one:1", repository()),
        format!("{}/one:2", repository()),
    );
    push(&sandbox, &["--target", "one", "--tag", &first]);
    let both = ["--target", "one", "--tag", &first, "--tag", &second];
    assert!(asked(&push(&sandbox, &both)));
    assert_eq!(image("one:2").digest(), image("one:1").digest());
    assert!(!asked(&push(&sandbox, &both)));
}

#[test]
fn what_is_more_than_a_push_asks_the_builder() {
    let sandbox = pair();
    let repository = repository();
    push(&sandbox, &["--target", "one"]);
    let cache = format!("type=local,dest={}", sandbox.out("cache").display());
    let folder = format!("type=local,dest={}", sandbox.out("bin").display());
    let store = format!("type=image,push=true,name={repository}/one:latest");
    fs::create_dir_all(sandbox.out("compiled")).unwrap();
    let compiled = format!("file://{}", sandbox.out("compiled").display());
    for args in [
        &["--force"][..],
        &["--no-cache"],
        &["--cache-to", &cache],
        &["--cache-to", "type=inline"],
        &["--output", &folder],
        &["--output", &store],
        &["--compression", "gzip"],
        &[
            "--compile-cache",
            &compiled,
            "--compile-cache-mode",
            "read-write",
        ],
    ] {
        let args = [args, &["--target", "one"]].concat();
        let run = push(&sandbox, &args);
        assert!(asked(&run), "{args:?}\n{run}");
    }
    assert!(sandbox.out("cache/index.json").is_file());
    assert!(sandbox.out("bin/one").is_file());
    // What came of such a push is known, too, but for what came of more than the push.
    let file = sandbox.out("metadata.json");
    let pushed = |args: &[&str]| {
        let file = file.to_string_lossy();
        let args = [args, &["--target", "one", "--metadata-file", &file]].concat();
        let run = push(&sandbox, &args);
        (asked(&run), fs::read_to_string(&*file).unwrap())
    };
    let cache = format!("{repository}/cache");
    let (was_asked, metadata) = pushed(&["--cache-to", &cache]);
    assert!(
        was_asked && metadata.contains("cache.manifest"),
        "{metadata}"
    );
    // Whoever reads a cache keeps packages in layers, as who writes one.
    let (was_asked, metadata) = pushed(&["--cache-from", &cache]);
    assert!(
        !was_asked && !metadata.contains("cache.manifest"),
        "{metadata}"
    );
}

#[test]
fn a_base_without_a_digest_asks_the_builder() {
    let sandbox = pair();
    push(&sandbox, &["--target", "one"]);
    let one = format!("{}/one", repository());
    let manifest = |base: &str| {
        format!("[[image]]\nname = \"upon\"\nbinaries = [\"./two\"]\nbase = \"{base}\"\n")
    };
    sandbox.write("goimage.toml", &manifest(&one));
    push(&sandbox, &[]);
    assert!(asked(&push(&sandbox, &[])));
    let pinned = format!("{one}@{}", Image::new(one.as_str()).digest());
    sandbox.write("goimage.toml", &manifest(&pinned));
    assert!(asked(&push(&sandbox, &[])));
    assert!(!asked(&push(&sandbox, &[])));
    // What the daemon says of the base is in the config, too.
    let config = image("upon").config();
    assert_eq!(config["config"]["Entrypoint"][0], "/usr/local/bin/two");
}

#[test]
fn a_copied_file_that_changes_is_seen() {
    let sandbox = pair();
    sandbox.write(
        "goimage.toml",
        "[[image]]\nname = \"one\"\nbinaries = [\"./one\"]\n\
         files = [{ from = \"srv\", to = \"/srv\" }]\n",
    );
    sandbox.write("srv/a.txt", "first");
    // What was written a moment ago could be written again in the same tick of a coarse clock.
    thread::sleep(Duration::from_secs(4));
    push(&sandbox, &[]);
    assert!(!asked(&push(&sandbox, &[])));
    sandbox.write("srv/a.txt", "other");
    assert!(asked(&push(&sandbox, &[])));
    assert_eq!(image("one").read("/srv/a.txt"), b"other");
    sandbox.write("srv/b.txt", "");
    assert!(asked(&push(&sandbox, &[])));
    assert_eq!(image("one").read("/srv/b.txt"), b"");
}

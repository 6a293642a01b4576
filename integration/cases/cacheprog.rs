//! gobuild as the build cache of real `go` commands: folders of this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::harness::gocache::{Built, GoBuild, built};
use crate::harness::tool;

const GO_MOD: &str = "module example.com/app\n\ngo 1.26.0\n";

/// A program of two packages and a good part of the standard library.
fn project() -> GoBuild {
    GoBuild::of(&[
        ("go.mod", GO_MOD),
        ("main.go", &main("hello")),
        (
            "store/store.go",
            "package store\n\nimport \"encoding/json\"\n\nfunc Text(v any) string {\n\
             \tb, _ := json.Marshal(v)\n\treturn string(b)\n}\n",
        ),
    ])
}

fn main(word: &str) -> String {
    format!(
        "package main\n\nimport \"example.com/app/store\"\n\n\
         func main() {{\n\tprintln(store.Text([]string{{\"{word}\"}}))\n}}\n"
    )
}

/// Returns a number of a report.
#[track_caller]
fn number(built: &Built, path: &str) -> u64 {
    let value = built
        .stats
        .pointer(path)
        .and_then(serde_json::Value::as_u64);
    value.unwrap_or_else(|| panic!("{path} is not in {}", built.stats))
}

/// Returns the outputs in a cache folder.
fn outputs(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = folders.filter(|path| path.is_dir()).flat_map(|path| {
        let entries = fs::read_dir(path).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .collect::<Vec<_>>()
    });
    files
        .filter(|path| path.to_string_lossy().ends_with("-d"))
        .collect()
}

#[test]
fn a_warm_cache_compiles_nothing_and_plain_go_shares_it() {
    let build = project();
    let cold = build.build();
    let binary = build.binary();
    assert!(cold.compiled.len() > 30, "{:?}", cold.compiled);
    assert!(number(&cold, "/puts/entries") > 30);
    let warm = build.build();
    assert!(warm.compiled.is_empty(), "{:?}", warm.compiled);
    // `go` keeps what it knows of a folder only once its files are two seconds old.
    let warm = build.build();
    assert_eq!(number(&warm, "/puts/entries"), 0);
    assert_eq!(number(&warm, "/gets"), number(&warm, "/local/entries"));
    assert_eq!(build.binary(), binary);
    // The same folder, without gobuild; then what plain `go` adds, with it.
    let plain = build.plain("cache");
    assert!(plain.compiled.is_empty(), "{:?}", plain.compiled);
    build.write("main.go", &main("good day"));
    let plain = build.plain("cache");
    assert_eq!(plain.compiled, ["example.com/app"]);
    let warm = build.build();
    assert!(warm.compiled.is_empty(), "{:?}", warm.compiled);
    // And what it builds is what plain `go` builds with a cache of its own.
    let binary = build.binary();
    build.plain("other");
    assert_eq!(build.binary(), binary);
}

#[test]
fn an_example_with_modules_is_built_and_collected() {
    let mut build = GoBuild::example("api");
    build.build();
    build.write(
        "zz_more.go",
        "package main\n\nfunc init() { println(\"more\") }\n",
    );
    let out = build.path("collected");
    build.set("GOBUILD_CACHEPROG_COLLECT", out.display().to_string());
    let edited = build.build();
    assert_eq!(edited.compiled, ["example.com/api"]);
    let binary = build.binary();
    // Exactly what was used: the main package's first version is not in it.
    let entries = number(&edited, "/collected/entries");
    let used = number(&edited, "/local/entries") + number(&edited, "/puts/entries");
    assert!(entries > 50 && entries <= used, "{}", edited.stats);
    assert!(outputs(&out).len() < outputs(&build.path("cache")).len());
    let plain = build.plain("collected");
    assert!(plain.compiled.is_empty(), "{:?}", plain.compiled);
    assert_eq!(build.binary(), binary);
    // As a seed below an empty cache it spares everything, too.
    build
        .set("GOBUILD_CACHEPROG_COLLECT", "")
        .set("GOBUILD_CACHEPROG_SEED", out.display().to_string())
        .on("empty");
    let seeded = build.build();
    assert!(seeded.compiled.is_empty(), "{:?}", seeded.compiled);
    assert!(number(&seeded, "/seeds/0/entries") > 30);
    assert!(outputs(&build.path("empty")).is_empty());
}

#[test]
fn builds_at_the_same_time_share_a_folder() {
    let build = project();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let builds = ["one", "two", "three"].map(|name| {
            let mut command = build.cached(name);
            command.env("GOBUILD_CACHEPROG_MAX_SIZE", "1kB");
            scope.spawn(move || command.output().unwrap())
        });
        builds
            .into_iter()
            .map(|build| build.join().unwrap())
            .collect()
    });
    for outcome in &outcomes {
        built(outcome, serde_json::Value::Null);
    }
    let binary = |name| fs::read(build.path(name)).unwrap();
    assert_eq!(binary("one"), binary("two"));
    assert_eq!(binary("one"), binary("three"));
}

#[test]
fn a_limit_removes_what_the_build_did_not_use() {
    let mut build = project();
    build.build();
    let before = outputs(&build.path("cache")).len();
    // A program that uses next to nothing of it.
    build.write(
        "main.go",
        "package main\n\nfunc main() { println(\"small\") }\n",
    );
    // There is no room for anything, and what the build used stays all the same.
    build.set("GOBUILD_CACHEPROG_MAX_SIZE", "1kB");
    let small = build.build();
    assert!(number(&small, "/removed/files") > 10, "{}", small.stats);
    let after = outputs(&build.path("cache"));
    let used = number(&small, "/local/entries") + number(&small, "/puts/entries");
    assert!(after.len() < before && after.len() as u64 <= used);
    let again = build.build();
    assert!(again.compiled.is_empty(), "{:?}", again.compiled);
}

#[test]
fn a_failed_build_leaves_a_cache_that_works() {
    let build = project();
    build.write("main.go", "package main\n\nfunc main() { nonsense() }\n");
    let failed = build.cached("binary").output().unwrap();
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("undefined: nonsense"), "{said}");
    assert!(!said.contains("GOCACHEPROG"), "{said}");
    build.write("main.go", &main("hello"));
    build.build();
    let warm = build.build();
    assert!(warm.compiled.is_empty(), "{:?}", warm.compiled);
}

#[test]
fn a_folder_that_cannot_be_used_is_said() {
    let build = project();
    let mut command = build.cached("binary");
    command.env("GOBUILD_CACHEPROG_DIR", "/dev/null/cache");
    let failed = command.output().unwrap();
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(
        said.contains("cannot use the cache folder /dev/null/cache"),
        "{said}"
    );
}

#[test]
fn a_summary_is_one_line() {
    let mut build = project();
    build.set("GOBUILD_CACHEPROG_SUMMARY", "1");
    // CI systems set what was left out to nothing.
    for unset in ["MAX_SIZE", "REMOTE_MODE", "REMOTE_TIMEOUT"] {
        build.set(&format!("GOBUILD_CACHEPROG_{unset}"), "");
    }
    let cold = build.build();
    let lines: Vec<_> = cold
        .said
        .lines()
        .filter(|line| line.starts_with("gobuild cacheprog: "))
        .collect();
    assert_eq!(lines.len(), 1, "{}", cold.said);
    assert!(lines[0].contains(" missed; "), "{lines:?}");
}

/// A file system of four megabytes; it is unmounted with the value.
struct Small(PathBuf);

impl Small {
    fn mount(folder: PathBuf) -> Self {
        fs::create_dir_all(&folder).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4m", "gobuild-test"])
            .arg(&folder);
        tool::output(mount);
        Self(folder)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // The test has failed or passed by now.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_costs_what_is_not_kept_and_no_build() {
    let build = project();
    build.plain("other");
    let binary = build.binary();
    let _small = Small::mount(build.path("cache"));
    for round in ["full", "found full"] {
        let built = build.build();
        assert_eq!(build.binary(), binary, "{round}");
        assert!(
            number(&built, "/failed_puts") > 0,
            "{round}: {}",
            built.stats
        );
        let said = "compiled packages are not kept in";
        assert_eq!(built.said.matches(said).count(), 1, "{}", built.said);
        assert!(!built.compiled.is_empty());
    }
}

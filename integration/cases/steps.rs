//! Steps that come before compile steps: they leave all that compile steps need, spare them the
//! work, and change no byte of the binaries.

mod elsewhere;

use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::harness::daemon::Private;
use crate::harness::environment::environment;
use crate::harness::image::Image;
use crate::harness::program::{Gobuild, Run};
use crate::harness::sandbox::{Sandbox, repository};
use crate::harness::tool;

/// The path of `rsc.io/quote`, which provides no package here, is the beginning of another's.
const GO_MOD: &str = "\
module example.com/app

go 1.26.0

toolchain go1.26.8

require (
\trsc.io/quote v1.5.2
\trsc.io/quote/v3 v3.1.0
)

require (
\tgolang.org/x/text v0.0.0-20170915032832-14c0d48ead0c // indirect
\trsc.io/sampler v1.3.0 // indirect
)
";

const GO_SUM: &str = "\
golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c h1:qgOY6WgZOaTkIIMiVjBQcw93ERBE4m30iBm00nkL0i8=
golang.org/x/text v0.0.0-20170915032832-14c0d48ead0c/go.mod h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ=
rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=
rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=
rsc.io/quote/v3 v3.1.0 h1:9JKUTTIUgS6kzR9mK1YuGKv6Nl+DijDNIc0ghT58FaY=
rsc.io/quote/v3 v3.1.0/go.mod h1:yEA65RcK8LyAZtP9Kv3t0HmxON59tX3rD+tICJqUlj0=
rsc.io/sampler v1.3.0 h1:7uVkIFmeBqHfdjD+gZwtXXI+RODJ2Wc4O7MPEh/QiW4=
rsc.io/sampler v1.3.0/go.mod h1:T1hPZKmBbMNahiBKFy5HrXp6adAjACjK9JXDnKaTXpA=
";

/// The steps of [`pair`], for linux/amd64.
const STEPS: [&str; 4] = [
    "standard library for",
    "dependencies for",
    "compile one",
    "compile two",
];

/// What `./one` and `./two` print after their names.
const QUOTE: &str = "Concurrency is not parallelism.";

/// Returns a text that no earlier build on the daemon has seen.
fn fresh() -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    format!("{:x}", now.unwrap().as_nanos())
}

/// Two programs of one image that share a package of their own and one of another module.
fn pair(go: &str, build: &str) -> Sandbox {
    let manifest = format!(
        "[go]\nflags = [\"-v\"]\n{go}\n[build]\n{build}\n\
         [[image]]\nname = \"pair\"\nbinaries = [\"./one\", \"./two\"]\n"
    );
    let word = format!(
        "package word\n\nimport \"rsc.io/quote/v3\"\n\nconst Fresh = \"{}\"\n\n\
         func Word() string {{ return quote.Concurrency() }}\n",
        fresh()
    );
    let sandbox = Sandbox::of(&[
        ("go.mod", GO_MOD),
        ("go.sum", GO_SUM),
        ("goimage.toml", &manifest),
        ("word/word.go", &word),
    ]);
    for name in ["one", "two"] {
        let main = format!(
            "package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/app/word\"\n)\n\n\
             func main() {{ os.Stdout.WriteString(\"{name} \" + word.Word()) }}\n"
        );
        sandbox.write(&format!("{name}/main.go"), &main);
    }
    sandbox
}

/// Returns the packages that a step compiled, as `go build -v` names them.
fn compiled(run: &Run, step: &str) -> Vec<String> {
    let number = run.stderr.lines().find_map(|line| {
        let (number, name) = line.split_once(' ')?;
        (name == step).then_some(number)
    });
    let number = number.unwrap_or_else(|| panic!("no step {step}\n{run}"));
    let said = run.stderr.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let words = [
            words.next()?,
            words.next()?,
            words.next()?,
            words.next().unwrap_or_default(),
        ];
        let timed = words[1].parse::<f64>().is_ok();
        (words[0] == number && timed && words[3].is_empty()).then(|| words[2].to_owned())
    });
    said.collect()
}

/// Builds with equal flags without gobuild, and returns a binary's bytes.
fn native(sandbox: &Sandbox, name: &str, flags: &[&str]) -> Vec<u8> {
    native_into(sandbox, name, flags, None)
}

/// The same with a build cache of its own.
fn native_into(sandbox: &Sandbox, name: &str, flags: &[&str], cache: Option<&Path>) -> Vec<u8> {
    let binary = sandbox.out(name);
    let mut command = Command::new("go");
    command
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags=-s -w -buildid=",
            "-gcflags=all=-dwarf=false",
        ])
        .args(flags)
        .arg("-o")
        .arg(&binary)
        .arg(format!("./{name}"))
        .current_dir(sandbox.project())
        .env_clear()
        .envs(environment())
        .env("HOME", sandbox.home())
        .env("CGO_ENABLED", "0")
        .envs(cache.map(|cache| ("GOCACHE", cache)));
    tool::output(command);
    std::fs::read(binary).unwrap()
}

/// Returns a push by a daemon of one's own.
fn push_by(daemon: &Private, sandbox: &Sandbox) -> Gobuild {
    sandbox
        .gobuild()
        .args(["image", "--addr", &daemon.address().to_string()])
        .args(["--progress", "plain", "--push", "--insecure-registry"])
        .args(["--repository", &repository()])
}

/// Checks that no step compiled a package.
fn nothing_compiled(run: &Run) {
    no_step_compiled(run, &STEPS);
}

fn no_step_compiled(run: &Run, steps: &[&str]) {
    for step in steps {
        let step = format!("{step} linux/amd64");
        assert_eq!(compiled(run, &step), Vec::<String>::new(), "{run}");
    }
}

/// Builds, and checks that the compile steps compiled first-party packages alone and made what
/// `go build` makes.
fn first_party_alone(sandbox: &Sandbox, flags: &[&str]) {
    built_first_party_alone(&sandbox.push().succeeds(), sandbox, flags);
}

/// The same, of a run that was.
fn built_first_party_alone(run: &Run, sandbox: &Sandbox, flags: &[&str]) {
    let image = Image::new(format!("{}/pair", repository()));
    for name in ["one", "two"] {
        let step = format!("compile {name} linux/amd64");
        let mut packages = compiled(run, &step);
        packages.retain(|package| !package.starts_with("example.com/app/"));
        assert_eq!(packages, Vec::<String>::new(), "{step}\n{run}");
        let path = format!("/usr/local/bin/{name}");
        assert!(
            image.read(&path) == native(sandbox, name, flags),
            "{path}\n{run}"
        );
        // The image has no dynamic linker.
        if !flags.contains(&"-buildmode=pie") {
            assert_eq!(image.run(Some(&path), &[]), format!("{name} {QUOTE}"));
        }
    }
}

#[test]
fn a_mount_has_what_binaries_share() {
    first_party_alone(
        &pair("tags = [\"some\"]", "cache = \"mount\""),
        &["-tags=some"],
    );
}

#[test]
fn layers_have_what_binaries_share() {
    first_party_alone(
        &pair("gcflags = [\"-d=checkptr=0\"]", "cache = \"layer\""),
        &["-gcflags=-dwarf=false -d=checkptr=0"],
    );
}

#[test]
fn flags_that_hold_for_every_package_are_those_of_shared_ones() {
    let go = "gcflags = [\"all=-d=checkptr=0\"]\nbuildmode = \"pie\"";
    let flags = ["-gcflags=all=-dwarf=false -d=checkptr=0", "-buildmode=pie"];
    first_party_alone(&pair(go, "cache = \"layer\""), &flags);
}

/// What a fork of `rsc.io/sampler` says, which just `rsc.io/quote/v3` imports.
const FORK: &str = "package sampler

import \"golang.org/x/text/language\"

func Hello(prefs ...language.Tag) string { return \"forked\" }
func Glass(prefs ...language.Tag) string { return \"forked\" }
";

/// Takes `rsc.io/sampler` from a folder of the project.
fn fork(sandbox: &Sandbox, go_mod: &str) {
    let go_mod = format!("{go_mod}\nreplace rsc.io/sampler => ./fork\n");
    sandbox.write("go.mod", &go_mod);
    let required = GO_MOD.lines().find(|line| line.contains("x/text")).unwrap();
    let required = required.trim().trim_end_matches(" // indirect");
    sandbox.write(
        "fork/go.mod",
        &format!("module rsc.io/sampler\n\nrequire {required}\n"),
    );
    sandbox.write("fork/sampler.go", FORK);
}

#[test]
fn a_downloaded_module_may_import_a_fork_in_the_tree() {
    let sandbox = pair("", "");
    fork(&sandbox, GO_MOD);
    sandbox.edit("word/word.go", "quote.Concurrency()", "quote.HelloV3()");
    sandbox.push().succeeds();
    let image = Image::new(format!("{}/pair", repository()));
    let one = Some("/usr/local/bin/one");
    assert_eq!(image.run(one, &[]), "one forked");
    sandbox.edit(
        "fork/sampler.go",
        "func Hello(prefs ...language.Tag) string { return \"forked\"",
        "func Hello(prefs ...language.Tag) string { return \"edited\"",
    );
    sandbox.push().succeeds();
    assert_eq!(image.run(one, &[]), "one edited");
}

/// What fails is shown as Go says it, and tried again.
#[test]
fn a_shared_step_that_fails_is_not_kept() {
    let sandbox = pair("gcflags = [\"all=-nonsense\"]", "cache = \"layer\"");
    for _ in 0..2 {
        let run = sandbox.push().fails_with(5);
        run.says(&[
            "flag provided but not defined: -nonsense",
            "failed with exit code 1",
        ]);
    }
    sandbox.edit("goimage.toml", "all=-nonsense", "all=-l=4");
    first_party_alone(&sandbox, &["-gcflags=all=-dwarf=false -l=4"]);
}

/// What a cache carries to a builder that is empty is enough to compile after an edit.
#[tokio::test(flavor = "multi_thread")]
async fn a_cache_that_travels_has_what_binaries_share() {
    let sandbox = pair("", "");
    let folder = sandbox.out("cache");
    let to = format!("type=local,dest={},mode=max", folder.display());
    sandbox.push().args(["--cache-to", &to]).succeeds();

    let daemon = Private::start();
    daemon.connect(None).await;
    let edited = format!("Fresh = \"{} and edited, ", fresh());
    sandbox.edit("word/word.go", "Fresh = \"", &edited);
    let from = format!("type=local,src={}", folder.display());
    let run = push_by(&daemon, &sandbox)
        .args(["--cache-from", &from])
        .succeeds();
    built_first_party_alone(&run, &sandbox, &[]);
}

/// Returns the names and sizes of all files below a folder.
fn listed(folder: &Path) -> Vec<(String, u64)> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            match metadata.is_dir() {
                true => open.push(entry.path()),
                false => files.push((entry.path().display().to_string(), metadata.len())),
            }
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_builder_compiles_nothing_that_the_compile_cache_has() {
    // Shared steps that the daemon has would not run, and leave nothing in a new store.
    let sandbox = pair(&format!("tags = [\"t{}\"]", fresh()), "");
    let folder = sandbox.out("store");
    std::fs::create_dir_all(&folder).unwrap();
    let store = format!("file://{}", folder.display());
    let cache = ["--compile-cache", &store];
    let written = sandbox.push().args(cache);
    let written = written
        .args(["--compile-cache-mode", "read-write"])
        .succeeds();
    let kept = listed(&folder);
    assert!(!kept.is_empty(), "{written}");

    let daemon = Private::start();
    daemon.connect(None).await;
    let run = push_by(&daemon, &sandbox).args(cache).succeeds();
    nothing_compiled(&run);
    let run = run.says(&[" remote, 0 host, 0 missed"]);
    assert_eq!(run.stdout, written.stdout);
    // It was only read.
    assert_eq!(listed(&folder), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_tells_what_steps_before_it_would_have_if_they_had_run() {
    let sandbox = pair(&format!("tags = [\"t{}\"]", fresh()), "");
    let store = |name: &str| {
        let folder = sandbox.out(name);
        std::fs::create_dir_all(&folder).unwrap();
        format!("file://{}", folder.display())
    };
    let write = |store: &str| {
        let push = sandbox.push().args(["--compile-cache", store]);
        push.args(["--compile-cache-mode", "read-write"]).succeeds()
    };
    write(&store("first"));
    // The store is lost; the builder has the shared packages, and one program alone runs again.
    sandbox.edit("one/main.go", "one ", "edited ");
    let second = store("second");
    let written = write(&second);
    let files = listed(&sandbox.out("second"));
    let indexes = files.iter().filter(|(path, _)| path.ends_with("/index"));
    assert_eq!(indexes.count(), 1, "{files:?}\n{written}");

    let daemon = Private::start();
    daemon.connect(None).await;
    let read = ["--compile-cache", &second];
    let run = push_by(&daemon, &sandbox).args(read).succeeds();
    no_step_compiled(&run, &STEPS[..3]);
    assert_eq!(
        compiled(&run, "compile two linux/amd64"),
        ["example.com/app/two"],
        "{run}"
    );
    assert_eq!(run.stdout, written.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_builder_compiles_nothing_that_this_machine_has() {
    let tag = format!("t{}", fresh());
    let sandbox = pair(&format!("tags = [\"{tag}\"]"), "");
    let flag = format!("-tags={tag}");
    let cache = sandbox.out("gocache");
    for name in ["one", "two"] {
        native_into(&sandbox, name, &[&flag], Some(&cache));
    }
    let kept = listed(&cache);

    let daemon = Private::start();
    daemon.connect(None).await;
    let run = push_by(&daemon, &sandbox)
        .arg("--seed-gocache")
        .arg(&cache)
        .succeeds();
    nothing_compiled(&run);
    // It was only read.
    assert_eq!(listed(&cache), kept);
    built_first_party_alone(&run, &sandbox, &[&flag]);
}

//! A cap on compile steps: it holds, it reaches Go, and it changes nothing else.

use std::collections::BTreeSet;
use std::time::SystemTime;

use crate::harness::sandbox::{GO_MOD, Sandbox, main};
use crate::harness::vertices::{Interval, Vertices, intervals};

/// Returns four programs that no earlier build on the daemon has seen: an image of two of them and
/// one of each of the others.
fn four(manifest: &str) -> Sandbox {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.unwrap().as_nanos();
    let image = |name: &str, binaries: &str| {
        format!("[[image]]\nname = \"{name}\"\nbinaries = [{binaries}]\n")
    };
    let images = [
        image("pair", "\"./one\", \"./two\""),
        image("three", "\"./three\""),
        image("four", "\"./four\""),
    ];
    let manifest = format!("{manifest}\n{}", images.concat());
    let sandbox = Sandbox::of(&[("go.mod", GO_MOD), ("goimage.toml", &manifest)]);
    for name in ["one", "two", "three", "four"] {
        sandbox.write(&format!("{name}/main.go"), &main(&format!("{name} {now}")));
    }
    sandbox
}

#[test]
fn one_job_compiles_one_binary_at_a_time() {
    let sandbox = four("");
    let push = || sandbox.push().args(["--force", "--progress", "rawjson"]);
    let run = push().args(["--jobs", "1"]).succeeds();
    let compiles = intervals(&run).into_iter();
    let compiles = compiles.filter(|interval| interval.name.starts_with("compile "));
    let compiles: BTreeSet<Interval> = compiles.collect();
    let names: BTreeSet<&str> = compiles.iter().map(|run| run.name.as_str()).collect();
    assert_eq!(names.len(), 4, "{run}");
    let compiles: Vec<Interval> = compiles.into_iter().collect();
    for pair in compiles.windows(2) {
        assert!(pair[0].times.1 <= pair[1].times.0, "{pair:?}\n{run}");
    }

    // Whoever builds with another cap, or none, has the same steps.
    for jobs in [&["--jobs", "7"][..], &[]] {
        let again = push().args(jobs).succeeds();
        let vertices = Vertices::of(&again);
        assert_eq!(vertices.ran("compile "), Vec::<&str>::new(), "{again}");
        assert_eq!(vertices.cached("compile ").len(), 4, "{again}");
        assert_eq!(again.stdout, run.stdout);
    }
}

/// Go's action graph says how many threads each compiler may use, if it is more than one.
#[test]
fn go_is_told_of_the_cap() {
    let graph = "[go]\nflags = [\"-debug-actiongraph=/dev/stderr\"]\n[build]\njobs = 1\n";
    let run = four(graph).push().succeeds();
    run.says(&["/compile -o "]).says_nothing_of(&[" -c="]);
    let run = four(graph).push().args(["--jobs", "3"]).succeeds();
    run.says(&["/compile -o ", " -c=3 "]);
}

#[test]
fn a_program_that_does_not_compile_is_shown_as_ever() {
    let sandbox = four("");
    sandbox.write("two/main.go", "package main\n\nfunc main() { x }\n");
    let run = sandbox.push().args(["--jobs", "1"]).fails_with(5);
    run.says(&[
        "two/main.go:3:15: undefined: x",
        "compile two linux/amd64 failed",
    ]);
}

#[test]
fn no_job_at_all_is_a_mistake() {
    let run = four("").push().args(["--jobs", "0"]).fails_with(2);
    run.says(&["--jobs <N>"]);
}

//! `gobuild affected`: which images a branch changes, without a builder.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::sandbox::Sandbox;
use crate::harness::tool;

const USAGE: i32 = 2;

fn git(sandbox: &Sandbox, args: &[&str]) -> String {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
    tool::run_in(sandbox.project(), "git", &[&identity[..], args].concat())
}

fn commit(sandbox: &Sandbox) {
    git(sandbox, &["add", "--all"]);
    git(sandbox, &["commit", "--quiet", "--message", "edited"]);
}

/// Returns the example of three programs in a repository, on a branch that left main.
fn branch(example: &str) -> Sandbox {
    let sandbox = Sandbox::example(example);
    git(&sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&sandbox);
    git(&sandbox, &["switch", "--quiet", "--create", "branch"]);
    sandbox
}

/// Returns the names that are printed.
#[track_caller]
fn since(sandbox: &Sandbox, commit: &str) -> Vec<String> {
    let run = sandbox.gobuild().args(["affected", "--since", commit]);
    let run = run.succeeds().says_nothing_of(&["warning"]);
    run.stdout.lines().map(str::to_owned).collect()
}

const ALL: [&str; 4] = [
    "multi-all",
    "multi-gateway",
    "multi-migrate",
    "multi-worker",
];

#[test]
fn a_branch_affects_the_images_that_see_its_edits() {
    let sandbox = branch("multi");
    assert!(since(&sandbox, "main").is_empty());
    sandbox.write("README.md", "new");
    sandbox.write("cmd/worker/main_test.go", "package main\n");
    assert!(since(&sandbox, "main").is_empty());

    sandbox.edit(
        "cmd/worker/main.go",
        "package main",
        "package main // edited",
    );
    // Whether it is committed makes no difference.
    assert_eq!(since(&sandbox, "main"), ["multi-all", "multi-worker"]);
    commit(&sandbox);
    assert_eq!(since(&sandbox, "main"), ["multi-all", "multi-worker"]);
    assert!(since(&sandbox, "HEAD").is_empty());
    assert_eq!(since(&sandbox, "HEAD~1"), ["multi-all", "multi-worker"]);

    // Main goes on elsewhere: what it has is not the branch's doing.
    git(&sandbox, &["switch", "--quiet", "main"]);
    sandbox.edit(
        "cmd/migrate/main.go",
        "package main",
        "package main // main",
    );
    commit(&sandbox);
    git(&sandbox, &["switch", "--quiet", "branch"]);
    assert_eq!(since(&sandbox, "main"), ["multi-all", "multi-worker"]);
    let run = sandbox.gobuild().args(["affected", "--since", "main"]);
    let run = run.args(["--target", "multi-migrate"]).succeeds();
    assert_eq!(run.stdout, "");
}

#[test]
fn why_is_told() {
    let sandbox = branch("multi");
    sandbox.edit("goimage.toml", "base = \"scratch\"", "base = \"static\"");
    sandbox.write("cmd/gateway/more.go", "package main\n");
    let affected = sandbox
        .gobuild()
        .args(["affected", "--since", "main", "--json"])
        .succeeds();
    let affected: Value = serde_json::from_str(&affected.stdout).unwrap();
    let because = |name: &str| -> Vec<String> {
        let images = affected.as_array().unwrap().iter();
        let mut images = images.filter(|image| image["image"] == name);
        let image = images.next();
        let because = image.unwrap_or_else(|| panic!("{name} is not in {affected:#}"));
        serde_json::from_value(because["because"].clone()).unwrap()
    };
    assert_eq!(because("multi-all"), ["cmd/gateway/more.go"]);
    // A base says who runs on it.
    let worker = because("multi-worker");
    assert_eq!(worker.len(), 2, "{worker:?}");
    assert!(worker[0].starts_with("its base for linux/"), "{worker:?}");
    assert!(worker[1].starts_with("its config for "), "{worker:?}");
    sandbox
        .gobuild()
        .args(["affected", "--since", "main"])
        .succeeds()
        .says(&["multi-all: cmd/gateway/more.go\n"]);
    git(&sandbox, &["add", "--all"]);
    sandbox
        .gobuild()
        .args(["affected", "--since", "main"])
        .succeeds()
        .says(&["multi-all: cmd/gateway/more.go (new)\n"]);

    sandbox.edit("go.mod", "toolchain go1.26.8", "toolchain go1.26.7");
    assert_eq!(since(&sandbox, "main"), ALL);
}

#[test]
fn a_new_commit_alone_is_no_difference_to_what_is_stamped_with_it() {
    let sandbox = branch("multi");
    sandbox.edit("goimage.toml", "\"v1.2.3\"", "\"{{ git.commit }}\"");
    assert_eq!(since(&sandbox, "main"), ALL);
    commit(&sandbox);
    sandbox.write("README.md", "new");
    commit(&sandbox);
    assert!(since(&sandbox, "HEAD~1").is_empty());
}

#[test]
fn a_project_is_found_anywhere_in_a_repository() {
    let sandbox = Sandbox::of(&[
        (
            "app/go.mod",
            "module example.com/app\n\ngo 1.26.0\n\nrequire example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n",
        ),
        (
            "app/main.go",
            "package main\n\nimport _ \"example.com/lib\"\n\nfunc main() {}\n",
        ),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.26.0\n"),
        ("lib/real/lib.go", "package lib\n"),
        ("other/other.go", "package other\n"),
    ]);
    symlink("real/lib.go", sandbox.project().join("lib/lib.go")).unwrap();
    git(&sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&sandbox);
    let since = || {
        let run = sandbox
            .gobuild()
            .current_dir(&sandbox.project().join("app"));
        let run = run.args(["affected", "--since", "main"]).succeeds();
        run.says_nothing_of(&["warning"]).stdout
    };
    assert_eq!(since(), "");
    sandbox.write("other/other.go", "package other // edited\n");
    assert_eq!(since(), "");
    sandbox.write("lib/more.go", "package lib\n");
    assert_eq!(since(), "app\n");
    fs::remove_file(sandbox.project().join("lib/more.go")).unwrap();
    sandbox.edit("app/main.go", "main() {}", "main() { println() }");
    assert_eq!(since(), "app\n");
}

#[test]
fn where_nothing_can_be_compared_everything_is_new() {
    let sandbox = Sandbox::example("multi");
    let affected = |commit: &str| sandbox.gobuild().args(["affected", "--since", commit]);
    affected("main")
        .fails_with(USAGE)
        .says(&["git rev-parse failed", "not a git repository"])
        .says_nothing_of(&["shallow"]);
    let manifest = fs::read_to_string(sandbox.project().join("goimage.toml")).unwrap();
    sandbox.write("goimage.toml", "[[image]\n");
    git(&sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&sandbox);
    sandbox.write("goimage.toml", &manifest);
    let run = affected("main").succeeds();
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), ALL);
    run.says(&[
        "warning: the project could not be read (",
        "every image counts as new",
        "multi-all: it is new",
    ]);
    affected("nowhere").fails_with(USAGE).says(&[
        "there is no commit \"nowhere\" in this repository",
        "hint: a shallow clone",
    ]);
    affected("main")
        .args(["--tag", "x:1"])
        .fails_with(USAGE)
        .says(&["cannot be used with"]);
}

#[test]
fn a_manifest_beside_the_project_and_one_outside_of_the_repository_are_compared() {
    let sandbox = Sandbox::of(&[
        ("app/go.mod", "module example.com/app\n\ngo 1.26.0\n"),
        ("app/main.go", "package main\n\nfunc main() {}\n"),
        ("app/etc/x", "x"),
        ("deploy/app.toml", "[[image]]\nname = \"app\"\n"),
    ]);
    git(&sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&sandbox);
    let outside = sandbox.out("other.toml");
    let files = "files = [{ from = \"etc\", to = \"/etc/app\" }]\n";
    fs::write(&outside, format!("[[image]]\nname = \"app\"\n{files}")).unwrap();
    fs::write(sandbox.out("other.toml.dockerignore"), "README.md\n").unwrap();
    let since = |manifest: &str| {
        let run = sandbox
            .gobuild()
            .current_dir(&sandbox.project().join("app"));
        let run = run.args(["affected", "--since", "main", "--file", manifest]);
        run.succeeds().says_nothing_of(&["warning"]).stdout
    };
    let outside = outside.to_str().unwrap();
    assert_eq!(since("../deploy/app.toml") + &since(outside), "");
    sandbox.write("app/etc/x", "y");
    assert_eq!(since("../deploy/app.toml"), "");
    assert_eq!(since(outside), "app\n");
    sandbox.edit("deploy/app.toml", "\"app\"\n", "\"app\"\nuser = \"7\"\n");
    assert_eq!(since("../deploy/app.toml"), "app\n");
}

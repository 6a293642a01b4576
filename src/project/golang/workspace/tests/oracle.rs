//! The workspace with the go command as its judge, offline.

use std::fs;

use super::project::Project;
use super::*;

/// Checks that each package is where `go list` finds it.
fn agree(project: &Project, start: &str) {
    let listed = project
        .listed(start)
        .unwrap_or_else(|error| panic!("{error}"));
    // What the standard library vendors is no business of ours.
    let listed: Vec<_> = listed
        .into_iter()
        .filter(|(path, _)| !path.starts_with("vendor/"))
        .collect();
    let imports: Vec<&str> = listed.iter().map(|(path, _)| path.as_str()).collect();
    let places = project
        .ours(start, &imports)
        .unwrap_or_else(|error| panic!("{error}"));
    let ours: Vec<_> = listed
        .iter()
        .map(|(path, _)| path.clone())
        .zip(places)
        .collect();
    assert_eq!(ours, listed);
}

const LOCAL: [(&str, &str); 12] = [
    (
        "go.mod",
        "module example.com/m\ngo 1.24\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v0.0.0 // indirect\n\tplain v0.0.0\n)\nreplace (\n\texample.com/a v1.0.0 => ./third/a\n\texample.com/b => ../b\n\tplain => ./plain\n\texample.com/unused => ./nowhere\n)\n",
    ),
    (
        "main.go",
        "package main\n\nimport (\n\t_ \"net/http\"\n\t\"example.com/a\"\n\t_ \"example.com/m/sub\"\n\t_ \"plain/deep\"\n)\n\nfunc main() { a.F() }\n",
    ),
    ("sub/s.go", "package sub\n\nimport _ \"unsafe\"\n"),
    ("nested/go.mod", "module example.com/nested\n"),
    ("nested/n.go", "package nested\n"),
    (
        "third/a/go.mod",
        "module example.com/a\ngo 1.20\nrequire example.com/b v0.0.0\n",
    ),
    (
        "third/a/a.go",
        "package a\n\nimport _ \"example.com/b/x\"\n\nfunc F() {}\n",
    ),
    ("plain/go.mod", "module plain\n"),
    ("plain/deep/p.go", "package deep\n"),
    ("../b/go.mod", "module example.com/b\n"),
    ("../b/x/x.go", "package x\n"),
    ("README.md", ""),
];

#[test]
fn packages_of_local_modules_are_where_go_finds_them() {
    let project = Project::new(&LOCAL);
    agree(&project, ".");
    agree(&project, "sub");
}

#[test]
fn vendored_packages_are_where_go_finds_them() {
    let project = Project::new(&LOCAL);
    let output = project.go(".", &["mod", "vendor"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    agree(&project, ".");
    let places = project.ours(".", &["example.com/b/x"]).expect("vendored");
    assert_eq!(places, ["vendor/example.com/b/x"]);
    // The folders that were copied are no longer needed, a changed go.mod is noticed.
    fs::remove_dir_all(project.root().join("../b")).expect("a folder");
    agree(&project, ".");
    for (from, to) in [
        ("example.com/a v1.0.0\n", "example.com/a v1.1.0\n"),
        ("=> ../b", "=> ../c"),
        ("plain => ./plain", "plain => example.com/plain v1.0.0"),
        ("\tplain => ./plain\n", ""),
        ("go 1.24\n", "go 1.99\n"),
    ] {
        project.write("go.mod", &LOCAL[0].1.replace(from, to));
        refuse(&project, ".", &[], from);
    }
}

const WORKSPACE: [(&str, &str); 10] = [
    (
        "go.work",
        "go 1.25\nuse (\n\t./a\n\t./libs/b\n\t../c\n)\nreplace example.com/l => ./libs/l\n",
    ),
    (
        "a/go.mod",
        "module example.com/a\ngo 1.25\nrequire (\n\texample.com/l v1.0.0\n\texample.com/k v1.0.0\n)\nreplace example.com/l => ./elsewhere\nreplace example.com/k => ../libs/k\n",
    ),
    (
        "a/main.go",
        "package main\n\nimport (\n\t_ \"example.com/b/p\"\n\t_ \"example.com/k\"\n\t_ \"example.com/l\"\n)\n\nfunc main() {}\n",
    ),
    ("libs/b/go.mod", "module example.com/b\ngo 1.20\n"),
    ("libs/b/p/p.go", "package p\n\nimport _ \"example.com/c\"\n"),
    ("../c/go.mod", "module example.com/c\n"),
    ("../c/c.go", "package c\n"),
    ("libs/l/go.mod", "module example.com/l\n"),
    ("libs/l/l.go", "package l\n"),
    ("libs/k/go.mod", "module example.com/k\ngo 1.21\n"),
];

#[test]
fn packages_of_a_workspace_are_where_go_finds_them() {
    let project = Project::new(&WORKSPACE);
    project.write("libs/k/k.go", "package k\n");
    agree(&project, "a");
    agree(&project, "libs/b");
    project.write("stray/go.mod", "module example.com/stray\n");
    project.write("stray/s.go", "package stray\n");
    refuse(&project, "stray", &[], "a module that go.work does not use");
    let output = project.go(".", &["work", "vendor"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    agree(&project, "a");
    let places = project.ours("a", &["example.com/k"]).expect("vendored");
    assert_eq!(places, ["vendor/example.com/k"]);
    for (file, from, to) in [
        (1, "example.com/k v1.0.0", "example.com/k v1.1.0"),
        (1, "=> ../libs/k", "=> ../libs/x"),
        (0, "=> ./libs/l", "=> ./libs/k"),
    ] {
        let (path, content) = WORKSPACE[file];
        project.write(path, &content.replace(from, to));
        refuse(&project, "a", &[], from);
        project.write(path, content);
    }
}

/// Checks that both refuse.
fn refuse(project: &Project, start: &str, imports: &[&str], case: &str) {
    let theirs = project.listed(start);
    assert!(theirs.is_err(), "go accepts {case}");
    let ours = project.ours(start, imports);
    assert!(ours.is_err(), "we accept {case}, go: {theirs:?}");
}

/// A `go.mod`, what its only package imports, and further files.
type Case = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const PLAIN: &str = "module example.com/m\ngo 1.24\n";
const REQUIRING: &str = "module example.com/m\ngo 1.24\nrequire example.com/e v1.0.0\n";
const REPLACING: &str =
    "module example.com/m\ngo 1.24\nrequire example.com/e v1.0.0\nreplace example.com/e => ./e\n";
const OLD: &str = "module example.com/m\ngo 1.16\nrequire example.com/e v1.0.0\n";
const SUMMED: &str = "example.com/e v1.0.0 h1:x=\n";

const REFUSED: &[Case] = &[
    (PLAIN, "foo", &[]),
    (PLAIN, "net/htp", &[]),
    (PLAIN, "example.com/x", &[]),
    (PLAIN, "example.com/m/missing", &[]),
    (PLAIN, "./sub", &[("sub/s.go", "package sub")]),
    (
        PLAIN,
        "example.com/m/n",
        &[("n/go.mod", "module n"), ("n/n.go", "package n")],
    ),
    (REQUIRING, "example.com/e", &[]),
    (
        REQUIRING,
        "example.com/e",
        &[("go.sum", SUMMED), ("x/go.sum", "")],
    ),
    (OLD, "fmt", &[]),
    (REPLACING, "example.com/e", &[]),
    (REPLACING, "example.com/e", &[("e/e.go", "package e")]),
    (
        REPLACING,
        "example.com/e/x",
        &[
            ("e/go.mod", "module example.com/e"),
            ("e/e.go", "package e"),
        ],
    ),
    ("module example.com/m\ngo 1.99\n", "fmt", &[]),
    ("module example.com/m\nwhat\n", "fmt", &[]),
    ("module go\n", "fmt", &[]),
    ("go 1.24\n", "fmt", &[]),
    (PLAIN, "fmt", &[("go.work", "go 1.23\nuse .\n")]),
    (PLAIN, "fmt", &[("go.work", "go 1.25\nuse ./x\n")]),
    (PLAIN, "fmt", &[("go.work", "go 1.25\nuse .\nuse .\n")]),
    (
        PLAIN,
        "fmt",
        &[
            ("go.work", "go 1.25\nuse .\nuse ./o\n"),
            ("o/go.mod", "module example.com/m\n"),
        ],
    ),
    (
        PLAIN,
        "fmt",
        &[("go.work", "go 1.25\nuse .\nreplace example.com/m => ./x\n")],
    ),
    (REQUIRING, "fmt", &[("vendor/x/x.go", "package x")]),
];

/// Writes the project of a case.
fn project_of((go_mod, import_path, files): &Case) -> Project {
    let main = format!("package main\n\nimport _ \"{import_path}\"\n\nfunc main() {{}}\n");
    let project = Project::new(&[("go.mod", go_mod), ("main.go", &main)]);
    for (path, content) in *files {
        project.write(path, content);
    }
    project
}

#[test]
fn what_go_refuses_is_refused() {
    for case in REFUSED {
        refuse(&project_of(case), ".", &[case.1], &format!("{case:?}"));
    }
}

const ACCEPTED: &[Case] = &[
    ("module m\n", "fmt", &[]),
    (
        "module example.com/m\ngo 1.24\ntoolchain go1.99.1\n",
        "fmt",
        &[],
    ),
    // Nothing is imported from these, so nobody asks where they are.
    (
        "module example.com/m\ngo 1.24\nrequire example.com/e v1.0.0\n",
        "fmt",
        &[],
    ),
    (
        "module example.com/m\ngo 1.24\nrequire example.com/e v1.0.0\nreplace example.com/e => ./e\n",
        "fmt",
        &[],
    ),
    (
        "module example.com/m\ngo 1.24\nreplace example.com/e => /srv/e\n",
        "fmt",
        &[],
    ),
    (
        "module example.com/m\ngo 1.24\nreplace example.com/e => ./e\n",
        "fmt",
        &[],
    ),
    (PLAIN, "fmt", &[("go.sum", "malformed\n")]),
    (PLAIN, "fmt", &[("vendor/x/x.go", "package x")]),
    (
        PLAIN,
        "fmt",
        &[(
            "vendor/modules.txt",
            "## workspace\n# example.com/a v1.0.0\n## explicit\n",
        )],
    ),
    (
        PLAIN,
        "fmt",
        &[
            ("go.work", "go 1.25\nuse .\n"),
            (
                "vendor/modules.txt",
                "# example.com/a v1.0.0\n## explicit\nexample.com/a\n",
            ),
        ],
    ),
    (
        "module example.com/m\ngo 1.13\nrequire example.com/e v1.0.0\nreplace example.com/e => ./e\n",
        "fmt",
        &[("e/go.mod", "module e\n"), ("vendor/x.txt", "")],
    ),
    (
        "module example.com/m\ngo 1.24\nignore ./web\ntool example.com/m\n",
        "fmt",
        &[],
    ),
    (
        "module example.com/m\ngo 1.20\n",
        "fmt",
        &[("go.work", "use .\n")],
    ),
];

#[test]
fn what_go_accepts_is_accepted() {
    for case in ACCEPTED {
        let project = project_of(case);
        let theirs = project.listed(".");
        assert!(theirs.is_ok(), "go refuses {case:?}: {theirs:?}");
        let ours = project.ours(".", &[case.1]);
        assert!(ours.is_ok(), "we refuse {case:?}: {ours:?}");
    }
}

#[test]
fn the_standard_library_is_listed() {
    let project = Project::new(&[("go.mod", "module m\n")]);
    let output = project.go(".", &["list", "std"]);
    let tree = project.tree();
    let workspace = Workspace::load(&tree, &TreePath::root(), GoWork::Auto).expect("a module");
    let resolver = Resolver::new(&workspace, &tree);
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let unknown: Vec<&str> = listed
        .lines()
        .filter(|path| !path.starts_with("vendor/"))
        .filter(|path| resolver.resolve(path).ok() != Some(Resolution::Standard))
        .collect();
    assert!(listed.lines().count() > 200, "{listed}");
    assert_eq!(
        unknown,
        Vec::<&str>::new(),
        "standard.txt must be brought up to date"
    );
}

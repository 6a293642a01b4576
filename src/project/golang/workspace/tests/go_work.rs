//! Several main modules.

use super::*;

const WORK: [(&str, &str); 9] = [
    (
        "go.work",
        "go 1.26.1\ntoolchain go1.26.3\nuse (\n\t./a\n\t./b\n)\nreplace example.com/l => ./l\n",
    ),
    ("go.work.sum", ""),
    (
        "a/go.mod",
        "module example.com/a\ngo 1.25\nrequire example.com/l v1.0.0\ntool example.com/t\n",
    ),
    ("a/go.sum", ""),
    ("a/cmd/main.go", "package main"),
    (
        "b/go.mod",
        "module example.com/b\ngo 1.26.1\nreplace example.com/l => ./other\n",
    ),
    ("b/b.go", "package b"),
    ("l/go.mod", "module example.com/l\n"),
    ("l/l.go", "package l"),
];

#[test]
fn go_work_joins_modules() {
    let (tree, workspace) = load_from(&WORK, "a/cmd", GoWork::Auto).expect("well-formed");
    assert_eq!(workspace.directory, TreePath::root());
    assert_eq!(workspace.go_line.as_deref(), Some("1.26.1"));
    assert_eq!(workspace.toolchain_line.as_deref(), Some("go1.26.3"));
    let minimum = workspace
        .minimum_toolchain()
        .map(|version| version.to_string());
    assert_eq!(minimum.as_deref(), Some("1.26.3"));
    assert_eq!(workspace.main_modules.len(), 2);
    assert_eq!(
        paths(&workspace.module_files),
        [
            "a/go.mod",
            "a/go.sum",
            "b/go.mod",
            "go.work",
            "go.work.sum",
            "l/go.mod"
        ]
    );
    let resolver = Resolver::new(&workspace, &tree);
    assert_eq!(resolve(&resolver, "example.com/b"), "b");
    assert_eq!(resolve(&resolver, "example.com/l"), "l");
    assert_eq!(resolve(&resolver, "example.com/z"), "module ?");
    assert!(workspace.verify(&tree, ["example.com/z"]).is_ok());
}

#[test]
fn go_work_can_be_off_or_elsewhere() {
    let (_, single) = load_from(&WORK, "b", GoWork::Off).expect("a module of its own");
    assert_eq!((single.go_work, single.directory.as_str()), (None, "b"));
    let named = GoWork::File(TreePath::new("go.work"));
    assert!(load_from(&WORK, "a", named).is_ok());
    let missing = GoWork::File(TreePath::new("x/go.work"));
    let error = load_from(&WORK, "a", missing).expect_err("not there");
    assert_eq!(error.to_string(), "x/go.work does not exist");
}

#[test]
fn go_work_must_fit_its_modules() {
    let with = |go_work: &'static str| {
        refusal(&[
            ("go.work", go_work),
            ("a/go.mod", "module example.com/a\ngo 1.26\n"),
            ("b/go.mod", "module example.com/a\n"),
        ])
    };
    assert_eq!(
        with("go 1.25\nuse ./a\n"),
        "go.work:1: a/go.mod:2 requires go >= 1.26, but go.work is for go 1.25; to update it: \
         go work use"
    );
    assert_eq!(with("go 1.26\nuse ./c\n"), "go.work:2: ./c has no go.mod");
    assert_eq!(
        with("go 1.26\nuse ./a\nuse a\n"),
        "go.work:3: a appears multiple times in workspace"
    );
    assert_eq!(
        with("go 1.26\nuse ./a\nuse ./b\n"),
        "go.work:3: module example.com/a appears multiple times in workspace: in a and b"
    );
    assert_eq!(
        with("go 1.26\nuse /a\n"),
        "go.work:2: /a is an absolute path, which a build elsewhere does not have; write it \
         relative to go.work"
    );
    assert_eq!(
        with("go 1.26\nuse ./a\nreplace example.com/a => ./x\n"),
        "go.work:3: workspace module example.com/a is replaced at all versions; remove the \
         replacement or name the version to replace"
    );
    let stray = [
        ("go.work", "go 1.26\nuse ./a\n"),
        ("a/go.mod", MAIN),
        ("c/go.mod", MAIN),
    ];
    let error = load_from(&stray, "c", GoWork::Auto).expect_err("not used");
    assert_eq!(
        error.to_string(),
        "c belongs to none of the modules that go.work uses"
    );
}

#[test]
fn conflicting_replacements_need_go_work() {
    let a = (
        "a/go.mod",
        "module example.com/a\nreplace example.com/l => ./l\n",
    );
    let b = (
        "b/go.mod",
        "module example.com/b\nreplace example.com/l => ./l\n",
    );
    assert_eq!(
        refusal(&[("go.work", "go 1.26\nuse ./a\nuse ./b\n"), a, b]),
        "b/go.mod:2: conflicting replacements for example.com/l: ./l and ./l, from a/go.mod:2"
    );
    let settled = "go 1.26\nuse ./a\nuse ./b\nreplace example.com/l => ./a/l\n";
    assert!(load(&[("go.work", settled), a, b]).is_ok());
    let same = (
        "b/go.mod",
        "module example.com/b\nreplace example.com/l => ../a/l\n",
    );
    assert!(load(&[("go.work", "go 1.26\nuse ./a\nuse ./b\n"), a, same]).is_ok());
}

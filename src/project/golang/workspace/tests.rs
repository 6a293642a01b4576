//! Each rule on a small tree.

#![expect(clippy::disallowed_methods, reason = "the go command is the oracle")]

mod downloads;
mod forks;
mod go_work;
mod oracle;
mod project;

use super::*;
use crate::project::tree::memory::MemoryTree;

fn load(files: &[(&str, &str)]) -> Result<(MemoryTree, Workspace), WorkspaceError> {
    load_from(files, ".", GoWork::Auto)
}

fn load_from(
    files: &[(&str, &str)],
    start: &str,
    go_work: GoWork,
) -> Result<(MemoryTree, Workspace), WorkspaceError> {
    let tree = MemoryTree::new(files.iter().copied());
    let workspace = Workspace::load(&tree, &TreePath::new(start), go_work)?;
    Ok((tree, workspace))
}

fn loaded(files: &[(&str, &str)]) -> (MemoryTree, Workspace) {
    load(files).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(files: &[(&str, &str)]) -> String {
    match load(files) {
        Ok(_) => panic!("loaded"),
        Err(error) => error.to_string(),
    }
}

/// Returns where an import leads, in short: `std`, a folder, `module …`, or the error.
fn resolve(resolver: &Resolver<'_>, import_path: &str) -> String {
    match resolver.resolve(import_path) {
        Ok(Resolution::Standard) => "std".to_owned(),
        Ok(Resolution::Local(directory)) => directory.to_string(),
        Ok(Resolution::External { module }) => {
            format!("module {}", module.as_deref().unwrap_or("?"))
        }
        Err(error) => error.to_string(),
    }
}

fn paths(files: &BTreeSet<TreePath>) -> Vec<&str> {
    files.iter().map(TreePath::as_str).collect()
}

const MAIN: &str = "module example.com/m\ngo 1.26\n";

#[test]
fn the_module_is_found_above_the_start() {
    let files = [("sub/go.mod", MAIN), ("sub/a/b/b.go", "package b")];
    let (_, workspace) = load_from(&files, "sub/a/b", GoWork::Auto).expect("a module above");
    assert_eq!(workspace.directory.as_str(), "sub");
    assert_eq!(workspace.go_line.as_deref(), Some("1.26"));
    let error = load_from(&files, ".", GoWork::Auto).expect_err("nothing above");
    assert_eq!(error.to_string(), "no go.mod in . or in a folder above it");
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("go mod init"))
    );
}

#[test]
fn malformed_files_name_the_line() {
    assert_eq!(
        refusal(&[("go.mod", "module example.com/m\n\nfrobnicate\n")]),
        "go.mod:3: unknown directive: frobnicate"
    );
    assert_eq!(
        refusal(&[("go.mod", "go 1.26\n")]),
        "go.mod:1: missing module directive"
    );
    assert_eq!(
        refusal(&[("go.mod", "\nmodule example..com/\n")]),
        "go.mod:2: invalid module path \"example..com/\": empty path element"
    );
    assert_eq!(
        refusal(&[
            (
                "go.mod",
                "module example.com/m\ngo 1.26\nrequire example.com/a v1.0.0\nreplace example.com/a => ./a\n"
            ),
            ("a/go.mod", "module example.com/a\nrequire x\n"),
        ]),
        "a/go.mod:2: usage: require module/path v1.2.3"
    );
}

#[test]
fn imports_lead_to_folders_with_go_files() {
    let (tree, workspace) = loaded(&[
        (
            "go.mod",
            "module example.com/m\ngo 1.26\nrequire (\n\texample.com/e v1.0.0\n\texample.com/e/nested v1.0.0\n)\n",
        ),
        ("m.go", "package m"),
        ("a/a.go", "package a"),
        ("docs/README.md", ""),
        ("nested/go.mod", "module example.com/m/nested\n"),
        ("nested/n.go", "package n"),
        ("nested/deep/n.go", "package n"),
    ]);
    let resolver = Resolver::new(&workspace, &tree);
    for (import_path, expected) in [
        ("fmt", "std"),
        ("C", "std"),
        ("unsafe", "std"),
        ("net/http", "std"),
        ("example.com/m", "."),
        ("example.com/m/a", "a"),
        ("example.com/e", "module example.com/e"),
        ("example.com/e/x", "module example.com/e"),
        ("example.com/e/nested/x", "module example.com/e/nested"),
        ("foo", "package foo is not in std"),
        ("net/htp", "package net/htp is not in std"),
        (
            "example.com/mm",
            "no required module provides package example.com/mm",
        ),
        (
            "example.com/m/docs",
            "module example.com/m has no package example.com/m/docs: no Go files in docs",
        ),
        (
            "example.com/m/nested/deep",
            "module example.com/m has no package example.com/m/nested/deep: no Go files in \
             nested/deep",
        ),
        (
            "./a",
            "invalid import path \"./a\": relative import paths are not supported in module mode",
        ),
    ] {
        assert_eq!(resolve(&resolver, import_path), expected, "{import_path}");
    }
    let error = resolver
        .resolve("example.com/mm")
        .expect_err("not required");
    assert_eq!(
        error.hint().as_deref(),
        Some("add it with: go get example.com/mm")
    );
}

#[test]
fn before_pruning_unlisted_modules_may_provide() {
    let (tree, workspace) = loaded(&[("go.mod", "module example.com/m\ngo 1.16\n")]);
    let resolver = Resolver::new(&workspace, &tree);
    assert_eq!(resolve(&resolver, "example.com/e"), "module ?");
    assert_eq!(resolve(&resolver, "foo"), "package foo is not in std");
}

#[test]
fn newer_toolchains_may_have_more_packages() {
    let (tree, workspace) = loaded(&[("go.mod", "module example.com/m\ngo 1.26\n")]);
    let newer = GoVersion::parse("1.99.1").expect("a version");
    let resolver = Resolver::new(&workspace, &tree).with_toolchain(&newer);
    assert_eq!(resolve(&resolver, "crypto/quantum"), "std");
    assert_eq!(
        resolve(&resolver, "foo/bar"),
        "package foo/bar is not in std"
    );
}

const REPLACING: [(&str, &str); 9] = [
    (
        "go.mod",
        "module example.com/m\ngo 1.26\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b v1.0.0\n\texample.com/f v1.0.0\n\tplain v0.0.0\n)\nreplace (\n\texample.com/a => ./third/a\n\texample.com/b v1.0.0 => ../b\n\texample.com/b v1.1.0 => ./wrong\n\texample.com/f => example.com/fork v1.2.0\n\texample.com/unused => ./unused\n\tplain => ./plain\n)\n",
    ),
    (
        "third/a/go.mod",
        "module other.name/a\ngo 1.20\nignore ./web\nrequire example.com/t v1.3.0\nreplace example.com/t => ./nowhere\n",
    ),
    ("third/a/a.go", "package a"),
    ("third/a/x/x.go", "package x"),
    ("../b/go.mod", "module example.com/b\n"),
    ("../b/b.go", "package b"),
    ("plain/go.mod", "module plain\n"),
    ("plain/p.go", "package plain"),
    ("unused/go.mod", "module example.com/unused\n"),
];

#[test]
fn replaced_modules_come_from_folders() {
    let (tree, workspace) = loaded(&REPLACING);
    let replaced: Vec<(&str, &str)> = workspace
        .replaced_modules
        .iter()
        .map(|module| (module.path.as_str(), module.directory.as_str()))
        .collect();
    assert_eq!(
        replaced,
        [
            ("example.com/b", "../b"),
            ("plain", "plain"),
            ("example.com/a", "third/a")
        ]
    );
    let a = &workspace.replaced_modules[2];
    assert_eq!(a.ignores, ["./web"]);
    let required: Vec<_> = workspace
        .requirements
        .iter()
        .map(|module| (module.path.as_str(), module.source(), module.explicit))
        .collect();
    assert_eq!(
        required,
        [
            ("example.com/f", ("example.com/fork", "v1.2.0"), true),
            // Replacements of modules that are not main ones do not count.
            ("example.com/t", ("example.com/t", "v1.3.0"), false),
        ]
    );
    assert_eq!(
        paths(&workspace.module_files),
        [
            "../b/go.mod",
            "go.mod",
            "plain/go.mod",
            "third/a/go.mod",
            "unused/go.mod"
        ]
    );
    let resolver = Resolver::new(&workspace, &tree);
    assert_eq!(resolve(&resolver, "example.com/a/x"), "third/a/x");
    assert_eq!(resolve(&resolver, "example.com/b"), "../b");
    assert_eq!(resolve(&resolver, "plain"), "plain");
    assert_eq!(
        resolve(&resolver, "example.com/unused"),
        "no required module provides package example.com/unused"
    );
    let inside = TreePath::new("third/a/x");
    assert_eq!(
        workspace.import_path_of(&inside).as_deref(),
        Some("example.com/a/x")
    );
}

#[test]
fn the_highest_requirement_counts() {
    let (_, workspace) = loaded(&[
        (
            "go.mod",
            "module example.com/m\ngo 1.26\nrequire (\n\texample.com/a v1.0.0\n\texample.com/t v1.2.0\n\texample.com/x v1.0.0\n)\nexclude example.com/x v1.0.0\nreplace example.com/a => ./a\n",
        ),
        (
            "a/go.mod",
            "module example.com/a\nrequire example.com/t v1.10.0\nrequire example.com/m v1.0.0\n",
        ),
    ]);
    let required: Vec<_> = workspace
        .requirements
        .iter()
        .map(|module| {
            (
                module.path.as_str(),
                module.version.as_str(),
                module.explicit,
            )
        })
        .collect();
    assert_eq!(required, [("example.com/t", "v1.10.0", false)]);
}

#[test]
fn bad_replacements_are_told() {
    let absolute = "module example.com/m\ngo 1.26\nrequire example.com/a v1.0.0\nreplace example.com/a => /srv/a\n";
    assert_eq!(
        refusal(&[("go.mod", absolute)]),
        "go.mod:4: replacement /srv/a is an absolute path, which a build elsewhere does not have; \
         write it relative to go.mod"
    );
    let unused = "module example.com/m\ngo 1.26\nreplace example.com/a => /srv/a\n";
    assert!(load(&[("go.mod", unused)]).is_ok());
    let (tree, workspace) = loaded(&[
        (
            "go.mod",
            "module example.com/m\ngo 1.26\nrequire example.com/a v1.0.0\nrequire example.com/b v1.0.0\nreplace example.com/a => ./a\nreplace example.com/b => ./b\n",
        ),
        ("b/b.go", "package b"),
    ]);
    let resolver = Resolver::new(&workspace, &tree);
    assert_eq!(
        resolve(&resolver, "example.com/a/x"),
        "the replacement a of module example.com/a does not exist"
    );
    assert_eq!(
        resolve(&resolver, "example.com/b"),
        "the replacement b of module example.com/b has no go.mod"
    );
    assert_eq!(
        refusal(&[(
            "go.mod",
            "module example.com/m\nreplace example.com/a => ./a\nreplace example.com/a => ./b\n"
        )]),
        "go.mod:3: conflicting replacements for example.com/a: ./b and ./a, from line 2"
    );
}

#[test]
fn a_package_in_two_modules_is_ambiguous() {
    let (tree, workspace) = loaded(&[
        (
            "go.mod",
            "module example.com/m\ngo 1.26\nrequire example.com/m/a v1.0.0\nreplace example.com/m/a => ./other\n",
        ),
        ("a/a.go", "package a"),
        ("other/go.mod", "module example.com/m/a\n"),
        ("other/a.go", "package a"),
    ]);
    assert_eq!(
        resolve(&Resolver::new(&workspace, &tree), "example.com/m/a"),
        "ambiguous import: package example.com/m/a is in other and a"
    );
}

#[test]
fn every_go_line_must_suit_the_toolchain() {
    let (_, workspace) = loaded(&[("go.mod", "module example.com/m\n\ngo 1.26.5\n")]);
    let check = |version: &str| {
        let toolchain = GoVersion::parse(version).expect("a version");
        workspace
            .check_toolchain(&toolchain)
            .map_err(|error| error.to_string())
    };
    assert_eq!(check("1.26.5"), Ok(()));
    assert_eq!(check("1.27rc1"), Ok(()));
    assert_eq!(
        check("1.26.4"),
        Err("go.mod:3: go 1.26.5 is needed, but the toolchain is go1.26.4".to_owned())
    );
}

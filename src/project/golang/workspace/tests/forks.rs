//! Replaced modules that downloaded ones import.

use super::*;

const FORK: [(&str, &str); 9] = [
    (
        "go.mod",
        "module example.com/m\ngo 1.26\nrequire (\n\texample.com/far v1.0.0\n\texample.com/own v0.0.0\n\texample.com/fork v1.0.0 // indirect\n)\nreplace (\n\texample.com/own => ./own\n\texample.com/fork => ./fork\n\texample.com/part => ./part\n)\n",
    ),
    ("own/go.mod", "module example.com/own\n"),
    ("own/own.go", "package own"),
    (
        "fork/go.mod",
        "module example.com/fork\nrequire example.com/part v1.0.0\n",
    ),
    ("fork/deep/fork.go", "package deep"),
    ("fork/deep/fork_test.go", "package deep"),
    ("fork/nested/go.mod", "module example.com/fork/nested\n"),
    ("part/go.mod", "module example.com/part\n"),
    ("part/part.go", "package part"),
];

#[test]
fn sources_that_downloaded_modules_import_are_module_files() {
    let (_, workspace) = loaded(&FORK);
    assert_eq!(
        paths(&workspace.module_files),
        [
            "fork/deep/fork.go",
            "fork/go.mod",
            "go.mod",
            "own/go.mod",
            "part/go.mod",
            "part/part.go",
        ]
    );
}

#[test]
fn sources_that_only_the_tree_imports_are_none() {
    let mut files = FORK;
    let direct = files[0].1.replace(" // indirect", "");
    files[0].1 = &direct;
    let (_, workspace) = loaded(&files);
    assert_eq!(
        paths(&workspace.module_files),
        ["fork/go.mod", "go.mod", "own/go.mod", "part/go.mod"]
    );
}

#[test]
fn a_module_that_others_own_may_be_imported_by_others_besides() {
    let files = |main: &str, version: &str| {
        let go_mod = format!(
            "module {main}\ngo 1.26\nrequire github.com/other/fork {version}\n\
             replace github.com/other/fork => ./fork\n"
        );
        let files = [
            ("go.mod", go_mod.as_str()),
            ("fork/go.mod", "module github.com/other/fork\n"),
            ("fork/fork.go", "package fork"),
        ];
        let (_, workspace) = loaded(&files);
        workspace.module_files.len()
    };
    for main in ["example.com/m", "github.com/own/m"] {
        assert_eq!(files(main, "v1.0.0"), 3);
        assert_eq!(files(main, "v0.0.0-00010101000000-000000000000"), 2);
    }
    assert_eq!(files("github.com/other/m", "v1.0.0"), 2);
}

#[test]
fn so_may_a_checkout_that_go_work_uses() {
    let files = |path: &str, version: &str| {
        let app = format!("module github.com/own/app\ngo 1.26\nrequire {path} {version}\n");
        let lib = format!("module {path}\ngo 1.26\nrequire example.com/part v1.0.0\n");
        let files = [
            (
                "go.work",
                "go 1.26\nuse (\n\t./app\n\t./lib\n\t./part\n\t./lib/examples\n)\n",
            ),
            ("app/go.mod", app.as_str()),
            ("app/app.go", "package app"),
            ("lib/go.mod", lib.as_str()),
            ("lib/lib.go", "package lib"),
            ("lib/examples/go.mod", "module examples\ngo 1.26\n"),
            ("lib/examples/e.go", "package e"),
            ("part/go.mod", "module example.com/part\ngo 1.26\n"),
            ("part/part.go", "package part"),
        ];
        let (_, workspace) = loaded(&files);
        let sources = workspace.module_files.iter().map(ToString::to_string);
        let sources = sources.filter(|path| path.ends_with(".go"));
        sources.collect::<Vec<_>>()
    };
    let part = ["part/part.go"];
    let both = ["lib/lib.go", "part/part.go"];
    assert_eq!(files("github.com/other/lib", "v1.0.0"), both);
    assert_eq!(files("github.com/other/lib", "v0.0.0"), part);
    assert_eq!(files("github.com/own/lib", "v1.0.0"), part);
    assert_eq!(files("github.com/own/lib", "v1.0.0 // indirect"), both);
}

#[test]
fn what_is_required_from_inside_its_folder_is_one_repository_with_it() {
    let (_, workspace) = loaded(&[
        ("go.work", "go 1.26\nuse (\n\t.\n\t./examples\n)\n"),
        ("go.mod", "module github.com/own/lib\ngo 1.26\n"),
        ("lib.go", "package lib"),
        (
            "examples/go.mod",
            "module examples\ngo 1.26\nrequire github.com/own/lib v1.0.0\n",
        ),
        ("examples/e.go", "package e"),
    ]);
    assert_eq!(
        paths(&workspace.module_files),
        ["examples/go.mod", "go.mod", "go.work"]
    );
}

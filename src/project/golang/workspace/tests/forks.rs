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

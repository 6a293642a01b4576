//! Trees that cannot be built: both refuse them, with the same words.

use std::fs;

use super::{TARGETS, assert_refused, compare, write};

const GO_MOD: &str = "module example.com/m\n\ngo 1.25\n";

#[test]
fn packages() {
    let main = "package main\n\nimport _ \"example.com/m/p\"\n\nfunc main() {}\n";
    let embed = |pattern: &str| {
        format!("package p\n\nimport _ \"embed\"\n\n//go:embed {pattern}\nvar x string\n")
    };
    let (no_match, bad_pattern) = (embed("missing/*"), embed("../main.go"));
    let (in_module, empty, bad_name) = (embed("sub/x"), embed("empty"), embed("*.bad"));
    let p = "p/p.go";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (
            &[(p, "package p\n"), ("p/q.go", "package q\n")],
            "found packages p (p.go) and q (q.go) in",
        ),
        (
            &[(p, "//go:build ignore\n\npackage p\n")],
            "build constraints exclude all Go files in",
        ),
        (&[(p, "")], "p/p.go:1:1: expected 'package', found 'EOF'"),
        (
            &[(p, "packag p\n")],
            "p/p.go:1:1: expected 'package', found packag",
        ),
        (
            &[(p, "package p\nimport 5\n")],
            "p/p.go:2:8: import path must be a string",
        ),
        (
            &[(p, "package p\nimport x y\n")],
            "p/p.go:2:10: import path must be a string",
        ),
        (
            &[(p, "package p; import (\"a\"; func)\n")],
            "p/p.go:1:25: missing import path",
        ),
        (
            &[(p, "package p\nimport (\"a\"\n")],
            "expected ')', found 'EOF'",
        ),
        (
            &[(p, "package p if\n")],
            "p/p.go:1:11: expected ';', found 'if'",
        ),
        (
            &[(p, "package 3.5\n")],
            "p/p.go:1:9: expected 'IDENT', found 3",
        ),
        (
            &[(p, "package p\nimport `a\n")],
            "p/p.go:2:8: raw string literal not terminated",
        ),
        (
            &[(p, "package p\nimport _ \"./q\"\n")],
            "p/p.go:2:8: local import \"./q\" in non-local package",
        ),
        (
            &[(p, "package p\nimport _ \"a.b/vendor/x\"\n")],
            "p/p.go:2:8: a.b/vendor/x must be imported as x",
        ),
        (&[(p, "package p // \0\n")], "unexpected NUL in input"),
        (
            &[(
                p,
                "package p\n// +build !a\n/*\n//go:build x\n*/ import (\"C\")\n",
            )],
            "build constraints exclude all Go files in",
        ),
        (
            &[(p, "package p\nimport x\n")],
            "p/p.go:2:9: missing import path",
        ),
        (
            &[(p, "package p\nimport (\"a\" \"b\")\n")],
            "p/p.go:2:13: expected ';', found \"b\"",
        ),
        (
            &[(p, "package p\nimport \"a b\"\n")],
            "p/p.go:2:8: invalid import path: a b",
        ),
        (
            &[(p, "package p\nimport \"a\n")],
            "p/p.go:2:8: string literal not terminated",
        ),
        (
            &[(p, "package p\n/* open\n")],
            "p/p.go:2:1: comment not terminated",
        ),
        (
            &[(p, "//go:build a &&\n\npackage p\n")],
            "parsing //go:build line: unexpected end of expression",
        ),
        (
            &[(p, "//go:build a\n//go:build b\n\npackage p\n")],
            "multiple //go:build comments",
        ),
        (
            &[(p, "package p\nimport _ \"example.com/m\"\n")],
            "import cycle not allowed",
        ),
        (
            &[
                (p, "package p\nimport _ \"example.com/m/cmd\"\n"),
                ("cmd/c.go", "package main\n"),
            ],
            "p/p.go:2:8: import \"example.com/m/cmd\" is a program, not an importable package",
        ),
        (
            &[
                (p, "package p\nimport _ \"example.com/m/q/internal/r\"\n"),
                ("q/internal/r/r.go", "package r\n"),
            ],
            "p/p.go:2:8: use of internal package example.com/m/q/internal/r not allowed",
        ),
        (
            &[(p, "package p\nimport _ \"internal/abi\"\n")],
            "use of internal package internal/abi not allowed",
        ),
        (
            &[(p, &no_match)],
            "p/p.go:5:12: pattern missing/*: no matching files found",
        ),
        (
            &[(p, &bad_pattern)],
            "p/p.go:5:12: pattern ../main.go: invalid pattern syntax",
        ),
        (
            &[
                (p, &in_module),
                ("p/sub/go.mod", "module x\n"),
                ("p/sub/x", ""),
            ],
            "p/p.go:5:12: pattern sub/x: cannot embed file sub/x: in different module",
        ),
        (
            &[(p, &empty), ("p/empty/.x", "")],
            "p/p.go:5:12: pattern empty: cannot embed directory empty: contains no embeddable files",
        ),
        (
            &[(p, &bad_name), ("p/a:b.bad", "")],
            "p/p.go:5:12: pattern *.bad: cannot embed file a:b.bad: invalid name a:b.bad",
        ),
    ];
    for (files, words) in cases {
        let root = write(&[("go.mod", GO_MOD), ("main.go", main)]);
        for (path, content) in *files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        assert_refused(root.path(), TARGETS[0], words);
    }
}

#[test]
fn c_sources_need_cgo() {
    for (name, words) in [
        (
            "x.c",
            "C source files not allowed when not using cgo or SWIG: x.c",
        ),
        (
            "x.cc",
            "C++ source files not allowed when not using cgo or SWIG: x.cc",
        ),
        (
            "x.m",
            "Objective-C source files not allowed when not using cgo or SWIG: x.m",
        ),
    ] {
        let main = "package main\n\nfunc main() {}\n";
        let root = write(&[("go.mod", GO_MOD), ("main.go", main), (name, "")]);
        assert_refused(root.path(), TARGETS[4], words);
        compare(root.path(), ".", &["."], &TARGETS[..1]);
    }
}

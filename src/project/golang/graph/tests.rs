//! Graphs of trees in memory.

use super::{Closure, Loader};
use crate::project::golang::source::{BuildContext, Sources};
use crate::project::golang::workspace::{GoWork, Resolver, Workspace};
use crate::project::tree::TreePath;
use crate::project::tree::memory::MemoryTree;

const MAIN: &str = "package main\n\nfunc main() {}\n";

/// Runs `check` with a loader of a module `m.example` that has these files.
fn with<T>(files: &[(&str, &str)], check: impl FnOnce(&Loader<'_>) -> T) -> T {
    let mut tree = MemoryTree::new(files.iter().copied());
    tree.insert(
        "go.mod",
        "module m.example\n\ngo 1.26\n\nrequire x.example v1.0.0\n\nignore ./skipped\n",
    );
    let workspace = Workspace::load(&tree, &TreePath::root(), GoWork::Auto).unwrap();
    let resolver = Resolver::new(&workspace, &tree);
    let sources = Sources::new(&tree);
    let context = BuildContext::new("linux", "amd64", 26);
    check(&Loader::new(&workspace, &resolver, &sources, context))
}

fn closure(files: &[(&str, &str)], directory: &str) -> Result<Closure, String> {
    with(files, |loader| {
        let closure = loader.closure(&TreePath::new(directory));
        closure.map_err(|fault| fault.to_string())
    })
}

fn mains(files: &[(&str, &str)], start: &str, patterns: &[&str]) -> Result<String, String> {
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    with(files, |loader| {
        let mains = loader.mains(&TreePath::new(start), &patterns);
        let names = |main: super::MainPackage| format!("{}={}", main.directory, main.import_path);
        let list = |mains: Vec<_>| mains.into_iter().map(names).collect::<Vec<_>>().join(" ");
        mains.map(list).map_err(|fault| fault.to_string())
    })
}

#[test]
fn a_closure_holds_what_is_needed_and_no_more() {
    let closure = closure(
        &[
            (
                "cmd/a/main.go",
                "package main\nimport (\n\t\"m.example/b\"\n\t\"x.example/y\"\n\t\"C\"\n)\n",
            ),
            (
                "cmd/a/more.go",
                "package main\nimport \"m.example/b\"\nimport \"os\"\n",
            ),
            ("cmd/a/default.pgo", ""),
            ("cmd/a/README.md", ""),
            (
                "b/b.go",
                "package b\nimport _ \"embed\"\n//go:embed data\nvar s string\n",
            ),
            (
                "b/b_test.go",
                "package b\nimport \"m.example/only/tests\"\n",
            ),
            (
                "b/b_windows.go",
                "package b\nimport \"m.example/only/windows\"\n",
            ),
            ("b/data", ""),
            ("b/default.pgo", ""),
            ("unused/u.go", "package unused\n"),
        ],
        "cmd/a",
    )
    .unwrap();
    assert_eq!(closure.import_path, "m.example/cmd/a");
    let files: Vec<&str> = closure.files.iter().map(TreePath::as_str).collect();
    assert_eq!(
        files,
        ["b/b.go", "b/data", "cmd/a/default.pgo", "cmd/a/more.go"]
    );
    assert_eq!(closure.profile, Some(TreePath::new("cmd/a/default.pgo")));
    let packages: Vec<&String> = closure.packages.keys().collect();
    assert_eq!(packages, ["m.example/b", "m.example/cmd/a"]);
    assert!(closure.external.is_empty(), "only a cgo file imports it");
    assert_eq!(
        closure.standard.into_iter().collect::<Vec<_>>(),
        ["embed", "os"]
    );
}

#[test]
fn faults_name_the_import() {
    let import = |path: &str| format!("package main\n\nimport \"{path}\"\n");
    for (path, other, message) in [
        (
            "m.example/a",
            ("a/a.go", "package main\n"),
            "main.go:3:8: import \"m.example/a\" is a program, not an importable package",
        ),
        (
            "m.example/a",
            ("a/a.go", "//go:build x\n\npackage a\n"),
            "main.go:3:8: build constraints exclude all Go files in a",
        ),
        (
            "m.example/a",
            ("a/a_test.go", "package a\n"),
            "main.go:3:8: no non-test Go files in a",
        ),
        (
            "m.example/a",
            ("a/a.go", "package a\nimport \"m.example/a\"\n"),
            "import cycle not allowed: m.example/a imports m.example/a (a/a.go:2:8)",
        ),
        (
            "m.example/a",
            ("a/a.go", "package a\nimport \"m.example\"\n"),
            "import cycle not allowed: m.example imports m.example/a (main.go:3:8), m.example/a imports m.example (a/a.go:2:8)",
        ),
        (
            "m.example/a",
            ("a/a.go", "package a\nimport \"m.example/b/internal\"\n"),
            "a/a.go:2:8: use of internal package m.example/b/internal not allowed",
        ),
        (
            "x.example/internal/y",
            ("a/a.go", ""),
            "main.go:3:8: use of internal package x.example/internal/y not allowed",
        ),
        ("m.example/a", ("a/a.go", "package a b\n+\nimport c\n"), ""),
        (
            "m.example/a",
            ("a/a.go", "package a\nimport c\n"),
            "a/a.go:2:9: missing import path",
        ),
    ] {
        let main = import(path);
        let files = [
            ("main.go", main.as_str()),
            ("b/internal/i.go", "package internal\n"),
            other,
        ];
        match closure(&files, ".") {
            Ok(_) => assert_eq!(message, "", "{other:?}"),
            Err(fault) => assert_eq!(fault, message, "{other:?}"),
        }
    }
}

#[test]
fn a_missing_package_is_reported_where_it_is_imported() {
    let main = "package main\n\nimport \"m.example/nowhere\"\n";
    let fault = closure(&[("main.go", main)], ".").unwrap_err();
    assert!(fault.starts_with("main.go:3:8: "), "{fault}");
    assert!(fault.contains("m.example/nowhere"), "{fault}");
}

#[test]
fn folders_that_are_no_programs_are_refused() {
    let files = [("lib/lib.go", "package lib\n"), ("main.go", MAIN)];
    assert_eq!(
        closure(&files, "lib").unwrap_err(),
        "package lib in lib is not a main package"
    );
    assert_eq!(
        closure(&files, "nowhere").unwrap_err(),
        "no Go files in nowhere"
    );
    assert_eq!(
        closure(&files, "../x").unwrap_err(),
        "directory ../x is outside the main modules"
    );
}

#[test]
fn a_folder_that_needs_cgo_says_so() {
    let hint = |text: &str| {
        let fault = |loader: &Loader<'_>| loader.closure(&TreePath::root()).unwrap_err();
        with(&[("main.go", text)], fault).hint()
    };
    for needs in [
        "package main\nimport \"C\"\n",
        "//go:build cgo\n\npackage main\n",
    ] {
        let hint = hint(needs).unwrap_or_default();
        assert!(hint.contains("`cgo = true`"), "{needs}: {hint}");
    }
    assert_eq!(hint("//go:build cgo && windows\n\npackage main\n"), None);
}

#[test]
fn patterns_find_programs() {
    let files = [
        ("main.go", MAIN),
        ("lib/lib.go", "package lib\n"),
        ("cmd/a/a.go", MAIN),
        ("cmd/b/b.go", MAIN),
        ("cmd/b/b_windows.go", "package other\n"),
        ("cmd/t/t_test.go", "package main\n"),
        ("cmd/_x/x.go", MAIN),
        ("cmd/testdata/x.go", MAIN),
        ("skipped/x.go", MAIN),
        ("vendored/vendor/x/x.go", MAIN),
        ("nested/go.mod", "module n.example\n"),
        ("nested/n.go", MAIN),
    ];
    let find = |start: &str, patterns: &[&str]| mains(&files, start, patterns);
    let all = ".=m.example cmd/a=m.example/cmd/a cmd/b=m.example/cmd/b";
    assert_eq!(find(".", &[]).unwrap(), all);
    assert_eq!(find(".", &["./..."]).unwrap(), all);
    assert_eq!(
        find("cmd", &["./..."]).unwrap(),
        "cmd/a=m.example/cmd/a cmd/b=m.example/cmd/b"
    );
    assert_eq!(
        find("cmd", &["./a", "m.example/cmd/a"]).unwrap(),
        "cmd/a=m.example/cmd/a"
    );
    assert_eq!(find("cmd", &[".."]).unwrap(), ".=m.example");
    assert_eq!(
        find(".", &["./skipped"]).unwrap(),
        "skipped=m.example/skipped"
    );
    assert_eq!(
        find(".", &["./lib/..."]).unwrap_err(),
        "./lib/... matched no main packages"
    );
    assert_eq!(
        find(".", &["./lib"]).unwrap_err(),
        "package lib in lib is not a main package"
    );
    assert_eq!(
        find(".", &["x.example/cmd"]).unwrap_err(),
        "package x.example/cmd is not in the main modules"
    );
    assert_eq!(
        mains(&[("a.go", "package a\n")], ".", &[]).unwrap_err(),
        "no main packages to build"
    );
}

#[test]
fn programs_of_modules_that_take_no_part_are_refused() {
    let files = [
        ("main.go", MAIN),
        ("tools/go.mod", "module t.example\n"),
        ("tools/gen/main.go", MAIN),
    ];
    for pattern in ["./tools/gen", "./tools/...", "./tools/gen/..."] {
        let told = with(&files, |loader| {
            let mains = loader.mains(&TreePath::root(), &[pattern.to_owned()]);
            let fault = mains.unwrap_err();
            format!("{fault}; {}", fault.hint().unwrap_or_default())
        });
        let expected = " is outside the main modules; it is in the module of tools/go.mod: ";
        assert!(told.contains(expected), "{pattern}: {told}");
    }
    assert_eq!(mains(&files, ".", &["./..."]).unwrap(), ".=m.example");
}

#[test]
fn a_wildcard_passes_over_broken_libraries_but_not_programs() {
    let embed = "package lib\nimport _ \"embed\"\n//go:embed dist\nvar s string\n";
    let files = [("a/a.go", MAIN), ("lib/lib.go", embed)];
    assert_eq!(mains(&files, ".", &["./..."]).unwrap(), "a=m.example/a");
    let program = embed.replace("package lib", "package main");
    let files = [("a/a.go", MAIN), ("lib/lib.go", program.as_str())];
    assert_eq!(
        mains(&files, ".", &["./..."]).unwrap_err(),
        "lib/lib.go:3:12: pattern dist: no matching files found"
    );
    let files = [("a/a.go", MAIN), ("lib/lib.go", "package lib\nimport x\n")];
    assert_eq!(
        mains(&files, ".", &["./..."]).unwrap_err(),
        "lib/lib.go:2:9: missing import path"
    );
}

#[test]
fn long_chains_do_not_exhaust_the_stack() {
    let names: Vec<(String, String)> = (0..3000)
        .map(|n| {
            let text = format!("package p\nimport \"m.example/p{}\"\n", n + 1);
            (format!("p{n}/p.go"), text)
        })
        .collect();
    let mut files: Vec<(&str, &str)> = names
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    files.push(("p3000/p.go", "package p\n"));
    files.push(("main.go", "package main\nimport \"m.example/p0\"\n"));
    assert_eq!(closure(&files, ".").unwrap().packages.len(), 3002);
}

#[test]
fn closures_can_be_computed_in_parallel() {
    let mains: Vec<String> = (0..8).map(|n| format!("cmd/{n}/main.go")).collect();
    let text = "package main\nimport \"m.example/shared\"\n";
    let mut files: Vec<(&str, &str)> = mains.iter().map(|path| (path.as_str(), text)).collect();
    files.push(("shared/s.go", "package shared\nimport \"m.example/deep\"\n"));
    files.push(("deep/d.go", "package deep\n"));
    with(&files, |loader| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| scope.spawn(move || loader.closure(&TreePath::new(&format!("cmd/{n}")))))
                .collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap().unwrap().packages.len(), 3);
            }
        });
    });
}

#[test]
fn loading_ahead_changes_nothing_and_ends_with_circles_and_faults() {
    let files = [
        ("cmd/a/main.go", "package main\nimport \"m.example/x\"\n"),
        (
            "cmd/b/main.go",
            "package main\nimport \"m.example/missing\"\n",
        ),
        ("cmd/c/main.go", "package main\nimport \"m.example/y\"\n"),
        ("x/x.go", "package x\nimport \"m.example/z\"\n"),
        ("y/y.go", "package y\nimport \"m.example/y/again\"\n"),
        ("y/again/y.go", "package again\nimport \"m.example/y\"\n"),
        ("z/z.go", "package z\n"),
        ("broken/b.go", "package\n"),
    ];
    let directories = ["cmd/a", "cmd/b", "cmd/c", "broken", "nowhere", "../outside"];
    let directories = directories.map(TreePath::new);
    let said = |loader: &Loader<'_>| {
        let closures = directories
            .iter()
            .map(|directory| loader.closure(directory));
        let told = closures.map(|closure| match closure {
            Ok(closure) => format!("{:?}", closure.files),
            Err(fault) => fault.to_string(),
        });
        told.collect::<Vec<_>>()
    };
    let cold = with(&files, said);
    let warmed = with(&files, |loader| {
        loader.warm(&directories);
        said(loader)
    });
    assert_eq!(warmed, cold);
    assert!(cold[0].contains("z/z.go"), "{cold:?}");
}

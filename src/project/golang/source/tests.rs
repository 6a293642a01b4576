//! Packages put together from trees in memory, and scanners on arbitrary text.

use proptest::prelude::*;

use super::{BuildContext, Constraint, Header, Scan, Sources, imports};
use crate::project::golang::source::constraint::Expression;
use crate::project::tree::TreePath;
use crate::project::tree::memory::MemoryTree;

fn header(text: &str) -> Header {
    imports::parse(text.as_bytes()).0.unwrap()
}

fn paths(text: &str) -> Vec<String> {
    let imports = header(text).imports.into_iter();
    imports
        .map(|import| format!("{} {}", import.position, import.path))
        .collect()
}

#[test]
fn imports_of_every_form_are_found() {
    let text = "// Package p.\n/* block */ package p // trailing\n\nimport \"a\"\nimport b \"b/b\"; import . `c`\n\
        import (\n\t_ \"d\" // why\n\t/* x */ e \"e\"; \"f\")\nimport ()\n\nfunc main() { import \"no\" }\n";
    assert_eq!(
        paths(text),
        ["4:8 a", "5:8 b/b", "5:24 c", "7:2 d", "8:10 e", "8:17 f"]
    );
    assert_eq!(header(text).package, "p");
}

#[test]
fn the_head_ends_where_imports_end() {
    for text in [
        "package p\nimport \"a\"\nvar x = \"",
        "package p\nimport \"a\"; }}}} \u{0}",
        "package p\nimport \"a\" @",
        "package p\nimport \"a\"\n\nif if if",
    ] {
        assert_eq!(paths(text), ["2:8 a"], "{text}");
    }
}

#[test]
fn preambles_are_the_comments_right_above() {
    let preambles = |text: &str| header(text).preambles;
    let none: [&str; 0] = [];
    assert_eq!(
        preambles("package p\n\n// one\n// two\nimport \"C\"\n"),
        ["// one\n// two"]
    );
    assert_eq!(preambles("package p\n\n// far\n\nimport \"C\"\n"), none);
    assert_eq!(preambles("package p // not\nimport \"C\"\n"), none);
    assert_eq!(
        preambles("package p\n// group\nimport (\n\t\"C\"\n)\n"),
        ["// group"]
    );
    assert_eq!(
        preambles("package p\n// group\nimport (\n\t/* own */\n\t\"C\"\n\t\"a\"\n)\n"),
        ["/* own */"]
    );
    assert_eq!(
        preambles("package p\n// group\nimport (\n\t\"C\"\n\t\"a\"\n)\n"),
        none
    );
}

fn context() -> BuildContext {
    BuildContext::new("linux", "amd64", 26)
}

#[test]
fn expressions_bind_as_in_go() {
    for (text, holds) in [
        ("linux", true),
        ("!linux", false),
        ("windows || linux && amd64", true),
        ("(windows || linux) && arm64", false),
        ("!(windows || darwin)", true),
        ("linux&&!cgo", true),
        ("!(linux && !(amd64))", true),
        ("(linux) && !(windows) && !((cgo))", true),
        ("cgo && windows || linux", true),
        ("linux || windows && cgo", true),
        ("windows||darwin || !arm64", true),
    ] {
        assert_eq!(
            Expression::parse(text).unwrap().holds(&context()),
            holds,
            "{text}"
        );
    }
}

#[test]
fn malformed_expressions_are_explained() {
    for (text, message) in [
        ("", "unexpected end of expression"),
        ("a &&", "unexpected end of expression"),
        ("(a", "missing close paren"),
        ("(", "missing close paren"),
        ("a)", "unexpected token )"),
        ("a b", "unexpected token b"),
        ("!!a", "double negation not allowed"),
        ("a & b", "invalid syntax at &"),
        ("a@", "invalid syntax at @"),
        ("&& a", "unexpected token &&"),
    ] {
        assert_eq!(Expression::parse(text).unwrap_err(), message, "{text}");
    }
    let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    assert!(!Expression::parse(&nested(999)).unwrap().holds(&context()));
    let nested = nested(1000);
    assert_eq!(
        Expression::parse(&nested).unwrap_err(),
        "build expression too large"
    );
}

#[test]
fn constraints_count_where_go_looks_for_them() {
    for (text, admits) in [
        ("//go:build windows\n\npackage p\n", false),
        ("//go:build windows\npackage p\n", false),
        ("/* a */ //go:build windows\npackage p\n", true),
        ("/*\n//go:build windows\n*/\npackage p\n", true),
        ("/* a\n*/\n//go:build windows\npackage p\n", false),
        ("package p\n//go:build windows\n", true),
        ("// +build windows\n\npackage p\n", false),
        ("// +build windows\npackage p\n", true),
        ("//+build windows\n\n// Doc.\npackage p\n", false),
        (
            "// +build windows linux\n// +build !arm64,!cgo\n\npackage p\n",
            true,
        ),
        ("// +build !!linux\n\npackage p\n", false),
        ("// +buildwindows\n\npackage p\n", true),
        ("//go:buildwindows\n\npackage p\n", true),
        ("//go:build linux\n// +build windows\n\npackage p\n", true),
        ("\n\n  //go:build windows\n\npackage p\n", false),
    ] {
        let constraint = Constraint::parse(text.as_bytes()).unwrap();
        assert_eq!(constraint.admits(&context()), admits, "{text}");
    }
}

#[test]
fn tests_do_not_matter() {
    let tree = MemoryTree::new([
        ("a/a.go", "package a\n"),
        ("a/a_test.go", "package broken\n\nimport (\n"),
        ("b/b_test.go", "package b\n"),
    ]);
    let sources = Sources::new(&tree);
    let package = sources.package(&context(), &TreePath::new("a")).unwrap();
    assert_eq!(package.files.keys().collect::<Vec<_>>(), ["a.go"]);
    let fault = sources
        .package(&context(), &TreePath::new("b"))
        .unwrap_err();
    assert_eq!(fault.to_string(), "no non-test Go files in b");
}

#[test]
fn scans_are_shared_by_contexts() {
    let tree = MemoryTree::new([
        ("a.go", "package a\n"),
        ("a_windows.go", "package a\nimport \"w\"\n"),
        ("cgo.go", "package a\nimport \"C\"\nimport \"c\"\n"),
    ]);
    let sources = Sources::new(&tree);
    let imports = |context: &BuildContext| {
        let package = sources.package(context, &TreePath::root()).unwrap();
        package.imports.into_keys().collect::<Vec<_>>()
    };
    let mut windows = BuildContext::new("windows", "amd64", 26);
    assert_eq!(imports(&context()), [""; 0]);
    assert_eq!(imports(&windows), ["w"]);
    windows.cgo = true;
    assert_eq!(imports(&windows), ["c", "w"]);
}

/// Text that looks enough like Go to get deep into the scanners.
fn go_like() -> impl Strategy<Value = Vec<u8>> {
    const WORDS: &[&[u8]] = &[
        b"package",
        b"p",
        b"import",
        b"(",
        b")",
        b".",
        b"_",
        b"\"a\"",
        b"`b`",
        b"\"",
        b"`",
        b"'",
        b"\\",
        b"\n",
        b";",
        b" ",
        b"//",
        b"/*",
        b"*/",
        b"//go:embed",
        b"//go:build",
        b"// +build",
        b"&&",
        b"!",
        b"||",
        b",",
        b"C",
        b"\"C\"",
        b"#cgo",
        b"LDFLAGS:",
        b"\"embed\"",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xc3\xa9",
        b"\r",
        b"if",
        b"5",
        b"\n\n",
    ];
    let word = proptest::sample::select(WORDS);
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_text_makes_a_scan_panic(text in prop_oneof![go_like(), any::<Vec<u8>>()]) {
        let scan = Scan::go(&text);
        let other = Scan::other(&text);
        if let Ok(scan) = scan {
            if let Ok(constraint) = scan.constraint {
                let _ = constraint.admits(&context());
            }
            if let Some(Ok(header)) = scan.header {
                prop_assert!(!header.package.is_empty());
                for import in header.imports {
                    let line = text.split(|byte| *byte == b'\n').nth(import.position.line as usize - 1);
                    prop_assert!(line.is_some_and(|line| import.position.column as usize <= line.len() + 3));
                }
            }
        }
        prop_assert!(other.header.is_none());
    }

    #[test]
    fn no_package_makes_a_reader_panic(
        go in go_like(),
        c in go_like(),
        cgo in any::<bool>(),
    ) {
        let mut tree = MemoryTree::default();
        let go = [b"package main\n/*\n".as_slice(), &c, b"*/\nimport \"C\"\nimport \"embed\"\n", &go].concat();
        tree.insert("main.go", go);
        tree.insert("x.c", c);
        let mut context = context();
        context.cgo = cgo;
        let sources = Sources::new(&tree);
        if let Err(fault) = sources.package(&context, &TreePath::root()) {
            prop_assert!(!fault.to_string().is_empty());
        }
    }
}

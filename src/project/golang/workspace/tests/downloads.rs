//! What is not downloaded, and what must be vouched for: vendor folders and `go.sum`.

use super::*;

const VENDORED: &str = "module example.com/m\ngo 1.26\nrequire example.com/a v1.0.0\nrequire example.com/r v1.0.0\nreplace example.com/r => /srv/r\n";
const MODULES_TXT: &str = "# example.com/a v1.0.0\n## explicit; go 1.99\nexample.com/a\n# example.com/r v1.0.0 => /srv/r\n## explicit\n# example.com/r => /srv/r\n";

#[test]
fn vendored_packages_come_from_the_vendor_folder() {
    let (tree, workspace) = loaded(&[
        ("go.mod", VENDORED),
        ("main.go", "package main"),
        ("vendor/modules.txt", MODULES_TXT),
        ("vendor/example.com/a/a.go", "package a"),
        ("vendor/example.com/stray/s.go", "package s"),
    ]);
    assert_eq!(
        paths(&workspace.module_files),
        ["go.mod", "vendor/modules.txt"]
    );
    let resolver = Resolver::new(&workspace, &tree);
    assert_eq!(resolve(&resolver, "example.com/m"), ".");
    assert_eq!(resolve(&resolver, "example.com/a"), "vendor/example.com/a");
    assert_eq!(
        resolve(&resolver, "example.com/stray"),
        "package example.com/stray is not vendored in vendor"
    );
    assert!(workspace.verify(&tree, ["example.com/a"]).is_ok());
    let toolchain = GoVersion::parse("1.26.3").expect("a version");
    let error = workspace
        .check_toolchain(&toolchain)
        .expect_err("a newer module");
    assert_eq!(
        error.to_string(),
        "vendor/modules.txt:2: go 1.99 is needed, but the toolchain is go1.26.3"
    );
}

#[test]
fn vendoring_must_be_consistent() {
    let with = |modules_txt: &'static str| {
        refusal(&[("go.mod", VENDORED), ("vendor/modules.txt", modules_txt)])
    };
    assert_eq!(
        with(
            "# example.com/a v1.1.0\n## explicit\nexample.com/a\n# example.com/r v1.0.0 => ../r\n## explicit\n# example.com/r => ../r\n"
        ),
        "inconsistent vendoring in vendor: example.com/a@v1.0.0 is explicitly required in go.mod, \
         but not marked as explicit in vendor/modules.txt; example.com/r is replaced by /srv/r in \
         go.mod, but marked as replaced by ../r in vendor/modules.txt; example.com/a@v1.1.0 is \
         marked as explicit in vendor/modules.txt, but not explicitly required in go.mod"
    );
    let old = VENDORED
        .replace("go 1.26", "go 1.13")
        .replace("/srv", "./srv");
    let (_, workspace) = loaded(&[("go.mod", &old), ("vendor/modules.txt", "")]);
    assert_eq!(workspace.vendor, None);
    let foreign = "## workspace\n";
    let (_, workspace) = loaded(&[("go.mod", MAIN), ("vendor/modules.txt", foreign)]);
    assert_eq!(workspace.vendor, None);
}

#[test]
fn go_sum_must_vouch_for_imports() {
    let go_mod = "module example.com/m\ngo 1.26\nrequire (\n\texample.com/a v1.0.0\n\texample.com/a/n v1.0.0\n\texample.com/f v1.0.0\n)\nreplace example.com/f => example.com/fork v1.2.0\n";
    let verify = |go_sum: &str, import_path| {
        let (tree, workspace) = loaded(&[("go.mod", go_mod), ("go.sum", go_sum)]);
        match workspace.verify(&tree, [import_path]) {
            Ok(()) => "fine".to_owned(),
            Err(error) => format!("{error} ({})", error.hint().unwrap_or_default()),
        }
    };
    let both = "example.com/a v1.0.0 h1:x=\nexample.com/a v1.0.0/go.mod h1:x=\n";
    assert_eq!(verify(both, "example.com/a/x"), "fine");
    assert_eq!(
        verify("", "example.com/a/x"),
        "missing go.sum entry for module example.com/a v1.0.0, needed for package \
         example.com/a/x (add it with: go mod download example.com/a)"
    );
    assert_eq!(
        verify("example.com/a v1.0.0 h1:x=\n", "example.com/a/x"),
        "missing go.sum entry for the go.mod of module example.com/a v1.0.0 (add it with: go mod \
         download example.com/a)"
    );
    assert!(
        verify(both, "example.com/a/n/x")
            .starts_with("missing go.sum entry for module example.com/a/n ")
    );
    assert!(
        verify(both, "example.com/f")
            .starts_with("missing go.sum entry for module example.com/fork v1.2.0")
    );
    assert_eq!(
        verify("bad line\n", "example.com/a"),
        "go.sum:1: malformed go.sum: wrong number of fields 2 ()"
    );
    let (tree, workspace) = loaded(&[("go.mod", go_mod)]);
    assert!(workspace.verify(&tree, []).is_ok(), "nothing is downloaded");
}

//! The standard library, whose files use every kind of constraint, on targets of every kind.

use std::collections::BTreeSet;
use std::path::Path;

use gobuild::project::golang::source::{BuildContext, Sources};
use gobuild::project::tree::TreePath;
use gobuild::project::tree::disk::DiskTree;

use super::{Listed, Target, files, go, go_minor, list, output};

const TARGETS: [Target; 12] = [
    ("aix", "ppc64", false),
    ("android", "arm64", true),
    ("darwin", "amd64", true),
    ("freebsd", "386", false),
    ("illumos", "amd64", false),
    ("ios", "arm64", true),
    ("js", "wasm", false),
    ("linux", "arm", false),
    ("linux", "mips64le", true),
    ("linux", "riscv64", false),
    ("plan9", "amd64", false),
    ("windows", "arm64", true),
];

#[test]
fn every_package() {
    let root = output(go(Path::new("/")).args(["env", "GOROOT"]));
    let root = Path::new(root.trim()).join("src").canonicalize().unwrap();
    let tree = DiskTree::open(&root).unwrap();
    let sources = Sources::new(&tree);
    for target in TARGETS {
        let mut context = BuildContext::new(target.0, target.1, go_minor());
        context.cgo = target.2;
        let listed = list(&root, target, &["std"]).unwrap();
        assert!(listed.len() > 200, "{target:?}: {} packages", listed.len());
        for (import_path, listed) in &listed {
            let Ok(below) = listed.dir.strip_prefix(&root) else {
                continue;
            };
            // A folder of nothing but tests is a package to `go list`.
            if listed.files().is_empty() {
                continue;
            }
            let place = format!("{target:?} {import_path}");
            let directory = TreePath::new(below.to_str().unwrap());
            let package = sources
                .package(&context, &directory)
                .unwrap_or_else(|fault| panic!("{place}: {fault}"));
            assert_eq!(files(&package), listed.files(), "{place}: files");
            assert_eq!(
                package
                    .imports
                    .keys()
                    .map(String::as_str)
                    .collect::<BTreeSet<_>>(),
                imports(listed),
                "{place}: imports"
            );
            let embeds = package
                .embeds
                .iter()
                .filter_map(|file| file.below(&directory));
            let embeds: BTreeSet<String> = embeds.map(|file| file.to_string()).collect();
            assert_eq!(embeds, listed.embed_files, "{place}: embedded files");
        }
    }
}

/// What the files say: vendored packages are listed under the folder they are in.
fn imports(listed: &Listed) -> BTreeSet<&str> {
    let imports = listed.imports.iter().filter(|path| *path != "C");
    imports
        .map(|path| path.strip_prefix("vendor/").unwrap_or(path))
        .collect()
}

/// Architecture levels, experiments and releases, which are tags as well: those that hold in
/// one of these builds are tried in all of them.
#[test]
fn toolchain_tags() {
    let cases = [
        ("amd64", "GOAMD64", "v3", ""),
        ("arm", "GOARM", "6,softfloat", ""),
        ("arm64", "GOARM64", "v9.2,crypto", "jsonv2,nogreenteagc"),
        ("arm64", "GOARM64", "v8.0", ""),
        ("386", "GO386", "softfloat", "none,arenas"),
        ("mips", "GOMIPS", "softfloat", ""),
        ("ppc64le", "GOPPC64", "power9", "noregabi"),
        ("riscv64", "GORISCV64", "rva22u64", "boringcrypto"),
        ("wasm", "GOWASM", "", ""),
        ("s390x", "", "", "nodwarf5"),
    ];
    let mut listed: Vec<BTreeSet<String>> = Vec::new();
    for (goarch, variable, level, experiments) in cases {
        let format = r#"{{join context.ToolTags " "}} {{join context.ReleaseTags " "}}"#;
        let mut command = go(Path::new("/"));
        command.args(["list", "-f", format, "unsafe"]);
        command.env("GOOS", if goarch == "wasm" { "js" } else { "linux" });
        command
            .env("GOARCH", goarch)
            .env("GOEXPERIMENT", experiments);
        if !variable.is_empty() {
            command.env(variable, level);
        }
        let tags = output(&mut command);
        listed.push(tags.split_whitespace().map(str::to_owned).collect());
    }
    let newer = format!("go1.{}", go_minor() + 1);
    let candidates: BTreeSet<String> = listed.iter().flatten().cloned().chain([newer]).collect();
    for ((goarch, _, level, experiments), listed) in cases.into_iter().zip(listed) {
        let goos = if goarch == "wasm" { "js" } else { "linux" };
        let mut context = BuildContext::new(goos, goarch, go_minor());
        context.arch_level = (!level.is_empty()).then(|| level.to_owned());
        context.experiments = experiments.split(',').map(str::to_owned).collect();
        let mut satisfied = candidates.clone();
        satisfied.retain(|tag| context.satisfies(tag));
        assert_eq!(satisfied, listed, "{goarch} {level} {experiments}");
    }
}

//! The import graph against the go command's own: `go list -deps -json` on real modules and on
//! small trees made for the purpose.
//!
//! For every program of a module and every target: the packages of the closure and their
//! folders, each package's files by kind, its imports and embedded files, and what is imported
//! from the standard library and from other modules.

mod faults;
mod modules;
mod standard;
mod synthetic;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gobuild::project::golang::graph::{Closure, Loader};
use gobuild::project::golang::source::{BuildContext, FileKind, Package, Sources};
use gobuild::project::golang::workspace::{GoWork, Resolver, Workspace};
use gobuild::project::tree::TreePath;
use gobuild::project::tree::disk::DiskTree;
use serde::Deserialize;

/// A target, and whether cgo is on.
type Target = (&'static str, &'static str, bool);

const TARGETS: [Target; 6] = [
    ("linux", "amd64", false),
    ("linux", "arm64", false),
    ("darwin", "arm64", false),
    ("windows", "amd64", false),
    ("linux", "amd64", true),
    ("darwin", "arm64", true),
];

/// What `go list -json` says of a package.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Listed {
    import_path: String,
    dir: PathBuf,
    name: String,
    standard: bool,
    imports: BTreeSet<String>,
    deps: BTreeSet<String>,
    embed_files: BTreeSet<String>,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    #[serde(rename = "CFiles")]
    c_files: Vec<String>,
    #[serde(rename = "CXXFiles")]
    cxx_files: Vec<String>,
    #[serde(rename = "MFiles")]
    m_files: Vec<String>,
    #[serde(rename = "HFiles")]
    h_files: Vec<String>,
    #[serde(rename = "FFiles")]
    f_files: Vec<String>,
    #[serde(rename = "SFiles")]
    s_files: Vec<String>,
    swig_files: Vec<String>,
    #[serde(rename = "SwigCXXFiles")]
    swig_cxx_files: Vec<String>,
    syso_files: Vec<String>,
}

impl Listed {
    fn files(&self) -> BTreeMap<&'static str, Vec<String>> {
        let mut kinds = BTreeMap::from([
            ("go", self.go_files.clone()),
            ("cgo", self.cgo_files.clone()),
            ("c", self.c_files.clone()),
            ("c++", self.cxx_files.clone()),
            ("objective-c", self.m_files.clone()),
            ("header", self.h_files.clone()),
            ("fortran", self.f_files.clone()),
            ("assembly", self.s_files.clone()),
            ("swig", self.swig_files.clone()),
            ("swig c++", self.swig_cxx_files.clone()),
            ("object", self.syso_files.clone()),
        ]);
        kinds.retain(|_, files| !files.is_empty());
        kinds
    }
}

/// Returns our side of [`Listed::files`].
fn files(package: &Package) -> BTreeMap<&'static str, Vec<String>> {
    let mut kinds: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, kind) in &package.files {
        let kind = match kind {
            FileKind::Go => "go",
            FileKind::Cgo => "cgo",
            FileKind::C => "c",
            FileKind::Cxx => "c++",
            FileKind::ObjectiveC => "objective-c",
            FileKind::Header => "header",
            FileKind::Fortran => "fortran",
            FileKind::Assembly | FileKind::CgoAssembly => "assembly",
            FileKind::Swig => "swig",
            FileKind::SwigCxx => "swig c++",
            FileKind::Object => "object",
        };
        kinds.entry(kind).or_default().push(name.clone());
    }
    kinds
}

/// A go command that is told nothing by the environment.
fn go(directory: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(directory)
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "")
        .env("GOFLAGS", "")
        .env("GOEXPERIMENT", "")
        .env("GO111MODULE", "on");
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the go command should start");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("the go command should print UTF-8")
}

fn go_minor() -> u32 {
    let version = output(go(Path::new("/")).args(["env", "GOVERSION"]));
    let minor = version
        .trim()
        .strip_prefix("go1.")
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    minor
        .and_then(|minor| minor.parse().ok())
        .expect("a go1 toolchain")
}

/// Lists what the patterns need, by import path; the go command's complaint if it has one.
fn list(
    directory: &Path,
    (goos, goarch, cgo): Target,
    patterns: &[&str],
) -> Result<BTreeMap<String, Listed>, String> {
    let fields = "ImportPath,Dir,Name,Standard,Imports,Deps,EmbedFiles,GoFiles,CgoFiles,\
        CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles";
    let output = go(directory)
        .args(["list", "-deps", &format!("-json={fields}")])
        .args(patterns)
        .env("GOOS", goos)
        .env("GOARCH", goarch)
        .env("CGO_ENABLED", if cgo { "1" } else { "0" })
        .output()
        .expect("the go command should start");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let packages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Listed>();
    Ok(packages
        .map(|package| package.expect("go list should print JSON"))
        .map(|package| (package.import_path.clone(), package))
        .collect())
}

/// Compares every program that the patterns, given in the folder `start`, name.
fn compare(root: &Path, start: &str, patterns: &[&str], targets: &[Target]) {
    let root = &fs::canonicalize(root).unwrap();
    let tree = DiskTree::open(root).unwrap();
    let start = TreePath::new(start);
    let workspace = Workspace::load(&tree, &start, GoWork::Auto).unwrap();
    let resolver = Resolver::new(&workspace, &tree);
    let sources = Sources::new(&tree);
    let go_minor = go_minor();
    let owned: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    for &target in targets {
        let (goos, goarch, cgo) = target;
        let mut context = BuildContext::new(goos, goarch, go_minor);
        context.cgo = cgo;
        let loader = Loader::new(&workspace, &resolver, &sources, context);
        let mains = loader
            .mains(&start, &owned)
            .unwrap_or_else(|fault| panic!("{target:?}: {fault}"));
        let paths: BTreeSet<&str> = mains.iter().map(|main| main.import_path.as_str()).collect();

        let directory = root.join(start.as_str());
        let listed_mains = list_mains(&directory, target, patterns);
        let listed_paths: BTreeSet<&str> = listed_mains.iter().map(String::as_str).collect();
        assert_eq!(paths, listed_paths, "{target:?}: programs");

        let arguments: Vec<&str> = paths.iter().copied().collect();
        let listed = list(&directory, target, &arguments);
        let listed = listed.unwrap_or_else(|fault| panic!("{target:?}: {fault}"));
        for main in &mains {
            let closure = loader
                .closure(&main.directory)
                .unwrap_or_else(|fault| panic!("{target:?}: {}: {fault}", main.import_path));
            compare_closure(root, target, &closure, &listed);
            if target == TARGETS[0] && mains.first() == Some(main) {
                let alone = extract(root, &workspace, &closure);
                let directory = alone.path().join(workspace.directory.as_str());
                let found = list(&directory, target, &[&main.import_path]);
                let found = found.unwrap_or_else(|fault| panic!("alone: {fault}"));
                let (alone, whole) = (&found[&main.import_path], &listed[&main.import_path]);
                assert_eq!(alone.deps, whole.deps, "{}: alone", main.import_path);
            }
        }
    }
}

/// Copies a closure and the module files into a new folder, and nothing else.
fn extract(root: &Path, workspace: &Workspace, closure: &Closure) -> tempfile::TempDir {
    let alone = tempfile::tempdir().unwrap();
    for file in closure.files.iter().chain(&workspace.module_files) {
        let target = alone.path().join(file.as_str());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root.join(file.as_str()), target).unwrap();
    }
    alone
}

/// Lists the programs that patterns match, their imports left alone.
fn list_mains(directory: &Path, (goos, goarch, cgo): Target, patterns: &[&str]) -> Vec<String> {
    let format = "{{if eq .Name \"main\"}}{{.ImportPath}}{{end}}";
    let listed = output(
        go(directory)
            .args(["list", "-find", "-f", format])
            .args(patterns)
            .env("GOOS", goos)
            .env("GOARCH", goarch)
            .env("CGO_ENABLED", if cgo { "1" } else { "0" }),
    );
    listed.lines().map(str::to_owned).collect()
}

fn compare_closure(
    root: &Path,
    target: Target,
    closure: &Closure,
    listed: &BTreeMap<String, Listed>,
) {
    let place = format!("{target:?} {}", closure.import_path);
    let main = &listed[&closure.import_path];
    let needed = main.deps.iter().chain([&main.import_path]);
    let needed: Vec<&Listed> = needed.map(|path| &listed[path]).collect();
    let local = |package: &Listed| !package.standard && package.dir.starts_with(root);

    let expected: BTreeSet<&str> = needed
        .iter()
        .filter(|package| local(package))
        .map(|package| package.import_path.as_str())
        .collect();
    let found: BTreeSet<&str> = closure.packages.keys().map(String::as_str).collect();
    assert_eq!(found, expected, "{place}: packages");

    let mut external = BTreeSet::new();
    let mut standard = BTreeSet::new();
    let mut all_files = BTreeSet::new();
    for (import_path, package) in &closure.packages {
        let place = format!("{place}: {import_path}");
        let listed_package = &listed[import_path];
        assert_eq!(
            root.join(package.directory.as_str()),
            root.join(listed_package.dir.strip_prefix(root).unwrap()),
            "{place}"
        );
        assert_eq!(package.name, listed_package.name, "{place}");
        assert_eq!(files(package), listed_package.files(), "{place}: files");
        let embeds: BTreeSet<String> = package
            .embeds
            .iter()
            .filter_map(|file| file.below(&package.directory))
            .map(|file| file.to_string())
            .collect();
        assert_eq!(
            embeds, listed_package.embed_files,
            "{place}: embedded files"
        );
        let imports: BTreeSet<&String> = package.imports.keys().collect();
        let expected = listed_package.imports.iter().filter(|path| *path != "C");
        let expected: BTreeSet<&String> = expected.collect();
        assert_eq!(imports, expected, "{place}: imports");
        for path in expected {
            if listed[path].standard {
                standard.insert(path.clone());
            } else if !local(&listed[path]) {
                external.insert(path.clone());
            }
        }
        let names = listed_package.files().into_values().flatten();
        all_files.extend(
            names
                .chain(listed_package.embed_files.iter().cloned())
                .map(|name| package.directory.join(&name)),
        );
        all_files.extend(package.includes.iter().cloned());
    }
    assert_eq!(closure.external, external, "{place}: external packages");
    assert_eq!(closure.standard, standard, "{place}: standard packages");
    all_files.extend(closure.profile.clone());
    assert_eq!(closure.files, all_files, "{place}: files");
}

/// Asserts that both refuse the program in the root folder, with the same words.
fn assert_refused(root: &Path, target: Target, words: &str) {
    let tree = DiskTree::open(root).unwrap();
    let start = TreePath::root();
    let workspace = Workspace::load(&tree, &start, GoWork::Auto).unwrap();
    let resolver = Resolver::new(&workspace, &tree);
    let sources = Sources::new(&tree);
    let mut context = BuildContext::new(target.0, target.1, go_minor());
    context.cgo = target.2;
    let loader = Loader::new(&workspace, &resolver, &sources, context);
    let ours = loader.closure(&start).unwrap_err().to_string();
    assert!(ours.contains(words), "{words:?} is not in ours: {ours}");
    let theirs = list(root, target, &["."]).map(|_| ()).expect_err(words);
    assert!(theirs.contains(words), "{words:?} is not in Go's: {theirs}");
}

/// Writes a tree of files into a new folder.
fn write(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    root
}

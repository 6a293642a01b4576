//! A generated monorepo: what an edit of one package compiles, and that the generator keeps its word.

use std::collections::BTreeSet;

use crate::harness::sandbox::Sandbox;
use crate::harness::tool;
use crate::harness::vertices::Vertices;
use crate::monorepo::{MODULE, Shape};

const SHAPE: Shape = Shape {
    mains: 5,
    packages: 30,
    files: 2,
    fan_out: 3,
    seed: 7,
};

/// Returns a sandbox with the monorepo.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::of(&[]);
    SHAPE.write(sandbox.project()).unwrap();
    sandbox
}

#[test]
fn one_shape_has_one_content_and_another_seed_another() {
    let files = SHAPE.files();
    assert_eq!(files, SHAPE.files());
    assert_ne!(files, Shape { seed: 8, ..SHAPE }.files());
    let sources = files.keys().filter(|path| path.ends_with(".go"));
    // Mains have one file.
    assert_eq!(sources.count(), SHAPE.packages * SHAPE.files + SHAPE.mains);
}

#[test]
fn the_leaf_imports_nothing_and_is_reached_as_promised() {
    let sandbox = sandbox();
    let leaf = format!("{MODULE}/{}", SHAPE.leaf());
    let reaching = (0..SHAPE.mains).filter(|&main| {
        let folder = format!("./{}", SHAPE.main(main));
        let listed = tool::run_in(sandbox.project(), "go", &["list", "-deps", &folder]);
        listed.lines().any(|package| package == leaf)
    });
    assert_eq!(reaching.collect::<Vec<_>>(), SHAPE.reaching_leaf());
    let imports = ["list", "-f", "{{join .Imports \" \"}}", &leaf];
    let imports = tool::run_in(sandbox.project(), "go", &imports);
    assert!(!imports.contains(MODULE), "{imports}");
    tool::run_in(sandbox.project(), "go", &["vet", "./..."]);
}

#[test]
fn an_edit_of_the_leaf_compiles_the_mains_that_reach_it() {
    let sandbox = sandbox();
    let push = || Vertices::of(&sandbox.push().args(["--progress", "rawjson"]).succeeds());
    push();
    assert_eq!(push().ran("compile "), Vec::<&str>::new());
    let leaf = SHAPE.leaf();
    let package = leaf.rsplit('/').next().unwrap();
    let text = format!("package {package}\n\nvar Edited = true\n");
    sandbox.write(&format!("{leaf}/edited.go"), &text);
    let vertices = push();
    let ran: BTreeSet<&str> = vertices.ran("compile ").into_iter().collect();
    let expected = SHAPE.reaching_leaf();
    let expected: Vec<String> = expected
        .into_iter()
        .map(|main| format!("compile main{main:03} linux/amd64"))
        .collect();
    assert_eq!(ran, expected.iter().map(String::as_str).collect());
}

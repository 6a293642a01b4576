//! What of a project's layers is remembered, and for how long.

use std::fs;
use std::time::Duration;

use super::*;
use crate::project::ignore;
use crate::project::manifest::FILE_NAME;
use crate::project::tree::disk::DiskTree;
use crate::project::tree::filtered::FilteredTree;

/// A project of three files, and a folder for what is remembered.
struct Case {
    project: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let case = Self {
            project: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        };
        fs::create_dir_all(case.project.path().join("word")).unwrap();
        case.write("go.mod", "module example.com/app\n");
        case.write("main.go", "package main\n");
        case.write("word/word.go", "package word\n");
        case
    }

    fn write(&self, path: &str, text: &str) {
        fs::write(self.project.path().join(path), text).unwrap();
    }

    /// Returns the digests of the layers of a program, packed this long after the files were written.
    fn packed(&self, later: Duration) -> Vec<String> {
        let disk = DiskTree::open(self.project.path()).unwrap();
        let matcher = ignore::load(&disk, &TreePath::new(FILE_NAME), &TreePath::root()).unwrap();
        let tree = FilteredTree::new(disk, TreePath::root(), matcher);
        let names = ["go.mod", "main.go", "word/word.go"];
        let files: BTreeSet<TreePath> = names
            .iter()
            .map(|name| TreePath::root().join(name))
            .collect();
        let main = TreePath::root();
        let set = Set {
            name: "sources".to_owned(),
            number: 0,
            main: Some(&main),
        };
        let parts = parts(&files, &set);
        let parts: Vec<&Part<'_>> = parts.iter().collect();
        let now = SystemTime::now() + later;
        let layers = layers(&parts, &tree, self.cache.path(), now).unwrap();
        let digests = layers.iter().map(|layer| layer.descriptor().digest());
        digests.map(ToString::to_string).collect()
    }

    /// Returns the one file of the memory.
    fn memory(&self) -> Option<std::path::PathBuf> {
        let mut files = fs::read_dir(self.cache.path().join("sources")).ok()?;
        Some(files.next()?.unwrap().path())
    }
}

const LATER: Duration = Duration::from_secs(60);

#[test]
fn a_main_is_a_layer_upon_what_it_imports() {
    let case = Case::new();
    let before = case.packed(LATER);
    case.write("main.go", "package main // edited\n");
    let after = case.packed(LATER);
    assert_eq!(before.len(), 2);
    assert_eq!(before[0], after[0]);
    assert_ne!(before[1], after[1]);
}

#[test]
fn what_is_remembered_is_not_packed_again() {
    let case = Case::new();
    let first = case.packed(LATER);
    let memory = case.memory().unwrap();
    // A digest that no packing makes shows where it comes from.
    let other = format!("sha256:{}", "0".repeat(64));
    let text = fs::read_to_string(&memory).unwrap();
    fs::write(&memory, text.replace(&first[0], &other)).unwrap();
    assert_eq!(case.packed(LATER), [other.clone(), first[1].clone()]);
    case.write("word/word.go", "package word // edited\n");
    let edited = case.packed(LATER);
    assert!(edited[0] != first[0] && edited[0] != other, "{edited:?}");
    case.write("word/word.go", "package word\n");
    assert_eq!(case.packed(LATER), first);
    fs::write(&memory, "{").unwrap();
    assert_eq!(case.packed(LATER), first);
}

#[test]
fn files_that_were_just_written_are_not_remembered() {
    let case = Case::new();
    case.packed(Duration::ZERO);
    assert_eq!(case.memory(), None);
}

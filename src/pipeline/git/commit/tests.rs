//! Commits of repositories of the tests' own.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::project::ignore::IgnoreMatcher;
use crate::project::tree::disk::DiskTree;

/// A repository with one commit of these files, on a branch of its own.
struct Repository(TempDir);

impl Repository {
    fn of(files: &[(&str, &str)]) -> Self {
        let repository = Self(tempfile::tempdir().unwrap());
        for (path, content) in files {
            repository.write(path, content);
        }
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn link(&self, path: &str, target: &str) {
        symlink(target, self.0.path().join(path)).unwrap();
    }

    fn git(&self, args: &[&str]) {
        let identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        let mut git = Command::new("git");
        git.arg("-C").arg(self.0.path()).args(identity).args(args);
        assert!(git.status().unwrap().success(), "{args:?}");
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "all"]);
    }

    fn open(&self, folder: &str, since: &str) -> Result<Commit, CommitError> {
        let disk = DiskTree::open(&self.0.path().join(folder)).unwrap();
        let tree = ProjectTree::new(disk, TreePath::root(), IgnoreMatcher::default());
        Commit::open(Arc::new(tree), since)
    }
}

/// Returns which of these paths are changed.
fn changed<'a>(commit: &Commit, paths: &[&'a str]) -> Vec<&'a str> {
    let is_changed = |path: &&&str| commit.is_changed(&TreePath::new(path));
    paths.iter().filter(is_changed).copied().collect()
}

fn text(commit: &Commit, path: &str) -> Option<String> {
    let bytes = commit.read(&TreePath::new(path)).unwrap()?;
    Some(String::from_utf8(bytes.into()).unwrap())
}

fn names(commit: &Commit, folder: &str) -> Vec<String> {
    let listing = commit.list(&TreePath::new(folder)).unwrap().unwrap();
    listing.iter().map(|entry| entry.name.clone()).collect()
}

#[test]
fn files_are_what_they_were() {
    let repository = Repository::of(&[("a/x.go", "old"), ("a/gone.go", "g"), ("same", "s")]);
    repository.commit();
    repository.write("a/x.go", "new");
    repository.write("a/late.go", "late");
    fs::remove_file(repository.0.path().join("a/gone.go")).unwrap();
    repository.git(&["add", "a/late.go"]);
    let commit = repository.open(".", "HEAD").unwrap();
    assert!(commit.is_ancestor);
    assert_eq!(commit.id.len(), 40);
    assert_eq!(text(&commit, "a/x.go").unwrap(), "old");
    assert_eq!(text(&commit, "a/gone.go").unwrap(), "g");
    assert_eq!(text(&commit, "a/late.go"), None);
    assert_eq!(names(&commit, "a"), ["gone.go", "x.go"]);
    assert_eq!(changed(&commit, &["a/x.go", "same"]), ["a/x.go"]);
}

#[test]
fn what_a_link_leads_to_is_what_changes() {
    let repository = Repository::of(&[("real/x.go", "x"), ("etc/c", "c"), ("a/y.go", "y")]);
    repository.link("a/x.go", "../real/x.go");
    repository.link("etclink", "etc");
    repository.link("away", "../elsewhere");
    repository.commit();
    let paths = ["a/x.go", "a/y.go", "etclink/c", "away"];
    let commit = repository.open(".", "main").unwrap();
    assert_eq!(changed(&commit, &paths), ["away"]);
    assert_eq!(text(&commit, "etclink/c").unwrap(), "c");
    repository.write("real/x.go", "new");
    repository.write("etc/c", "new");
    let commit = repository.open(".", "main").unwrap();
    assert_eq!(changed(&commit, &paths), ["a/x.go", "etclink/c", "away"]);
}

#[test]
fn configuration_and_hooks_have_no_say() {
    let repository = Repository::of(&[("app/main.go", "m"), ("lib/l.go", "l"), ("ü \n", "u")]);
    repository.commit();
    for (name, value) in [
        ("relative", "true"),
        ("noprefix", "true"),
        ("external", "false"),
    ] {
        repository.git(&["config", &format!("diff.{name}"), value]);
    }
    repository.write("app/main.go", "new");
    repository.write("lib/l.go", "new");
    repository.write("ü \n", "new");
    let commit = repository.open("app", "main").unwrap();
    let all = ["main.go", "../lib/l.go", "../ü \n"];
    assert_eq!(changed(&commit, &all), all);
    assert_eq!(text(&commit, "../lib/l.go").unwrap(), "l");
    assert!(commit.reaches(&TreePath::new("../lib")));
    assert!(!commit.reaches(&TreePath::new("../../lib")));
}

#[test]
fn what_git_does_not_track_stands_there_and_counts_as_changed() {
    let repository = Repository::of(&[("a/x.go", "x"), (".gitignore", "*.pb.go\nout/\n")]);
    repository.commit();
    repository.write("a/api.pb.go", "generated");
    repository.write("out/deep/file", "built");
    let commit = repository.open(".", "main").unwrap();
    assert_eq!(names(&commit, "a"), ["api.pb.go", "x.go"]);
    assert_eq!(text(&commit, "out/deep/file").unwrap(), "built");
    assert_eq!(names(&commit, "out"), ["deep"]);
    let all = ["a/x.go", "a/api.pb.go", "out/deep/file"];
    assert_eq!(changed(&commit, &all), all[1..]);
}

#[test]
fn a_commit_may_be_none_or_have_nothing_in_common() {
    let repository = Repository::of(&[("x", "x")]);
    repository.commit();
    for since in ["nowhere", "", "-x"] {
        let error = repository.open(".", since).err().unwrap();
        let expected = format!("there is no commit {since:?} in this repository");
        assert_eq!(error.to_string(), expected);
    }
    repository.git(&["switch", "--quiet", "--orphan", "other"]);
    repository.write("y", "y");
    repository.commit();
    assert!(!repository.open(".", "main").unwrap().is_ancestor);
    let nowhere = Repository(tempfile::tempdir().unwrap());
    let error = nowhere.open(".", "main").err().unwrap();
    let told = error.to_string();
    assert!(told.contains("not a git repository"), "{told}");
}

//! Drives the service as buildkitd's receiver does.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::prelude::*;
use tonic::Code;

use super::patterns::Matched;
use super::*;
use crate::buildkit::session::fsutil::{self, FileKind, GoMode, compare_paths};

mod peer;

use peer::Peer;

fn open(path: &Path, selection: Selection) -> LocalSource {
    LocalSource::open(path, selection, Permissions::Kept).unwrap()
}

async fn paths(source: LocalSource, metadata: &[(&'static str, &str)]) -> Vec<String> {
    let mut named = vec![("dir-name", "src")];
    named.extend_from_slice(metadata);
    let mut peer = Peer::open(source, &named).await.unwrap();
    let listing = peer.listing().await.unwrap();
    listing.into_iter().map(|stat| stat.path).collect()
}

/// Makes files, each holding its own path; one that ends in a slash is a directory.
fn tree(paths: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in paths {
        let full = folder.path().join(path);
        if path.ends_with('/') {
            std::fs::create_dir_all(full).unwrap();
            continue;
        }
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, path).unwrap();
    }
    folder
}

#[tokio::test]
async fn a_folder_is_sent_whole() {
    let folder = tree(&["a/x", "a-b", "a/b/y", "empty", "zdir/", "é"]);
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    std::fs::write(folder.path().join("long"), &long).unwrap();
    std::fs::write(folder.path().join("exact"), vec![7; 64 << 10]).unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    symlink("/etc/passwd", folder.path().join("link")).unwrap();
    let executable = std::fs::Permissions::from_mode(0o750);
    std::fs::set_permissions(folder.path().join("a/x"), executable).unwrap();

    let source = open(folder.path(), Selection::Everything);
    let peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
    let (listing, contents) = peer.all().await.unwrap();
    let paths: Vec<_> = listing.iter().map(|stat| stat.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "a", "a/b", "a/b/y", "a/x", "a-b", "empty", "exact", "link", "long", "zdir", "é"
        ]
    );
    assert_eq!(contents["long"], long);
    assert_eq!(contents["exact"], vec![7; 64 << 10]);
    assert_eq!(contents["empty"], b"");
    assert_eq!(contents["a/b/y"], b"a/b/y");
    assert!(!contents.contains_key("link"));
    for stat in &listing {
        assert_eq!((stat.uid, stat.gid), (0, 0));
        let file = folder.path().join(&stat.path).symlink_metadata().unwrap();
        let modified = file.modified().unwrap();
        let modified = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(u128::try_from(stat.mod_time).unwrap(), modified.as_nanos());
    }
    assert_eq!(listing[3].mode, 0o750);
    assert_eq!(listing[3].size, 3);
    assert_eq!(listing[0].size, 0);
    assert_eq!(listing[7].linkname, "/etc/passwd");
    assert_eq!(GoMode(listing[7].mode).kind(), FileKind::Symlink);
}

#[tokio::test]
async fn unknown_names_are_not_found() {
    let folder = tree(&["a"]);
    let source = open(folder.path(), Selection::Everything);
    let refused = Peer::open(source, &[("dir-name", "other")]).await.err();
    assert_eq!(refused.unwrap().code(), Code::NotFound);
}

#[tokio::test]
async fn only_listed_files_exist() {
    let folder = tree(&["a/x", "a/y", "b/z", "c"]);
    let list = || FileList::from_iter(["b/z", "a/y"]);
    let source = open(folder.path(), Selection::Files(list()));
    assert_eq!(paths(source, &[]).await, ["a", "a/y", "b", "b/z"]);
    let source = open(folder.path(), Selection::Files(list()));
    let filtered = paths(source, &[("include-patterns", "a")]).await;
    assert_eq!(filtered, ["a", "a/y"]);

    std::fs::remove_file(folder.path().join("a/y")).unwrap();
    let source = open(folder.path(), Selection::Files(list()));
    let mut peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
    let error = peer.listing().await.unwrap_err();
    assert!(error.contains("\"a/y\""), "{error}");
}

#[tokio::test]
async fn listed_files_behind_links_are_refused() {
    let folder = tree(&["real/x"]);
    symlink("real", folder.path().join("way")).unwrap();
    symlink("/etc", folder.path().join("out")).unwrap();
    for (path, named) in [("way/x", "way"), ("out/passwd", "out"), ("../x", "..")] {
        let list = FileList::from_iter([path]);
        let source = open(folder.path(), Selection::Files(list));
        let peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
        let error = peer.all().await.unwrap_err();
        assert!(
            error.starts_with(&format!("{named:?} is part of")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn the_selection_and_the_request_filter_together() {
    let folder = tree(&["cmd/a.go", "cmd/a.md", "cmd/b.go", "docs/c.md", ".git/x"]);
    let selection = || Selection::Filtered {
        include: Patterns::default(),
        exclude: Patterns::new(&[".git", "**/*.md", "!docs/*.md"]).unwrap(),
    };
    let source = open(folder.path(), selection());
    let all = ["cmd", "cmd/a.go", "cmd/b.go", "docs", "docs/c.md"];
    assert_eq!(paths(source, &[]).await, all);
    let source = open(folder.path(), selection());
    let some = [
        ("include-patterns", "cmd/a.*"),
        ("include-patterns", ".git"),
        ("include-patterns", "docs/**"),
    ];
    let expected = ["cmd", "cmd/a.go", "docs", "docs/c.md"];
    assert_eq!(paths(source, &some).await, expected);
    let source = open(folder.path(), selection());
    let encoded = [
        ("exclude-patterns", "cm%64+"),
        ("exclude-patterns-encoded", "1"),
    ];
    assert_eq!(paths(source, &encoded).await, ["docs", "docs/c.md"]);
}

#[tokio::test]
async fn followed_paths_bring_what_they_link_to() {
    let folder = tree(&["real/deep/x", "real/y", "other", "glob1", "unrelated/z"]);
    let link = |target: &str, name: &str| symlink(target, folder.path().join(name)).unwrap();
    link("real/deep", "way");
    link("/real/y", "absolute");
    link("../../../real/y", "climbing");
    link("loop2", "loop1");
    link("loop1", "loop2");
    link("other", "star-link");
    for (follow, expected) in [
        ("way/x", vec!["real", "real/deep", "real/deep/x", "way"]),
        ("absolute", vec!["absolute", "real", "real/y"]),
        ("climbing", vec!["climbing", "real", "real/y"]),
        ("loop1", vec!["loop1", "loop2"]),
        ("star-*", vec!["other", "star-link"]),
        ("glob?", vec!["glob1"]),
        ("missing/x", vec![]),
    ] {
        let source = open(folder.path(), Selection::Everything);
        assert_eq!(paths(source, &[("followpaths", follow)]).await, expected);
    }
    let source = open(folder.path(), Selection::Everything);
    let root = paths(source, &[("followpaths", ".")]).await;
    assert!(root.contains(&"unrelated/z".to_owned()), "{root:?}");
}

#[tokio::test]
async fn each_file_is_sent_once_and_directories_never() {
    let folder = tree(&["a", "d/b"]);
    for ids in [&[0, 0][..], &[1], &[7]] {
        let source = open(folder.path(), Selection::Everything);
        let mut peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
        peer.listing().await.unwrap();
        for id in ids {
            peer.send(fsutil::request(*id)).await;
        }
        let error = loop {
            if let Err(error) = peer.next().await {
                break error;
            }
        };
        assert_eq!(error, format!("invalid file id {}", ids[0]));
    }
}

#[tokio::test]
async fn what_changes_under_way_is_an_error_that_names_it() {
    let folder = tree(&["gone", "swapped"]);
    for (id, name) in [(0, "gone"), (1, "swapped")] {
        let source = open(folder.path(), Selection::Everything);
        let mut peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
        assert_eq!(peer.listing().await.unwrap().len(), 2);
        let path = folder.path().join(name);
        std::fs::remove_file(&path).unwrap();
        if name == "swapped" {
            symlink("/etc/passwd", &path).unwrap();
        }
        peer.send(fsutil::request(id)).await;
        let error = peer.next().await.unwrap_err();
        assert!(error.contains(name), "{error}");
        std::fs::remove_file(&path).ok();
        std::fs::write(&path, "back").unwrap();
        std::fs::write(folder.path().join("swapped"), "back").unwrap();
    }
}

#[tokio::test]
async fn a_receiver_that_fails_or_leaves_ends_the_transfer() {
    let folder = tree(&["a"]);
    let source = open(folder.path(), Selection::Everything);
    let mut peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
    peer.listing().await.unwrap();
    peer.send(fsutil::error("disk full")).await;
    let error = peer.next().await.unwrap_err();
    assert_eq!(error, "error from receiver: disk full");

    let source = open(folder.path(), Selection::Everything);
    let peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
    let Peer {
        requests,
        mut packets,
    } = peer;
    drop(requests);
    let end = loop {
        match packets.message().await {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert!(end.unwrap_err().message().contains("receiver left"));
}

#[tokio::test]
async fn many_files_flow_against_full_queues() {
    let names: Vec<String> = (0..2_000).map(|n| format!("d{}/f{n}", n % 7)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let folder = tree(&names);
    let source = open(folder.path(), Selection::Everything);
    let peer = Peer::open(source, &[("dir-name", "src")]).await.unwrap();
    let (listing, contents) = peer.all().await.unwrap();
    assert_eq!(listing.len(), 2_007);
    assert!(
        contents
            .iter()
            .all(|(path, content)| path.as_bytes() == content)
    );
}

#[tokio::test]
async fn another_umask_is_no_other_source() {
    let folder = tree(&["d/x", "d/y"]);
    let set = |path: &str, mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(folder.path().join(path), permissions).unwrap();
    };
    let modes = async || {
        let source = LocalSource::open(
            folder.path(),
            Selection::Everything,
            Permissions::Normalised,
        );
        let mut peer = Peer::open(source.unwrap(), &[("dir-name", "src")])
            .await
            .unwrap();
        let listing = peer.listing().await.unwrap();
        listing
            .into_iter()
            .map(|stat| stat.mode)
            .collect::<Vec<_>>()
    };
    set("d", 0o700);
    set("d/x", 0o600);
    set("d/y", 0o700);
    let strict = modes().await;
    set("d", 0o775);
    set("d/x", 0o664);
    set("d/y", 0o775);
    assert_eq!(modes().await, strict);
    assert_eq!(strict, [0o755 | 1 << 31, 0o644, 0o755]);
}

/// Lists what the patterns select without leaving out any directory.
fn selected(entries: &BTreeSet<String>, include: &Patterns, exclude: &Patterns) -> Vec<String> {
    let verdict = |patterns: &Patterns, path: &str| {
        let mut matched = (false, Matched::default());
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            matched = patterns.matches(&path[..end], &matched.1);
        }
        matched.0
    };
    let mut selected = BTreeSet::new();
    for path in entries {
        let included = include.is_empty() || verdict(include, path);
        if included && !verdict(exclude, path) {
            let parents = path.match_indices('/').map(|(at, _)| path[..at].to_owned());
            selected.extend(parents);
            selected.insert(path.clone());
        }
    }
    let mut selected: Vec<_> = selected.into_iter().collect();
    selected.sort_by(|a, b| compare_paths(a, b));
    selected
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Leaving out directories early, reading ahead and adding parents late change nothing.
    #[test]
    fn the_walk_selects_what_the_patterns_do(
        files in proptest::collection::btree_set("[ab-]{1,2}(/[ab-]{1,2}){0,3}", 1..25),
        include in proptest::collection::vec("!?([ab*?-]{1,2}|\\*\\*)(/([ab*-]{1,2}|\\*\\*)){0,2}", 0..3),
        exclude in proptest::collection::vec("!?([ab*?-]{1,2}|\\*\\*)(/([ab*-]{1,2}|\\*\\*)){0,2}", 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut entries = BTreeSet::new();
        for path in &files {
            let full = folder.path().join(path);
            let made = std::fs::create_dir_all(full.parent().unwrap());
            if made.is_ok() && !full.is_dir() {
                std::fs::write(full, "").unwrap();
                entries.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
                entries.insert(path.clone());
            }
        }
        let (include, exclude) = (Patterns::new(&include)?, Patterns::new(&exclude)?);
        let expected = selected(&entries, &include, &exclude);
        let source = open(folder.path(), Selection::Filtered { include, exclude });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        prop_assert_eq!(runtime.block_on(paths(source, &[])), expected);
    }
}

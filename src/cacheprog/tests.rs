//! Whole runs on folders and a store in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::pack::Index;
use super::peer::{Peer, action, options};
use super::*;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("store")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("store").display())
    }

    /// Begins a run on a folder of this name, with the store.
    fn run(&self, name: &str) -> Peer {
        Peer::start(options(&self.path(name), Some(&self.url())))
    }

    /// Stores three entries from a machine of their own.
    fn fill(&self) {
        let mut first = self.run("first");
        for number in 1..=3 {
            assert_eq!(first.get(action(number)), None);
            first.put(action(number), &body(number));
        }
        assert!(first.close().traffic.published);
    }

    /// Returns the files of the store whose path holds a text.
    fn stored(&self, text: &str) -> Vec<PathBuf> {
        let mut found = files(&self.path("store"));
        found.retain(|path| path.to_string_lossy().contains(text));
        found
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut open = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn body(number: u8) -> Vec<u8> {
    (0..200_000_u32)
        .map(|n| (n.wrapping_mul(u32::from(number) + 2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn a_second_machine_gets_what_the_first_made_in_two_round_trips() {
    let place = Place::new();
    place.fill();
    assert_eq!(place.stored("/packs/").len(), 1);
    let mut second = place.run("second");
    for number in 1..=3 {
        assert_eq!(second.get(action(number)), Some(body(number)));
    }
    assert_eq!(second.get(action(4)), None);
    let report = second.close();
    assert_eq!(report.remote.entries, 3);
    assert_eq!((report.gets, report.misses), (4, 1));
    assert_eq!(
        (report.traffic.requests, report.traffic.round_trips),
        (2, 2)
    );
    assert!(!report.traffic.published);
    // The entries are on its own disk now: only the index is asked for.
    let mut again = place.run("second");
    assert_eq!(again.get(action(1)), Some(body(1)));
    let report = again.close();
    assert_eq!((report.local.entries, report.traffic.packs), (1, 0));
    assert_eq!(report.traffic.requests, 1);
}

#[test]
fn only_what_is_new_is_written() {
    let place = Place::new();
    place.fill();
    let mut second = place.run("second");
    for number in 1..=3 {
        second.get(action(number));
    }
    second.put(action(9), b"new");
    let report = second.close();
    assert!(report.traffic.published);
    assert!(report.traffic.written < 1000, "{report:?}");
    assert_eq!(place.stored("/packs/").len(), 2);
    let mut third = place.run("third");
    assert_eq!(third.get(action(9)).unwrap(), b"new");
    assert_eq!(third.get(action(2)), Some(body(2)));
    third.vanish();
}

#[test]
fn what_is_damaged_is_dropped_and_written_again() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("/packs/", |bytes| bytes.truncate(bytes.len() / 2)),
        ("/packs/", |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
        }),
        ("/packs/", |bytes| bytes[0] ^= 1),
        ("/index", |bytes| bytes.truncate(100)),
    ];
    for (file, damage) in damages {
        let place = Place::new();
        place.fill();
        let [file] = place.stored(file).try_into().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        damage(&mut bytes);
        fs::write(&file, bytes).unwrap();
        let mut second = place.run("second");
        let mut missed = 0;
        for number in 1..=3 {
            match second.get(action(number)) {
                Some(found) => assert_eq!(found, body(number)),
                None => {
                    missed += 1;
                    second.put(action(number), &body(number));
                }
            }
        }
        let report = second.close();
        assert!(missed > 0 && report.dropped > 0, "{file:?} {report:?}");
        assert!(report.traffic.published, "{report:?}");
        let mut third = place.run("third");
        for number in 1..=3 {
            assert_eq!(third.get(action(number)), Some(body(number)));
        }
        assert_eq!(third.close().dropped, 0);
    }
}

#[test]
fn an_output_under_another_s_name_is_never_used() {
    let place = Place::new();
    place.fill();
    // A pack and an index that are sound but for the bytes of one output.
    let [index_file] = place.stored("/index").try_into().unwrap();
    let mut index = Index::decode(&fs::read(&index_file).unwrap()).unwrap();
    let outputs = (1..=3).map(|number| {
        let bytes = if number == 2 {
            vec![0; 200_000]
        } else {
            body(number)
        };
        (Id::of(&body(number)), bytes)
    });
    let outputs: Vec<_> = outputs.collect();
    let block = pack::compress(&outputs).unwrap();
    let bytes = [pack::MAGIC.as_slice(), &block, &pack::END].concat();
    let [pack_file] = place.stored("/packs/").try_into().unwrap();
    let digest = Id::of(&bytes);
    fs::write(pack_file.with_file_name(digest.to_string()), &bytes).unwrap();
    index.packs[0].digest = digest;
    index.packs[0].bytes = bytes.len() as u64;
    fs::write(&index_file, index.encode()).unwrap();
    let mut second = place.run("second");
    assert_eq!(second.get(action(1)), Some(body(1)));
    assert_eq!(second.get(action(2)), None);
    assert_eq!(second.get(action(3)), Some(body(3)));
    let report = second.close();
    assert_eq!((report.dropped, report.misses), (1, 1));
    assert!(
        !files(&place.path("second"))
            .iter()
            .any(|file| { fs::read(file).unwrap() == vec![0; 200_000] })
    );
}

#[test]
fn a_store_that_is_down_costs_only_the_hits() {
    let place = Place::new();
    let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = port.local_addr().unwrap();
    drop(port);
    for url in [
        format!("http://{address}/cache"),
        "gopher://nowhere".to_owned(),
        "unix:///nowhere/socket".to_owned(),
    ] {
        let mut peer = Peer::start(options(&place.path("dir"), Some(&url)));
        assert_eq!(peer.get(action(7)), None);
        let report = peer.close();
        assert!(!report.traffic.published);
        assert_eq!(report.warnings.len(), 1, "{report:?}");
    }
}

#[test]
fn a_store_that_never_answers_is_given_up() {
    let place = Place::new();
    // Connections are made, and nobody takes them.
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}/cache", listener.local_addr().unwrap());
    let mut options = options(&place.path("dir"), Some(&url));
    options.remote.as_mut().unwrap().patience = std::time::Duration::from_millis(200);
    let mut peer = Peer::start(options);
    assert_eq!(peer.get(action(7)), None);
    peer.put(action(7), b"made here");
    assert!(peer.close().warnings[0].contains("did not answer"));
}

#[test]
fn a_reader_writes_nothing() {
    let place = Place::new();
    let mut options = options(&place.path("dir"), Some(&place.url()));
    options.remote.as_mut().unwrap().write = false;
    let mut peer = Peer::start(options);
    peer.put(action(1), b"one");
    assert_eq!(peer.close().traffic.requests, 1);
    assert!(place.stored("").is_empty());
}

#[test]
fn seeds_are_read_and_not_touched() {
    let place = Place::new();
    place.fill();
    let before = files(&place.path("first"));
    let mut seeded = options(&place.path("dir"), None);
    seeded.seeds = vec![(place.path("absent"), false), (place.path("first"), false)];
    let mut peer = Peer::start(seeded);
    assert_eq!(peer.get(action(1)), Some(body(1)));
    let report = peer.close();
    assert_eq!(report.seeds.len(), 1);
    assert_eq!(report.seeds[0].entries, 1);
    assert_eq!(report.warnings.len(), 1);
    assert_eq!(files(&place.path("first")), before);
    // What a seed has is written to the store unless it travels otherwise.
    for (is_shipped, published) in [(true, false), (false, true)] {
        let store = Place::new();
        let mut seeded = options(&store.path("dir"), Some(&store.url()));
        seeded.seeds = vec![(place.path("first"), is_shipped)];
        let mut peer = Peer::start(seeded);
        assert_eq!(peer.get(action(1)), Some(body(1)));
        assert_eq!(peer.close().traffic.published, published);
    }
}

#[test]
fn what_is_collected_depends_on_what_was_used_alone() {
    let place = Place::new();
    place.fill();
    let mut trees = Vec::new();
    for name in ["one", "two"] {
        let mut collecting = options(&place.path(name), None);
        collecting.seeds = vec![(place.path("first"), false)];
        collecting.collect = Some(place.path(&format!("{name}-out")));
        let mut peer = Peer::start(collecting);
        assert_eq!(peer.get(action(3)), Some(body(3)));
        peer.put(action(5), b"five");
        peer.put(action(6), b"");
        let report = peer.close();
        assert_eq!(report.collected.entries, 3);
        let root = place.path(&format!("{name}-out"));
        let tree = files(&root).into_iter().map(|file| {
            let content = fs::read(&file).unwrap();
            (file.strip_prefix(&root).unwrap().to_owned(), content)
        });
        trees.push(tree.collect::<Vec<_>>());
    }
    // Three actions, three outputs, and nothing else.
    assert_eq!(trees[0].len(), 6);
    assert_eq!(trees[0], trees[1]);
    let mut reader = Peer::start(options(&place.path("one-out"), None));
    assert_eq!(reader.get(action(3)), Some(body(3)));
    assert_eq!(reader.get(action(1)), None);
    reader.close();
}

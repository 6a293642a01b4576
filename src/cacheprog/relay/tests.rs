//! Relays over a real socket, with builds.

mod liars;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::runtime::Runtime;

use super::*;
use crate::cacheprog::peer::{Peer, action, options};
use crate::cacheprog::{Store, StoreOptions};

struct Place {
    root: tempfile::TempDir,
    runtime: Runtime,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("store")).unwrap();
        std::fs::create_dir(root.path().join("spool")).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        Self {
            root,
            runtime: runtime.unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn relay(&self, write: bool, host_cache: Option<&Path>) -> Relay {
        self.patient_relay(write, host_cache, Duration::from_secs(20))
    }

    fn patient_relay(&self, write: bool, host_cache: Option<&Path>, patience: Duration) -> Relay {
        let url = format!("file://{}", self.path("store").display());
        let reached = StoreOptions {
            patience,
            token: None,
        };
        let relay = RelayOptions {
            host_cache: host_cache.map(Path::to_owned),
            kin: Vec::new(),
            write,
            spool: self.path("spool"),
            max_upload: 1 << 20,
        };
        Relay::new(Some(Store::open(&url, &reached).unwrap()), relay).unwrap()
    }

    /// Serves one connection on a socket; returns its address and the report to come.
    fn listen(
        &self,
        relay: Relay,
    ) -> (
        String,
        tokio::task::JoinHandle<Result<RelayReport, RelayError>>,
    ) {
        let socket = self.path("socket");
        let _ = std::fs::remove_file(&socket);
        let _guard = self.runtime.enter();
        let listener = UnixListener::bind(&socket).unwrap();
        let served = self.runtime.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            relay.serve(stream).await
        });
        (format!("unix://{}", socket.display()), served)
    }

    /// Tells whether the spool is empty.
    fn is_clean(&self) -> bool {
        std::fs::read_dir(self.path("spool")).unwrap().count() == 0
    }

    fn has_index(&self) -> bool {
        self.path("store/v1").exists()
    }
}

#[test]
fn a_step_gets_what_another_made() {
    let place = Place::new();
    let body: Vec<u8> = (0..400_000_u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    let (url, served) = place.listen(place.relay(true, None));
    let mut first = Peer::start(options(&place.path("first"), Some(&url)));
    assert_eq!(first.get(action(1)), None);
    first.put(action(1), &body);
    first.put(action(2), b"");
    assert!(first.close().traffic.published);
    let report = place.runtime.block_on(served).unwrap().unwrap();
    assert_eq!((report.received, report.published), (2, true));
    assert_eq!(report.scope, "test");
    assert!(place.is_clean());

    let (url, served) = place.listen(place.relay(true, None));
    let mut second = Peer::start(options(&place.path("second"), Some(&url)));
    assert_eq!(second.get(action(1)), Some(body));
    assert_eq!(second.get(action(2)), Some(Vec::new()));
    assert_eq!(second.get(action(3)), None);
    let report = second.close();
    assert_eq!((report.remote.entries, report.misses), (2, 1));
    assert!(!report.traffic.published);
    assert_eq!(report.warnings, Vec::<String>::new());
    let report = place.runtime.block_on(served).unwrap().unwrap();
    assert_eq!((report.received, report.published), (0, false));
}

/// Serves a step of `scope`; returns what it finds of two actions.
fn asked(place: &Place, scope: &str, kin: &[&str]) -> Vec<bool> {
    let mut relay = place.relay(true, None);
    relay.options.kin = kin.iter().map(|scope| (*scope).to_owned()).collect();
    let (url, served) = place.listen(relay);
    let folder = place.path(&format!("{}-{}", scope.replace('/', "-"), kin.len()));
    let mut options = options(&folder, Some(&url));
    options.scope = scope.to_owned();
    let mut step = Peer::start(options);
    let found = [1, 2].map(|number| step.get(action(number)).is_some());
    if scope == "one@linux/amd64@go1" && !found[0] {
        step.put(action(1), b"shared");
    }
    step.close();
    place.runtime.block_on(served).unwrap().unwrap();
    found.to_vec()
}

#[test]
fn a_scope_that_nobody_wrote_begins_with_one_that_is_built_alike() {
    let place = Place::new();
    let one = "one@linux/amd64@go1";
    assert_eq!(asked(&place, one, &[]), [false, false]);
    let kin = ["gone@linux/amd64@go1", one];
    for other in ["two@linux/arm64@go1", "two@linux/amd64@go2"] {
        assert_eq!(asked(&place, other, &kin), [false, false], "{other}");
    }
    let two = "two@linux/amd64@go1";
    assert_eq!(asked(&place, two, &[]), [false, false]);
    assert_eq!(asked(&place, two, &kin), [true, false]);
    // What it used is its own from now on.
    let again = asked(&place, two, &["gone@linux/amd64@go1"]);
    assert_eq!(again, [true, false]);
}

#[test]
fn a_new_action_with_an_output_that_is_there_needs_nothing_more() {
    let place = Place::new();
    let build = |name: &str, number: u8| {
        let (url, served) = place.listen(place.relay(true, None));
        let mut step = Peer::start(options(&place.path(name), Some(&url)));
        step.put(action(number), b"./main.go\n");
        // Without an answer it would wait for minutes.
        let report = step.close();
        assert!(report.traffic.published, "{report:?}");
        place.runtime.block_on(served).unwrap().unwrap().received
    };
    assert_eq!(build("first", 1), 1);
    assert_eq!(build("second", 2), 0);
    let (url, served) = place.listen(place.relay(true, None));
    let mut third = Peer::start(options(&place.path("third"), Some(&url)));
    assert_eq!(third.get(action(2)).unwrap(), b"./main.go\n");
    third.close();
    place.runtime.block_on(served).unwrap().unwrap();
}

#[test]
fn a_store_that_cannot_be_written_is_told() {
    let place = Place::new();
    let (url, served) = place.listen(place.relay(true, None));
    let mut step = Peer::start(options(&place.path("dir"), Some(&url)));
    assert_eq!(step.get(action(1)), None);
    // A file stands where the folder of all scopes would be.
    std::fs::write(place.path("store/v1"), b"").unwrap();
    step.put(action(1), b"one");
    let report = step.close();
    let is_told = |warning: &String| warning.contains("did not take what was compiled");
    assert!(report.warnings.iter().any(is_told), "{report:?}");
    assert!(!report.traffic.published);
    place.runtime.block_on(served).unwrap().unwrap();
}

#[test]
fn a_relay_that_only_reads_is_not_written() {
    let place = Place::new();
    let (url, served) = place.listen(place.relay(false, None));
    let mut step = Peer::start(options(&place.path("dir"), Some(&url)));
    assert_eq!(step.get(action(1)), None);
    step.put(action(1), b"one");
    assert!(!step.close().traffic.published);
    place.runtime.block_on(served).unwrap().unwrap();
    assert!(!place.has_index());
}

#[test]
fn the_client_s_own_cache_answers_entry_by_entry() {
    let place = Place::new();
    let mut warm = Peer::start(options(&place.path("warm"), None));
    warm.put(action(1), b"from the laptop");
    warm.put(action(2), b"");
    warm.put(action(3), &[7; 600_000]);
    warm.close();
    let (url, served) = place.listen(place.relay(false, Some(&place.path("warm"))));
    let mut step = Peer::start(options(&place.path("dir"), Some(&url)));
    assert_eq!(step.get(action(1)).unwrap(), b"from the laptop");
    assert_eq!(step.get(action(2)).unwrap(), b"");
    assert_eq!(step.get(action(3)).unwrap(), [7; 600_000]);
    assert_eq!(step.get(action(4)), None);
    let report = step.close();
    assert_eq!((report.host.entries, report.misses), (3, 1));
    let report = place.runtime.block_on(served).unwrap().unwrap();
    assert_eq!((report.questions, report.found), (4, 3));
}

#[test]
fn a_relay_that_vanishes_costs_only_the_hits() {
    let place = Place::new();
    let socket = place.path("socket");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let gone = std::thread::spawn(move || drop(listener.accept().unwrap()));
    let url = format!("unix://{}", socket.display());
    let mut step = Peer::start(options(&place.path("dir"), Some(&url)));
    assert_eq!(step.get(action(1)), None);
    step.put(action(1), b"made here");
    let report = step.close();
    assert!(
        report.warnings[0].contains("without the remote cache"),
        "{report:?}"
    );
    gone.join().unwrap();
}

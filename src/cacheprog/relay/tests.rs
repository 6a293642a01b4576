//! Relays over a real socket and over a pipe in memory, with builds and with liars.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;

use super::frame::{Frame, VERSION};
use super::*;
use crate::cacheprog::peer::{Peer, action, options};
use crate::cacheprog::remote::revise::Used;
use crate::cacheprog::{Id, Store, StoreOptions};

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
        let url = format!("file://{}", self.path("store").display());
        let patience = std::time::Duration::from_secs(20);
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

/// A step that says what a test wants it to.
struct Liar(DuplexStream);

impl Liar {
    async fn say(&mut self, frame: Frame) {
        let mut bytes = Vec::new();
        frame.write(&mut bytes);
        // The relay may have hung up already.
        let _ = self.0.write_all(&bytes).await;
    }

    async fn hello(&mut self, version: u16) {
        let scope = "test".to_owned();
        self.say(Frame::Hello { version, scope }).await;
    }

    /// Reads frames up to one that is wanted, or the end.
    async fn until(&mut self, is_it: impl Fn(&Frame) -> bool) -> Option<Frame> {
        for _ in 0..1000 {
            match serve::read(&mut self.0).await {
                Ok(Some(frame)) if is_it(&frame) => return Some(frame),
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return None,
            }
        }
        None
    }
}

/// Lets a liar speak to a relay; returns how it ended.
fn lie(
    place: &Place,
    relay: Relay,
    tell: impl AsyncFnOnce(&mut Liar),
) -> Result<RelayReport, RelayError> {
    place.runtime.block_on(async {
        let (near, far) = tokio::io::duplex(64 << 10);
        let talk = async {
            let mut liar = Liar(near);
            tell(&mut liar).await;
        };
        let (served, ()) = tokio::join!(relay.serve(far), talk);
        served
    })
}

#[test]
fn what_is_not_the_protocol_ends_the_connection() {
    let place = Place::new();
    let tell = |frames: Vec<Frame>| {
        lie(&place, place.relay(false, None), async |liar| {
            for frame in frames {
                liar.say(frame).await;
            }
            liar.until(|_| false).await;
        })
    };
    let hello = |version| Frame::Hello {
        version,
        scope: "test".to_owned(),
    };
    assert!(matches!(tell(vec![Frame::UsedEnd]), Err(RelayError::Order)));
    assert!(matches!(
        tell(vec![hello(9)]),
        Err(RelayError::Version(9)) | Err(RelayError::Io(_))
    ));
    for frame in [
        Frame::Want(vec![0]),
        Frame::UsedEnd,
        Frame::Body(vec![1]),
        Frame::Done(true),
        hello(VERSION),
    ] {
        let ended = tell(vec![hello(VERSION), frame]);
        assert!(ended.is_err(), "{ended:?}");
    }
    let ended = lie(&place, place.relay(true, None), async |liar| {
        liar.hello(VERSION).await;
        let _ = liar.0.write_all(&[6, 255, 255, 255, 255]).await;
        let mut rest = Vec::new();
        let _ = liar.0.read_to_end(&mut rest).await;
    });
    assert!(matches!(ended, Err(RelayError::Frame(_))), "{ended:?}");
}

#[test]
fn outputs_that_are_not_what_they_claim_are_not_stored() {
    let place = Place::new();
    let used = |action: u8, body: &[u8], size| Used {
        action: Id([action; 32]),
        output: Id::of(body),
        size,
    };
    let ended = lie(&place, place.relay(true, None), async |liar| {
        liar.hello(VERSION).await;
        let entries = vec![
            used(1, b"good", 4),
            used(2, b"evil", 4),
            used(3, b"huge", 2 << 20),
        ];
        liar.say(Frame::Used(entries)).await;
        liar.say(Frame::UsedEnd).await;
        let need = liar.until(|frame| matches!(frame, Frame::Need(_))).await;
        // The huge one is beyond what a step may send.
        let wanted = vec![Id::of(b"good"), Id::of(b"evil")];
        assert_eq!(need, Some(Frame::Need(wanted)));
        liar.say(Frame::Body(b"good".to_vec())).await;
        liar.say(Frame::Body(b"live".to_vec())).await;
        let done = liar.until(|frame| matches!(frame, Frame::Done(_))).await;
        assert_eq!(done, Some(Frame::Done(true)));
    });
    assert_eq!(ended.unwrap().received, 1);
    let mut reader = Peer::start(options(
        &place.path("dir"),
        Some(&format!("file://{}", place.path("store").display())),
    ));
    assert_eq!(reader.get(Id([1; 32])).unwrap(), b"good");
    assert_eq!(reader.get(Id([2; 32])), None);
    assert_eq!(reader.close().dropped, 0);
    assert!(place.is_clean());
}

#[test]
fn a_body_beyond_its_size_ends_the_connection() {
    let place = Place::new();
    let ended = lie(&place, place.relay(true, None), async |liar| {
        liar.hello(VERSION).await;
        let used = Used {
            action: Id([1; 32]),
            output: Id::of(b"four"),
            size: 4,
        };
        liar.say(Frame::Used(vec![used])).await;
        liar.say(Frame::UsedEnd).await;
        liar.until(|frame| matches!(frame, Frame::NeedEnd)).await;
        liar.say(Frame::Body(b"fourteen".to_vec())).await;
        liar.until(|_| false).await;
    });
    assert!(matches!(ended, Err(RelayError::Limit)), "{ended:?}");
    assert!(place.is_clean() && !place.has_index());
}

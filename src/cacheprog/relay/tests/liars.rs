//! Relays over a pipe in memory, with steps that say what a test wants them to.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::Place;
use crate::cacheprog::Id;
use crate::cacheprog::peer::{Peer, action, options};
use crate::cacheprog::relay::frame::{Frame, VERSION};
use crate::cacheprog::relay::{Relay, RelayError, RelayReport, serve};
use crate::cacheprog::remote::revise::Used;

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

#[test]
fn a_step_that_reads_slowly_gets_all_of_a_pack() {
    let place = Place::new();
    let mut writer = Peer::start(options(
        &place.path("writer"),
        Some(&format!("file://{}", place.path("store").display())),
    ));
    let mut seed = 7_u32;
    let body: Vec<u8> = (0..400_000)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .collect();
    writer.put(action(1), &body);
    writer.close();
    let patience = Duration::from_millis(500);
    let relay = place.patient_relay(false, None, patience);
    let ended = lie(&place, relay, async |liar| {
        liar.hello(VERSION).await;
        let index = liar
            .until(|frame| matches!(frame, Frame::IndexEnd(_)))
            .await;
        assert_eq!(index, Some(Frame::IndexEnd(true)));
        liar.say(Frame::Want(vec![0])).await;
        tokio::time::sleep(2 * patience).await;
        let end = liar
            .until(|frame| matches!(frame, Frame::PackEnd(..)))
            .await;
        assert_eq!(end, Some(Frame::PackEnd(0, true)));
    });
    assert_eq!(ended.unwrap().packs, 1);
}

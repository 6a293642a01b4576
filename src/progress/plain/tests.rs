use std::time::Duration;

use serde_json::json;

use super::*;
use crate::progress::event::{ImageDone, Made, Message};
use crate::progress::recorded::{self, Replay};
use crate::progress::summary::Outcome;

fn replay(stream: &str, outcome: Outcome) -> String {
    let mut replay = Replay::new(Box::new(Plain::default()));
    for event in recorded::events(stream) {
        replay.event(&event);
        replay.advance(Duration::from_millis(100));
    }
    replay.finish(outcome);
    replay.written()
}

#[test]
fn a_build() {
    insta::assert_snapshot!(replay(recorded::BUILT, Outcome::Success), @r"
    #1 load go toolchain
    #2 load sources
    #2 transferring src: 178B 0.0s done
    #2 DONE 0.0s
    #1 transferring goroot: 233.7MB 3.0s done
    #3 compile api linux/amd64
    #4 compile api linux/arm64
    #5 compile worker linux/arm64
    #1 DONE 3.0s
    #6 compile worker linux/amd64
    #3 DONE 19.9s
    #6 DONE 20.2s
    #7 assemble image
    #4 DONE 20.6s
    #5 DONE 20.6s
    #7 DONE 0.0s
    done in 2.2s: 7 built
    ");
}

#[test]
fn a_cached_build() {
    insta::assert_snapshot!(replay(recorded::CACHED, Outcome::Success), @r"
    #1 load go toolchain
    #2 load sources
    #2 transferring src: 178B 0.0s done
    #1 transferring goroot: 963.6kB 0.4s done
    #2 DONE 0.0s
    #3 compile api linux/amd64
    #4 compile worker linux/amd64
    #5 compile api linux/arm64
    #6 compile worker linux/arm64
    #7 assemble image
    #1 DONE 0.4s
    #3 CACHED
    #4 CACHED
    #5 CACHED
    #6 CACHED
    #7 CACHED
    done in 1.1s: 2 built, 5 cached
    ");
}

#[test]
fn a_failed_build() {
    insta::assert_snapshot!(replay(recorded::FAILED, Outcome::Failure), @r"
    #1 load go toolchain
    #2 load sources
    #2 transferring src: 382B 0.0s done
    #1 transferring goroot: 963.6kB 0.4s done
    #2 DONE 0.0s
    #3 compile api linux/arm64
    #4 compile worker linux/arm64
    #5 compile api linux/amd64
    #6 compile worker linux/amd64
    #6 0.246 # example.com/app/cmd/worker
    #6 0.246 cmd/worker/main.go:5:27: undefined: undefinedName
    #6 0.246 cmd/worker/main.go:5:43: declared and not used: x
    #1 DONE 0.4s
    #6 ERROR: exit code: 1
    #4 CANCELED
    #3 CANCELED
    #5 CANCELED
    failed in 1.3s: 2 built, 1 failed, 3 cancelled
    ");
}

#[test]
fn own_lines_and_images() {
    let mut replay = Replay::new(Box::new(Plain::default()));
    for (level, text) in [
        (Level::Info, "builder: default"),
        (Level::Warning, "old\u{1b}[2J daemon"),
    ] {
        replay.event(&Event::Message(Message {
            level,
            text: text.to_owned(),
            timestamp: Timestamp::UNIX_EPOCH,
        }));
    }
    for (name, made) in [
        ("registry.example.com/api:1", Made::Pushed),
        ("registry.example.com/web:1", Made::Unchanged),
        ("", Made::Built),
    ] {
        replay.event(&Event::ImageDone(ImageDone {
            name: name.to_owned(),
            digest: "sha256:aa".to_owned(),
            made,
            timestamp: Timestamp::UNIX_EPOCH,
        }));
    }
    replay.moment.now = Duration::from_millis(61_400);
    replay.finish(Outcome::Canceled);
    insta::assert_snapshot!(replay.written(), @r"
    #0 builder: default
    #0 WARN: old daemon
    pushed registry.example.com/api:1@sha256:aa
    unchanged registry.example.com/web:1@sha256:aa
    built sha256:aa
    cancelled in 1m01s
    ");
}

#[test]
fn every_line_of_the_daemon_s_has_its_prefix_and_no_control() {
    let mut replay = Replay::new(Box::new(Plain::default()));
    replay.event(&recorded::message(json!({
        "vertexes": [{
            "digest": "a", "name": "fetch", "started": "2026-01-01T00:00:00Z",
            "completed": "2026-01-01T00:00:01Z", "error": "refused:\n\u{1b}[2Jgone\r\n",
        }],
        "warnings": [{"vertex": "a", "short": "b25lG1sySgp0d28="}],
    })));
    replay.advance(SETTLE);
    insta::assert_snapshot!(replay.written(), @r"
    #1 fetch
    #1 WARN: one
    #1 two
    #1 ERROR: refused:
    #1 gone
    ");
}

#[test]
fn a_restarted_step_ends_once() {
    let mut replay = Replay::new(Box::new(Plain::default()));
    let vertex = |started: u64, completed: Option<u64>, cached: bool| {
        let at = |second: u64| format!("2026-01-01T00:00:{second:02}Z");
        let completed = completed.map(at);
        recorded::message(json!({"vertexes": [{
            "digest": "a", "name": "fetch", "started": at(started), "completed": completed,
            "cached": cached,
        }]}))
    };
    replay.event(&vertex(1, Some(1), false));
    replay.advance(Duration::from_millis(50));
    replay.event(&vertex(2, None, false));
    replay.advance(Duration::from_secs(2));
    assert_eq!(replay.written(), "#1 fetch\n");
    replay.event(&vertex(2, Some(4), true));
    replay.advance(Duration::ZERO);
    assert_eq!(replay.written(), "");
    replay.advance(SETTLE);
    assert_eq!(replay.written(), "#1 CACHED\n");
}

#[test]
fn transfers_are_throttled() {
    let mut replay = Replay::new(Box::new(Plain::default()));
    replay.event(&recorded::message(json!({"vertexes": [
        {"digest": "a", "name": "fetch", "started": "2026-01-01T00:00:00Z"},
    ]})));
    for second in 0..30 {
        replay.event(&recorded::message(json!({"statuses": [{
            "id": "layer", "vertex": "a", "total": 1_000_000, "current": second * 10_000,
            "timestamp": format!("2026-01-01T00:00:{second:02}Z"),
            "started": "2026-01-01T00:00:00Z",
        }]})));
    }
    replay.event(&recorded::message(json!({"statuses": [{
        "id": "layer", "vertex": "a", "total": 1_000_000, "current": 1_000_000,
        "timestamp": "2026-01-01T00:00:30Z", "started": "2026-01-01T00:00:00Z",
        "completed": "2026-01-01T00:00:30Z",
    }]})));
    insta::assert_snapshot!(replay.written(), @r"
    #1 fetch
    #1 layer 50.0kB / 1.0MB 5.0s
    #1 layer 100.0kB / 1.0MB 10.0s
    #1 layer 150.0kB / 1.0MB 15.0s
    #1 layer 200.0kB / 1.0MB 20.0s
    #1 layer 250.0kB / 1.0MB 25.0s
    #1 layer 1.0MB / 1.0MB 30.0s done
    ");
}

//! One JSON `SolveStatus` per line, as `buildx --progress=rawjson` prints them.
//!
//! Messages of the daemon pass through unchanged. What gobuild itself says takes the form buildx
//! gives its own steps: a vertex that starts and completes at once, so every line has one shape.

use sha2::{Digest as _, Sha256};

use super::event::{Event, ImageDone, Message, SolveStatus, Vertex};
use super::render::{Frame, Render};
use super::state::{Change, State};
use super::summary::image_line;

/// The rawjson renderer.
#[derive(Debug, Default)]
pub(super) struct RawJson;

impl Render for RawJson {
    fn event(&mut self, event: &Event, _changes: &[Change], _state: &State, out: &mut Frame) {
        match event {
            Event::Solve { status, .. } => out.json(status),
            Event::Message(Message {
                text, timestamp, ..
            }) => out.json(&note(text, *timestamp)),
            Event::ImageDone(image @ ImageDone { timestamp, .. }) => {
                out.json(&note(&image_line(image), *timestamp));
            }
        }
    }
}

fn note(text: &str, timestamp: jiff::Timestamp) -> SolveStatus {
    let mut hash = Sha256::new();
    hash.update(timestamp.to_string());
    hash.update(text);
    let digest = hash.finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    SolveStatus {
        vertexes: vec![Vertex {
            digest: format!("sha256:{digest}"),
            name: text.to_owned(),
            started: Some(timestamp),
            completed: Some(timestamp),
            ..Vertex::default()
        }],
        ..SolveStatus::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::event::Level;
    use crate::progress::recorded::{self, Replay};

    #[test]
    fn lines_of_the_daemon_come_out_as_its_own_client_writes_them() {
        let mut replay = Replay::new(Box::new(RawJson));
        for event in recorded::events(recorded::FAILED) {
            replay.event(&event);
        }
        let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let written: Vec<_> = replay.written().lines().map(value).collect();
        let recorded: Vec<_> = recorded::FAILED.lines().map(value).collect();
        assert_eq!(written, recorded);
    }

    #[test]
    fn warnings_use_the_names_of_the_client() {
        let line = r#"{"warnings":[{"vertex":"sha256:a","level":1,"short":"YQ==","detail":["Yg=="],"url":"u","sourceInfo":{"filename":"f","data":"eA==","language":"l"},"range":[{"start":{"line":1},"end":{"line":2,"character":3}}]}]}"#;
        let status: SolveStatus = serde_json::from_str(line).unwrap();
        assert_eq!(status.warnings[0].short, "a");
        assert_eq!(status.warnings[0].detail, ["b"]);
        assert_eq!(serde_json::to_string(&status).unwrap(), line);
    }

    #[test]
    fn notes_are_vertices() {
        let mut replay = Replay::new(Box::new(RawJson));
        replay.event(&Event::Message(Message {
            level: Level::Info,
            text: "builder: default".to_owned(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
        }));
        insta::assert_snapshot!(replay.written(), @r#"{"vertexes":[{"digest":"sha256:fdb6389cf5282b4f94f2018fcd59eec1ced31c6a0d70e35790fdbde066ff912e","name":"builder: default","started":"1970-01-01T00:00:00Z","completed":"1970-01-01T00:00:00Z"}]}"#);
    }
}

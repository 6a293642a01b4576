//! A build's status stream as events.
//!
//! The stream outlives the solve: the daemon sends the last completions after it has answered,
//! and sometimes never ends the stream. So it is read to its end, or until nothing came for five
//! seconds after the solve was over (BuildKit `client/solve.go`).

use std::time::Duration;

use buildkit_proto::moby::buildkit::v1 as wire;
use buildkit_proto::pb;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::buildkit::client::Client;
use crate::buildkit::time;
use crate::progress::event::{
    Event, Log, Position, ProgressGroup, Range, SolveStatus, SourceInfo, Status, Vertex, Warning,
};

/// Silence after a solve's end that counts as the stream's end.
const SILENCE: Duration = Duration::from_secs(5);

/// The same before the first message: a solve that is refused at once has none, but the daemon
/// keeps the stream open while it looks for the job.
const NEVER_BEGAN: Duration = Duration::from_secs(1);

/// Sends a build's events until its stream ends.
///
/// Progress is an extra: if the daemon refuses the stream, the build goes on without.
pub(super) async fn forward(
    client: Client,
    build: String,
    events: mpsc::Sender<Event>,
    solved: CancellationToken,
) {
    let request = wire::StatusRequest {
        r#ref: build.clone(),
    };
    let mut control = client.control();
    let opened = tokio::select! {
        opened = control.status(request) => opened,
        () = after(&solved, NEVER_BEGAN) => return,
    };
    let mut stream = match opened {
        Ok(answer) => answer.into_inner(),
        Err(status) => {
            tracing::debug!(%status, "no status stream");
            return;
        }
    };
    let mut patience = NEVER_BEGAN;
    while let Some(status) = next(&mut stream, &solved, patience).await {
        patience = SILENCE;
        // A receiver that went away wants no more events; the stream is drained regardless.
        let event = Event::Solve {
            reference: build.clone(),
            status: convert(status),
        };
        if events.send(event).await.is_err() {
            tracing::trace!("nobody listens to the build's events");
        }
    }
}

/// Returns the next message; none at the end, on an error, or if a solve that is over was silent
/// for as long as `patience`.
async fn next(
    stream: &mut Streaming<wire::StatusResponse>,
    solved: &CancellationToken,
    patience: Duration,
) -> Option<wire::StatusResponse> {
    tokio::select! {
        message = stream.message() => match message {
            Ok(message) => message,
            Err(status) => {
                tracing::debug!(%status, "status stream ended");
                None
            }
        },
        () = after(solved, patience) => None,
    }
}

/// Waits for a solve's end and then for `time`.
async fn after(solved: &CancellationToken, time: Duration) {
    solved.cancelled().await;
    tokio::time::sleep(time).await;
}

/// Converts one message of the stream.
fn convert(status: wire::StatusResponse) -> SolveStatus {
    SolveStatus {
        vertexes: status.vertexes.into_iter().map(vertex).collect(),
        statuses: status.statuses.into_iter().map(phase).collect(),
        logs: status.logs.into_iter().map(log).collect(),
        warnings: status.warnings.into_iter().map(warning).collect(),
    }
}

fn vertex(vertex: wire::Vertex) -> Vertex {
    Vertex {
        digest: vertex.digest,
        inputs: vertex.inputs,
        name: vertex.name,
        started: vertex.started.and_then(time::from_wire),
        completed: vertex.completed.and_then(time::from_wire),
        cached: vertex.cached,
        error: vertex.error,
        progress_group: vertex.progress_group.map(|group| ProgressGroup {
            id: group.id,
            name: group.name,
            weak: group.weak,
        }),
    }
}

fn phase(status: wire::VertexStatus) -> Status {
    Status {
        id: status.id,
        vertex: status.vertex,
        name: status.name,
        total: status.total,
        current: status.current,
        timestamp: status
            .timestamp
            .and_then(time::from_wire)
            .unwrap_or_default(),
        started: status.started.and_then(time::from_wire),
        completed: status.completed.and_then(time::from_wire),
    }
}

fn log(log: wire::VertexLog) -> Log {
    Log {
        vertex: log.vertex,
        stream: log.stream,
        data: log.msg,
        timestamp: log.timestamp.and_then(time::from_wire).unwrap_or_default(),
    }
}

fn warning(warning: wire::VertexWarning) -> Warning {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Warning {
        vertex: warning.vertex,
        level: warning.level,
        short: text(&warning.short),
        detail: warning.detail.iter().map(|line| text(line)).collect(),
        url: warning.url,
        source: warning.info.map(|info| SourceInfo {
            filename: info.filename,
            data: info.data,
            language: info.language,
        }),
        ranges: warning.ranges.iter().map(range).collect(),
    }
}

fn range(range: &pb::Range) -> Range {
    let position = |position: Option<&pb::Position>| {
        position.map_or_else(Position::default, |position| Position {
            line: position.line,
            character: position.character,
        })
    };
    Range {
        start: position(range.start.as_ref()),
        end: position(range.end.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use buildkit_proto::google::protobuf::Timestamp;

    use super::*;

    #[test]
    fn a_status_message_becomes_plain_data() {
        let at = |seconds| Some(Timestamp { seconds, nanos: 5 });
        let converted = convert(wire::StatusResponse {
            vertexes: vec![wire::Vertex {
                digest: "sha256:aa".into(),
                started: at(1),
                ..wire::Vertex::default()
            }],
            statuses: Vec::new(),
            logs: vec![wire::VertexLog {
                vertex: "sha256:aa".into(),
                timestamp: at(2),
                stream: 2,
                msg: b"\xffraw".to_vec(),
            }],
            warnings: vec![wire::VertexWarning {
                short: b"look".to_vec(),
                ranges: vec![pb::Range {
                    start: Some(pb::Position {
                        line: 3,
                        character: 0,
                    }),
                    end: None,
                }],
                ..wire::VertexWarning::default()
            }],
        });
        let started = converted.vertexes[0].started.unwrap();
        assert_eq!(started.to_string(), "1970-01-01T00:00:01.000000005Z");
        assert_eq!(converted.vertexes[0].completed, None);
        assert_eq!(converted.logs[0].data, b"\xffraw");
        assert_eq!(converted.warnings[0].short, "look");
        assert_eq!(converted.warnings[0].ranges[0].start.line, 3);
    }
}

//! Receives a byte stream: image tarballs and tars.
//!
//! The daemon ends its side after the last byte, and takes the call's success as proof that
//! the output is kept; so the answer waits until it is on disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tonic::Status;

use super::failures::Failures;
use super::file::{Output, OutputError};

/// How many messages wait for the disk.
const WAITING: usize = 4;

/// The raw answers to a call.
pub(super) type Answers = mpsc::Receiver<Result<Bytes, Status>>;

/// The raw messages of a call.
pub(super) trait Inbound:
    Stream<Item = Result<Bytes, Status>> + Send + Unpin + 'static
{
}

impl<S: Stream<Item = Result<Bytes, Status>> + Send + Unpin + 'static> Inbound for S {}

/// BuildKit's `BytesMessage`, with its data shared instead of copied.
#[derive(Clone, PartialEq, Message)]
struct Piece {
    #[prost(bytes = "bytes", tag = "1")]
    data: Bytes,
}

/// Receives a stream into a file.
pub(super) fn to_file(path: PathBuf, inbound: impl Inbound, failures: Failures) -> Answers {
    receive(inbound, failures, move |pieces| {
        write(pieces, Output::create(&path)?, &path)
    })
}

/// Receives a stream into a writer.
pub(super) fn to_writer(
    writer: Box<dyn Write + Send>,
    inbound: impl Inbound,
    failures: Failures,
) -> Answers {
    receive(inbound, failures, move |pieces| {
        write(pieces, Output::through(writer), Path::new("-"))
    })
}

/// Runs `write` on a thread of its own; keeps its output when the stream ended well.
fn receive(
    mut inbound: impl Inbound,
    failures: Failures,
    write: impl FnOnce(mpsc::Receiver<Bytes>) -> Result<Output, OutputError> + Send + 'static,
) -> Answers {
    let (answer, answers) = mpsc::channel(1);
    tokio::spawn(async move {
        let (pieces, queue) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || write(queue));
        let sent = tokio::select! {
            sent = forward(&mut inbound, pieces) => sent,
            // The caller is gone: what was written goes away with the output.
            () = answer.closed() => return,
        };
        let kept = async {
            let output = writer.await.map_err(|error| failures.note(&error))?;
            // A writer that failed stopped the forwarding: its reason is the better one.
            let output = output.map_err(|error| failures.note(&error))?;
            sent?;
            let keep = tokio::task::spawn_blocking(move || output.keep());
            let kept = keep.await.map_err(|error| failures.note(&error))?;
            kept.map_err(|error| failures.note(&error))
        };
        if let Err(status) = kept.await {
            // If the caller is gone nobody is left to tell.
            answer.send(Err(status)).await.ok();
        }
    });
    answers
}

/// Passes the pieces on to the writer until the stream ends or the writer does.
async fn forward(inbound: &mut impl Inbound, pieces: mpsc::Sender<Bytes>) -> Result<(), Status> {
    loop {
        let message = tokio::select! {
            message = inbound.next() => message,
            // The writer has failed: the daemon need not send the rest.
            () = pieces.closed() => return Ok(()),
        };
        let Some(message) = message else {
            return Ok(());
        };
        let message = message?;
        let is_empty = message.is_empty();
        let piece = Piece::decode(message)
            .ok()
            .filter(|piece| is_empty || !piece.data.is_empty())
            .ok_or_else(|| Status::invalid_argument("the exporter sends no byte stream"))?;
        if pieces.send(piece.data).await.is_err() {
            return Ok(());
        }
    }
}

fn write(
    mut pieces: mpsc::Receiver<Bytes>,
    mut output: Output,
    path: &Path,
) -> Result<Output, OutputError> {
    let writer = output.writer();
    let mut write_all = || {
        while let Some(piece) = pieces.blocking_recv() {
            writer.write_all(&piece)?;
        }
        writer.flush()
    };
    write_all().map_err(|source| OutputError::Write {
        path: path.into(),
        source,
    })?;
    Ok(output)
}

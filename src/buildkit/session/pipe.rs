//! The byte pipe inside `Control.Session`.
//!
//! The stream of `BytesMessage`s carries HTTP/2, with the daemon as its client. The pipe gives
//! the server one end of an in-memory stream and pumps the other: whatever HTTP/2 has written by
//! the time the request stream is ready goes out as one message, so a large transfer costs a
//! message per quarter megabyte rather than one per frame.
//!
//! A message is never empty: buildkitd would take an empty one for whatever it received last.
//!
//! Source: BuildKit `session/grpchijack/{dial,hijack}.go`.

use std::io;

use buildkit_proto::moby::buildkit::v1::BytesMessage;
use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio_util::io::ReaderStream;
use tonic::{Status, Streaming};

/// Bytes that may wait in either direction.
const CAPACITY: usize = 1 << 20;

/// Largest message sent.
const MESSAGE: usize = 256 << 10;

/// Returns the server's end, and the pump's end split in what goes out and what comes in.
pub(super) fn open() -> (
    DuplexStream,
    ReadHalf<DuplexStream>,
    WriteHalf<DuplexStream>,
) {
    let (server, pump) = tokio::io::duplex(CAPACITY);
    let (outgoing, incoming) = tokio::io::split(pump);
    (server, outgoing, incoming)
}

/// Returns what the server writes as messages; it ends when the server's end is dropped.
pub(super) fn messages(
    outgoing: ReadHalf<DuplexStream>,
) -> impl Stream<Item = BytesMessage> + Send + 'static {
    ReaderStream::with_capacity(outgoing, MESSAGE).filter_map(|read| {
        // An in-memory stream cannot fail to be read.
        std::future::ready(read.ok().map(|data| BytesMessage { data: data.into() }))
    })
}

/// Writes what the daemon sends until it stops, and returns why it did.
pub(super) async fn receive(
    mut messages: Streaming<BytesMessage>,
    mut incoming: WriteHalf<DuplexStream>,
) -> Result<(), Status> {
    while let Some(message) = messages.message().await? {
        let written: io::Result<()> = incoming.write_all(&message.data).await;
        written.map_err(|error| Status::from_error(error.into()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn writes_are_gathered_and_never_empty() {
        let (mut server, outgoing, _incoming) = open();
        for chunk in [&b"one"[..], b"", b"two"] {
            server.write_all(chunk).await.unwrap();
            server.flush().await.unwrap();
        }
        drop(server);
        let sent: Vec<_> = messages(outgoing)
            .map(|message| message.data)
            .collect()
            .await;
        assert_eq!(sent, [b"onetwo".to_vec()]);
    }
}

//! `Read`: a range of a blob as a stream of pieces.
//!
//! A blob is opened when the daemon asks for it and read by a thread of its own that stays a few
//! pieces ahead of the wire. A daemon that stops listening stops the thread.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{blocking, refusal};
use crate::buildkit::proto::content as wire;
use crate::content::BlobSource;

/// Length of a piece: large enough that per-message work does not show.
const PIECE: u64 = 1 << 20;

/// Pieces read ahead of the wire.
const AHEAD: usize = 4;

type Piece = Result<wire::ReadContentResponse, Status>;

/// Opens a blob and streams the range that is asked for.
///
/// # Errors
/// The source does not hold the blob or cannot open it, or the range is not within it.
pub(super) async fn stream(
    source: Arc<dyn BlobSource>,
    asked: wire::ReadContentRequest,
) -> Result<impl Stream<Item = Piece> + Send, Status> {
    let offset = u64::try_from(asked.offset)
        .map_err(|_| Status::invalid_argument("a read cannot start before the blob"))?;
    let digest = asked.digest;
    let opened = blocking(move || {
        let missing = || {
            io::Error::new(
                io::ErrorKind::NotFound,
                format!("blob {digest} is not held"),
            )
        };
        let size = source.size(&digest)?.ok_or_else(missing)?;
        let reader = source
            .open(&digest, offset.min(size))?
            .ok_or_else(missing)?;
        Ok((size, reader))
    });
    let (size, reader) = opened.await?;
    let rest = size
        .checked_sub(offset)
        .ok_or_else(|| Status::out_of_range(format!("the blob has only {size} bytes")))?;
    let length = match u64::try_from(asked.size) {
        Ok(length) if length > 0 => length.min(rest),
        _ => rest,
    };
    let (pieces, stream) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || send(reader, offset, length, &pieces));
    Ok(ReceiverStream::new(stream))
}

/// Sends `length` bytes of `reader`, which stands at `offset`.
fn send(mut reader: Box<dyn Read + Send>, offset: u64, length: u64, pieces: &mpsc::Sender<Piece>) {
    let mut sent = 0;
    while sent < length {
        let piece = read_piece(&mut reader, PIECE.min(length - sent));
        let (message, more) = match piece {
            Ok(data) => {
                let at = i64::try_from(offset + sent).unwrap_or(i64::MAX);
                sent += data.len() as u64;
                (Ok(wire::ReadContentResponse { offset: at, data }), true)
            }
            Err(error) => (Err(refusal(&error)), false),
        };
        if pieces.blocking_send(message).is_err() || !more {
            return;
        }
    }
}

fn read_piece(reader: &mut dyn Read, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let mut data = vec![0; length];
    reader.read_exact(&mut data)?;
    Ok(data.into())
}

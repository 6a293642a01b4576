//! One connection of a step to an agent, request by request.
//!
//! In the agent protocol (draft-ietf-sshm-ssh-agent) both sides send frames of a length and a
//! type, and every request has one reply. Requests to list keys and to sign are passed on;
//! all others, which would change the agent or reach other parts of it, are answered with
//! failure and never leave this side.

use std::io;

use buildkit_proto::moby::sshforward::v1::BytesMessage;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt};
use tokio_util::io::StreamReader;
use tonic::Status;

const FAILURE: u8 = 5;
const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
/// The longest frame: what OpenSSH's agent takes.
const LONGEST: u32 = 256 << 10;
/// The longest message, as BuildKit sends them.
const PIECE: usize = 32 << 10;

/// Starts to forward requests, and returns the replies; dropping them ends it.
pub(super) fn forward(
    agent: UnixStream,
    requests: impl Stream<Item = Result<BytesMessage, Status>> + Send + Unpin + 'static,
) -> mpsc::Receiver<Result<BytesMessage, Status>> {
    let (replies, answers) = mpsc::channel(4);
    tokio::spawn(async move {
        let ended = tokio::select! {
            ended = run(agent, requests, &replies) => ended,
            () = replies.closed() => return,
        };
        if let Err(error) = ended {
            let status = Status::unavailable(format!("the ssh agent's connection broke: {error}"));
            // If the step is gone nobody is left to tell.
            replies.send(Err(status)).await.ok();
        }
    });
    answers
}

async fn run(
    mut agent: UnixStream,
    requests: impl Stream<Item = Result<BytesMessage, Status>> + Unpin,
    replies: &mpsc::Sender<Result<BytesMessage, Status>>,
) -> io::Result<()> {
    let requests = requests.map(|message| {
        let data = message.map(|message| io::Cursor::new(message.data));
        data.map_err(io::Error::other)
    });
    let mut requests = StreamReader::new(requests);
    while let Some(request) = frame(&mut requests).await? {
        let reply = match request.first() {
            Some(&(REQUEST_IDENTITIES | SIGN_REQUEST)) => {
                agent.write_all(&framed(&request)).await?;
                let reply = frame(&mut agent).await?;
                reply.ok_or(io::ErrorKind::UnexpectedEof)?
            }
            refused => {
                tracing::debug!(?refused, "request to the ssh agent refused");
                vec![FAILURE]
            }
        };
        for piece in framed(&reply).chunks(PIECE) {
            let message = BytesMessage {
                data: piece.to_vec(),
            };
            if replies.send(Ok(message)).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Reads a frame without its length; `None` if the stream ends before one.
async fn frame(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> io::Result<Option<Vec<u8>>> {
    let length = match stream.read_u32().await {
        Ok(length) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    if length == 0 || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut frame = Vec::new();
    stream.take(length.into()).read_to_end(&mut frame).await?;
    if frame.len() as u64 != u64::from(length) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

/// Returns a frame with its length.
fn framed(frame: &[u8]) -> Vec<u8> {
    // Frames come from `frame`, or are one byte.
    let length = u32::try_from(frame.len()).unwrap_or(LONGEST);
    [&length.to_be_bytes()[..], frame].concat()
}

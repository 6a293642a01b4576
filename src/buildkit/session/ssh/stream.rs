//! One connection of a step to a service of this process.

use std::io;
use std::sync::Arc;

use buildkit_proto::moby::sshforward::v1::BytesMessage;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _};
use tonic::Status;

/// The longest message, as BuildKit sends them.
const PIECE: usize = 32 << 10;

/// Bytes on their way in one direction.
const BUFFER: usize = 1 << 20;

/// This side of a connection.
pub type HandlerStream = DuplexStream;

/// A service that steps connect to.
#[tonic::async_trait]
pub trait StreamHandler: Send + Sync + 'static {
    /// Serves one connection to its end.
    async fn serve(&self, stream: HandlerStream);
}

/// Starts to serve a connection, and returns what the service says; dropping it ends both.
pub(super) fn forward(
    handler: Arc<dyn StreamHandler>,
    mut requests: impl Stream<Item = Result<BytesMessage, Status>> + Send + Unpin + 'static,
) -> mpsc::Receiver<Result<BytesMessage, Status>> {
    let (replies, answers) = mpsc::channel(8);
    let (near, far) = tokio::io::duplex(BUFFER);
    tokio::spawn(async move { handler.serve(far).await });
    let (mut output, mut input) = tokio::io::split(near);
    tokio::spawn(async move {
        while let Some(Ok(message)) = requests.next().await {
            if input.write_all(&message.data).await.is_err() {
                return;
            }
        }
        // The service sees the end of the stream; if it is gone there is nobody to see it.
        input.shutdown().await.ok();
    });
    tokio::spawn(async move {
        let copied = tokio::select! {
            copied = copy(&mut output, &replies) => copied,
            () = replies.closed() => return,
        };
        if let Err(error) = copied {
            tracing::debug!(%error, "a step's connection to this process broke");
        }
    });
    answers
}

async fn copy(
    output: &mut (impl tokio::io::AsyncRead + Unpin),
    replies: &mpsc::Sender<Result<BytesMessage, Status>>,
) -> io::Result<()> {
    loop {
        let mut data = Vec::with_capacity(PIECE);
        // No more than a message takes: the buffer does not grow.
        if output.take(PIECE as u64).read_buf(&mut data).await? == 0 {
            return Ok(());
        }
        if replies.send(Ok(BytesMessage { data })).await.is_err() {
            return Ok(());
        }
    }
}

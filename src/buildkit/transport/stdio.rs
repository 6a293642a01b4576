//! The standard streams of a frontend: pipes to the daemon that started it.

use std::io;
use std::os::fd::AsFd;

use tokio::io::{AsyncRead, AsyncWrite, Join, join};
use tokio::net::unix::pipe;

/// Returns standard input and output as one stream.
pub(super) fn streams() -> io::Result<Join<impl AsyncRead + Unpin, impl AsyncWrite + Unpin>> {
    let input = io::stdin().as_fd().try_clone_to_owned()?;
    let output = io::stdout().as_fd().try_clone_to_owned()?;
    let input = pipe::Receiver::from_owned_fd(input)?;
    Ok(join(input, pipe::Sender::from_owned_fd(output)?))
}

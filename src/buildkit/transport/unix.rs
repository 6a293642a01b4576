//! `unix://`: a socket on this machine.

use std::io;
use std::path::Path;

use tokio::net::UnixStream;

/// Connects to the socket at `path`.
pub(super) async fn dial(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await
}

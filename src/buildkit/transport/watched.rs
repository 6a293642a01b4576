//! A byte stream that remembers its end.
//!
//! gRPC reports a broken connection as any of half a dozen status codes. Whether the connection
//! is gone is instead observed where it happens: at the end of the bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// Why a connection ended; none while it lives.
pub(super) type End = Option<Arc<str>>;

/// Wraps a stream and tells its end.
pub(super) struct Watched<T> {
    inner: T,
    end: watch::Sender<End>,
}

impl<T> Watched<T> {
    /// Wraps `inner`; the receiver sees why it ended.
    pub(super) fn new(inner: T) -> (Self, watch::Receiver<End>) {
        let (end, seen) = watch::channel(None);
        (Self { inner, end }, seen)
    }

    fn ended(&self, why: &str) {
        self.end.send_if_modified(|end| {
            let first = end.is_none();
            if first {
                *end = Some(why.into());
            }
            first
        });
    }

    fn note<V>(&self, result: io::Result<V>) -> io::Result<V> {
        if let Err(error) = &result {
            self.ended(&error.to_string());
        }
        result
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        self.ended("the connection was closed");
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = (buf.filled().len(), buf.remaining());
        let result = ready!(Pin::new(&mut self.inner).poll_read(cx, buf));
        if result.is_ok() && before.1 > 0 && buf.filled().len() == before.0 {
            self.ended("the daemon closed the connection");
        }
        Poll::Ready(self.note(result))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write(cx, buf));
        Poll::Ready(self.note(result))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(Pin::new(&mut self.inner).poll_flush(cx));
        Poll::Ready(self.note(result))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(Pin::new(&mut self.inner).poll_write_vectored(cx, bufs));
        Poll::Ready(self.note(result))
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_peers_close_is_the_end_that_is_told() {
        let (near, far) = tokio::io::duplex(16);
        let (mut watched, seen) = Watched::new(near);
        assert_eq!(*seen.borrow(), None);
        drop(far);
        assert_eq!(watched.read(&mut [0; 4]).await.unwrap(), 0);
        drop(watched);
        assert_eq!(
            seen.borrow().as_deref(),
            Some("the daemon closed the connection")
        );
    }
}

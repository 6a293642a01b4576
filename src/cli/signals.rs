//! Ctrl-C and polite kills: the first ends the build, the second this process.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use futures_util::stream::{poll_fn, select_all};
use futures_util::{Stream, StreamExt as _};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::settings;
use crate::error::{EXIT_CANCELLED, Error, Kind};

/// How long threads that are still at work are waited for when all else has ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows the cursor, which the display hides while it draws.
const SHOW_CURSOR: &[u8] = b"\x1b[?25h";

/// A runtime whose work signals cancel.
pub(super) struct Cancellable {
    runtime: Runtime,
    cancel: CancellationToken,
}

impl Cancellable {
    pub(super) fn new() -> Result<Self, Error> {
        let runtime = settings::runtime()?;
        let inside = runtime.enter();
        let cancel = cancelled_by_signals();
        drop(inside);
        Ok(Self { runtime, cancel })
    }

    /// Does `work`, which is to end soon once its token is cancelled; `say` then tells what came of
    /// it. During that any signal ends the process: who is told may not listen.
    pub(super) fn run<T, U>(
        self,
        work: impl AsyncFnOnce(&CancellationToken) -> T,
        say: impl FnOnce(T) -> U,
    ) -> U {
        let done = self.runtime.block_on(work(&self.cancel));
        // Nothing heeds it any more, and the next signal is to be the second one.
        self.cancel.cancel();
        let said = say(done);
        // A thread that writes to a pager cannot be cancelled.
        self.runtime.shutdown_timeout(PATIENCE);
        said
    }
}

/// Returns a token that Ctrl-C and a polite kill cancel; a second one of either ends the process.
pub(super) fn cancelled_by_signals() -> CancellationToken {
    let cancel = CancellationToken::new();
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    // Without a handler the signal ends the process, which also ends the build.
    let signals = kinds.into_iter().filter_map(|kind| signal(kind).ok());
    let signals = signals.map(|mut signal| poll_fn(move |context| signal.poll_recv(context)));
    tokio::spawn(obey(select_all(signals), cancel.clone(), end));
    cancel
}

/// Cancels at the first signal; has one that comes after a cancellation end all.
async fn obey(
    mut signals: impl Stream<Item = ()> + Unpin,
    cancel: CancellationToken,
    end: impl FnOnce(),
) {
    while signals.next().await.is_some() {
        if cancel.is_cancelled() {
            return end();
        }
        cancel.cancel();
    }
}

fn end() {
    let terminal = io::stderr();
    if terminal.is_terminal() {
        // Not by way of its lock: the display may wait for the terminal and hold it.
        let _ = rustix::io::write(&terminal, SHOW_CURSOR);
    }
    std::process::exit(i32::from(EXIT_CANCELLED));
}

/// Does what may be left half done; a cancellation is an error at once.
pub(super) async fn unless_cancelled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Error::new(Kind::Cancelled, "cancelled")),
        done = work => done,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures_util::stream;

    use super::*;

    /// Returns whether signals of two kinds cancel, and whether they end the process.
    async fn came_of(interrupts: usize, terminations: usize) -> (bool, bool) {
        let kinds = [interrupts, terminations];
        let signals = kinds.map(|count| stream::iter(vec![(); count]));
        let (cancel, ended) = (CancellationToken::new(), Cell::new(false));
        obey(select_all(signals), cancel.clone(), || ended.set(true)).await;
        (cancel.is_cancelled(), ended.get())
    }

    #[tokio::test]
    async fn a_second_signal_of_either_kind_ends_the_process() {
        assert_eq!(came_of(0, 0).await, (false, false));
        assert_eq!(came_of(1, 0).await, (true, false));
        assert_eq!(came_of(0, 2).await, (true, true));
        assert_eq!(came_of(1, 1).await, (true, true));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_left() {
        let cancel = CancellationToken::new();
        let done = unless_cancelled(&cancel, async { Ok(1) }).await;
        assert_eq!(done.unwrap(), 1);
        let cancelling = cancel.clone();
        let work = async {
            cancelling.cancel();
            std::future::pending::<Result<(), Error>>().await
        };
        let error = unless_cancelled(&cancel, work).await.unwrap_err();
        assert_eq!(error.kind, Kind::Cancelled);
    }
}

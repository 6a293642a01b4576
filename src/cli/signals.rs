//! Ctrl-C and polite kills: the first ends the build, the second this process.

use tokio_util::sync::CancellationToken;

/// Returns a token that Ctrl-C and a polite kill cancel; a second one ends the process.
pub(super) fn cancelled_by_signals() -> CancellationToken {
    use tokio::signal::unix::{SignalKind, signal};
    let cancel = CancellationToken::new();
    for kind in [SignalKind::interrupt(), SignalKind::terminate()] {
        let cancel = cancel.clone();
        // Without a handler the signal ends the process, which also ends the build.
        let Ok(mut signals) = signal(kind) else {
            continue;
        };
        tokio::spawn(async move {
            signals.recv().await;
            cancel.cancel();
            signals.recv().await;
            std::process::exit(i32::from(crate::error::EXIT_CANCELLED));
        });
    }
    cancel
}

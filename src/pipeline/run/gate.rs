//! Holds solves that ignore the cache until all of them have built everything.
//!
//! The daemon lets such a solve share a vertex with another only while both are running. One that
//! ended early would have the next build the common steps once more.

use tokio::sync::watch;

/// A gate that opens once every solve has come to it.
#[derive(Debug)]
pub(super) struct Gate {
    /// How many have not come yet.
    missing: watch::Sender<usize>,
}

impl Gate {
    /// Returns the gate of so many solves; it is open already unless it is `needed`.
    pub(super) fn new(solves: usize, needed: bool) -> Self {
        Self {
            missing: watch::Sender::new(if needed { solves } else { 0 }),
        }
    }

    /// Comes to the gate and waits for the others.
    pub(super) async fn pass(&self) {
        self.missing
            .send_modify(|missing| *missing = missing.saturating_sub(1));
        self.opened().await;
    }

    /// Waits until all have come.
    pub(super) async fn opened(&self) {
        let mut missing = self.missing.subscribe();
        // The sender lives as long as the gate, so this cannot fail.
        let _ = missing.wait_for(|missing| *missing == 0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_opens_with_the_last_one() {
        let gate = Gate::new(2, true);
        let mut first = std::pin::pin!(gate.pass());
        let mut watcher = std::pin::pin!(gate.opened());
        assert!(futures_util::poll!(first.as_mut()).is_pending());
        assert!(futures_util::poll!(watcher.as_mut()).is_pending());
        gate.pass().await;
        first.await;
        watcher.await;
        Gate::new(2, false).pass().await;
    }
}

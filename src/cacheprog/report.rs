//! What a run did, for people and programs.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::core::Core;
use super::gocache::collect::Collected;
use super::gocache::tidy::Removed;
use super::ledger::Hits;

/// What went to and came from a remote. Counted by several threads.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    round_trips: AtomicU64,
    packs: AtomicU64,
    read: AtomicU64,
    written: AtomicU64,
    has_failed: AtomicBool,
}

impl Traffic {
    /// Something was asked that waited for the answer to what was asked before.
    pub(super) fn round_trip(&self) {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
    }

    /// A pack begins to arrive.
    pub(super) fn pack_read(&self) {
        self.packs.fetch_add(1, Ordering::Relaxed);
    }

    /// Bytes of packs arrived.
    pub(super) fn read(&self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Bytes of packs are sent.
    pub(super) fn wrote(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The remote is of no use; that is said once.
    pub(super) fn failed(&self, core: &Core, reason: &str) {
        let warning = format!("gobuild cacheprog: building without the remote cache: {reason}");
        if !self.has_failed.swap(true, Ordering::Relaxed) {
            core.say(&warning);
        }
        core.ledger().warn(warning);
    }
}

/// The report of a run.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// What was built.
    pub scope: String,
    /// Lookups that were answered.
    pub gets: u64,
    /// Lookups that no tier could answer.
    pub misses: u64,
    /// Hits of the tier that is written.
    pub local: Hits,
    /// Hits of each seed that could be opened.
    pub seeds: Vec<Hits>,
    /// Hits of entries that the remote's index named.
    pub remote: Hits,
    /// Hits of the client's own cache, through a relay.
    pub host: Hits,
    /// What was stored.
    pub puts: Hits,
    /// What could not be stored.
    pub failed_puts: u64,
    /// Outputs, packs and indexes that were not what they claimed to be.
    pub dropped: u64,
    /// What the remote was asked.
    pub traffic: TrafficReport,
    /// What was collected.
    pub collected: Collected,
    /// What was removed from the local tier.
    pub removed: Removed,
    /// What went wrong without harm to the build.
    pub warnings: Vec<String>,
}

/// What went to and came from the remote.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct TrafficReport {
    /// Requests to a store; none to a relay, which counts its own.
    pub requests: u64,
    /// Waits for an answer, one after the other.
    pub round_trips: u64,
    /// Packs that were read.
    pub packs: u64,
    /// Their bytes, as far as they were read.
    pub read: u64,
    /// Bytes of packs that were written.
    pub written: u64,
    /// Whether the remote has a new index.
    pub published: bool,
}

impl Report {
    /// Sums a run up.
    pub(super) fn of(core: &Core, scope: &str, traffic: &Traffic) -> Self {
        let ledger = core.ledger();
        Self {
            version: 1,
            scope: scope.to_owned(),
            gets: ledger.gets,
            misses: ledger.misses,
            local: ledger.local,
            seeds: ledger.seeds.clone(),
            remote: ledger.remote,
            host: ledger.host,
            puts: ledger.puts,
            failed_puts: ledger.failed_puts,
            dropped: ledger.dropped,
            traffic: TrafficReport {
                requests: 0,
                round_trips: traffic.round_trips.load(Ordering::Relaxed),
                packs: traffic.packs.load(Ordering::Relaxed),
                read: traffic.read.load(Ordering::Relaxed),
                written: traffic.written.load(Ordering::Relaxed),
                published: false,
            },
            collected: Collected::default(),
            removed: Removed::default(),
            warnings: ledger.warnings.clone(),
        }
    }

    /// Returns one line for people.
    #[must_use]
    pub fn summary(&self) -> String {
        let seeds = self.seeds.iter().map(|hits| hits.entries).sum::<u64>();
        format!(
            "gobuild cacheprog: {} gets: {} local, {seeds} seed, {} remote, {} host, {} missed; \
             {} puts ({}); remote: {} round trips, {} read, {} written{}",
            self.gets,
            self.local.entries,
            self.remote.entries,
            self.host.entries,
            self.misses,
            self.puts.entries,
            size(self.puts.bytes),
            self.traffic.round_trips,
            size(self.traffic.read),
            size(self.traffic.written),
            if self.dropped > 0 {
                format!(", {} dropped", self.dropped)
            } else {
                String::new()
            },
        )
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

//! What a run used, in the order of first use, and how often which tier had it.

use std::collections::HashMap;

use super::gocache::entry::Entry;
use super::id::Id;

/// Most warnings that a report repeats.
const MAX_WARNINGS: usize = 20;

/// Where an output is: 0 is the local tier, others are seeds, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) usize);

/// The tier that is written.
pub(super) const LOCAL: Place = Place(0);

/// Where an entry came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The local tier had it, or a seed.
    Tier(Place),
    /// The remote's index named it.
    Remote(Place),
    /// The relay looked it up in the client's own cache.
    Host,
    /// This run made it.
    Put,
}

impl Origin {
    /// Returns where the output is.
    pub(super) fn place(self) -> Place {
        match self {
            Self::Tier(place) | Self::Remote(place) => place,
            Self::Host | Self::Put => LOCAL,
        }
    }
}

/// A used entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) action: Id,
    pub(super) entry: Entry,
    pub(super) origin: Origin,
}

/// Hits of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Hits {
    /// Answers.
    pub entries: u64,
    /// Bytes of the outputs that were named.
    pub bytes: u64,
}

impl Hits {
    fn add(&mut self, bytes: u64) {
        self.entries += 1;
        self.bytes += bytes;
    }
}

/// Everything that is remembered of a run.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    uses: Vec<Use>,
    seen: HashMap<Id, usize>,
    pub(super) gets: u64,
    pub(super) misses: u64,
    pub(super) local: Hits,
    pub(super) seeds: Vec<Hits>,
    pub(super) remote: Hits,
    pub(super) host: Hits,
    pub(super) puts: Hits,
    pub(super) failed_puts: u64,
    pub(super) dropped: u64,
    pub(super) warnings: Vec<String>,
}

impl Ledger {
    pub(super) fn new(seeds: usize) -> Self {
        Self {
            uses: Vec::with_capacity(4096),
            seen: HashMap::with_capacity(4096),
            seeds: vec![Hits::default(); seeds],
            ..Self::default()
        }
    }

    /// Notes a hit or a put.
    pub(super) fn note(&mut self, used: Use) {
        let size = used.entry.size;
        match used.origin {
            Origin::Tier(LOCAL) => self.local.add(size),
            Origin::Tier(Place(seed)) => {
                if let Some(hits) = self.seeds.get_mut(seed - 1) {
                    hits.add(size);
                }
            }
            Origin::Remote(_) => self.remote.add(size),
            Origin::Host => self.host.add(size),
            Origin::Put => self.puts.add(size),
        }
        match self.seen.get(&used.action) {
            Some(&known) if self.uses[known].entry.output == used.entry.output => {}
            // A later put of an action counts.
            Some(&known) => self.uses[known] = used,
            None => {
                self.seen.insert(used.action, self.uses.len());
                self.uses.push(used);
            }
        }
    }

    /// Returns what was used.
    pub(super) fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// Notes something that went wrong without harm to the build.
    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(warning);
        }
    }
}

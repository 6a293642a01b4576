//! The tiers, what is known of the remote, and the way back to `go`.
//!
//! The thread that reads requests answers them itself as long as it can; threads that unpack
//! what a remote sent answer those that had to wait. No two locks are held at once.

use std::collections::HashSet;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::arrivals::{Answer, Arrivals, Named, Resolved};
use super::gocache::entry::Entry;
use super::gocache::{Access, Tier, TierError};
use super::id::Id;
use super::ledger::{LOCAL, Ledger, Origin, Place, Use};
use super::pack::{Index, IndexEntry};
use super::protocol::response;

/// A read-only tier.
#[derive(Debug)]
pub(super) struct Seed {
    pub(super) tier: Tier,
    /// Its entries need not be sent to the remote store: they travel otherwise.
    pub(super) is_shipped: bool,
}

/// Asks a host cache for actions; the answers come later.
pub(super) type Ask = Box<dyn Fn(&[Id]) + Send>;

/// What all threads of a run share.
pub(super) struct Core {
    pub(super) local: Tier,
    pub(super) seeds: Vec<Seed>,
    ledger: Mutex<Ledger>,
    arrivals: Mutex<Arrivals>,
    output: Mutex<Box<dyn Write + Send>>,
    say: fn(&str),
    /// Asks the host cache for actions.
    questions: Mutex<Option<Ask>>,
}

impl Core {
    /// Opens the tiers.
    ///
    /// # Errors
    /// The local tier cannot be used. A seed that cannot is only noted: it costs hits.
    pub(super) fn open(
        local: &std::path::Path,
        seeds: &[(std::path::PathBuf, bool)],
        has_remote: bool,
        output: Box<dyn Write + Send>,
        say: fn(&str),
    ) -> Result<Self, TierError> {
        let local = Tier::open(local, Access::Write)?;
        let mut opened = Vec::new();
        let mut warnings = Vec::new();
        for (path, is_shipped) in seeds {
            match Tier::open(path, Access::Read) {
                Ok(tier) => opened.push(Seed {
                    tier,
                    is_shipped: *is_shipped,
                }),
                Err(error) => warnings.push(said(&error)),
            }
        }
        let mut ledger = Ledger::new(opened.len());
        warnings.into_iter().for_each(|text| ledger.warn(text));
        Ok(Self {
            local,
            seeds: opened,
            ledger: Mutex::new(ledger),
            arrivals: Mutex::new(Arrivals::new(has_remote)),
            output: Mutex::new(output),
            say,
            questions: Mutex::new(None),
        })
    }

    /// Returns what is remembered of the run.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Returns a tier.
    pub(super) fn tier(&self, place: Place) -> &Tier {
        let seed = place.0.checked_sub(1).and_then(|seed| self.seeds.get(seed));
        seed.map_or(&self.local, |seed| &seed.tier)
    }

    /// Tells people something, beside the answers.
    pub(super) fn say(&self, text: &str) {
        (self.say)(text);
    }

    /// Sends answers to `go`.
    ///
    /// # Errors
    /// Nobody reads them.
    pub(super) fn send(&self, answers: &[u8]) -> io::Result<()> {
        let mut output = lock(&self.output);
        output.write_all(answers)?;
        output.flush()
    }

    /// Answers a `get`, or lets it wait.
    pub(super) fn get(&self, id: i64, action: Id, out: &mut Vec<u8>) {
        let found = self.local.find(&action).map(|entry| (entry, LOCAL));
        let found = found.or_else(|| {
            let mut seeds = self.seeds.iter().enumerate();
            seeds.find_map(|(n, seed)| Some((seed.tier.find(&action)?, Place(n + 1))))
        });
        if let Some((entry, place)) = found {
            let origin = Origin::Tier(place);
            return self.hit(id, action, entry, origin, out);
        }
        let (answer, questions) = {
            let mut arrivals = lock(&self.arrivals);
            (arrivals.ask(id, action), arrivals.questions())
        };
        if let Some(answer) = answer {
            self.answer((id, action, answer), out);
        }
        self.ask_host(&questions);
    }

    fn hit(&self, id: i64, action: Id, entry: Entry, origin: Origin, out: &mut Vec<u8>) {
        let tier = self.tier(origin.place());
        response::hit(out, id, &entry, |out| tier.quote(&entry.output, out));
        let mut ledger = self.ledger();
        ledger.gets += 1;
        ledger.note(Use {
            action,
            entry,
            origin,
        });
    }

    fn answer(&self, (id, action, answer): Resolved, out: &mut Vec<u8>) {
        match answer {
            Answer::Hit {
                output,
                size,
                origin,
            } => {
                let time = Tier::time();
                let entry = Entry { output, size, time };
                self.hit(id, action, entry, origin, out);
                // The next run finds it without asking; nobody waits for that.
                if origin.place() == LOCAL {
                    let _ = self.local.record(&action, &entry);
                }
            }
            Answer::Miss => {
                response::miss(out, id);
                let mut ledger = self.ledger();
                ledger.gets += 1;
                ledger.misses += 1;
            }
        }
    }

    /// Answers requests that waited.
    fn settle(&self, change: impl FnOnce(&mut Arrivals) -> Vec<Resolved>) {
        let (resolved, questions) = {
            let mut arrivals = lock(&self.arrivals);
            (change(&mut arrivals), arrivals.questions())
        };
        if !resolved.is_empty() {
            let mut out = Vec::with_capacity(512 * resolved.len());
            for resolved in resolved {
                self.answer(resolved, &mut out);
            }
            // If `go` has gone, the reading thread notices.
            let _ = self.send(&out);
        }
        self.ask_host(&questions);
    }

    fn ask_host(&self, questions: &[Id]) {
        if questions.is_empty() {
            return;
        }
        if let Some(ask) = &*lock(&self.questions) {
            ask(questions);
        }
    }

    /// Takes what a remote says it has; returns the outputs that are missing here, per pack.
    pub(super) fn known(&self, index: &Index, host: Option<Ask>) -> Vec<Vec<Id>> {
        let mut missing = vec![Vec::new(); index.packs.len()];
        let mut seen = HashSet::new();
        let name = |entry: &IndexEntry| {
            let place = self.place(&entry.output, entry.size);
            if place.is_none() && seen.insert(entry.output) {
                missing[usize::from(entry.pack)].push(entry.output);
            }
            Named {
                action: entry.action,
                output: entry.output,
                size: entry.size,
                place,
            }
        };
        let named: Vec<Named> = index.entries.iter().map(name).collect();
        let has_host = host.is_some();
        *lock(&self.questions) = host;
        self.settle(|arrivals| arrivals.known(named, has_host));
        missing
    }

    /// Returns which tier has an output.
    fn place(&self, output: &Id, size: u64) -> Option<Place> {
        let count = self.seeds.len() + 1;
        let mut places = (0..count).map(Place);
        places.find(|place| self.tier(*place).has(output, size))
    }

    /// Takes an output that a pack holds; checks it. One that is wrong or that nobody awaits is
    /// dropped.
    pub(super) fn land(&self, output: Id, body: &[u8]) {
        let wanted = lock(&self.arrivals).wanted(&output);
        let Some(size) = wanted else {
            return;
        };
        let landed = if size == body.len() as u64 {
            self.local.land(output, body)
        } else {
            Err(io::Error::other("an output has not its length"))
        };
        match landed {
            Ok(()) => self.settle(|arrivals| arrivals.landed(output, LOCAL)),
            Err(error) => {
                self.drop_output(&format!("output {output} was dropped: {error}"));
                self.settle(|arrivals| arrivals.lost([&output]));
            }
        }
    }

    /// Counts an output or a pack that is not used. The first one is said.
    pub(super) fn drop_output(&self, warning: &str) {
        let is_first = {
            let mut ledger = self.ledger();
            ledger.dropped += 1;
            ledger.warn(warning.to_owned());
            ledger.dropped == 1
        };
        if is_first {
            let text = "compiling anew what the remote cache should have had";
            self.say(&format!("gobuild cacheprog: {text}: {warning}"));
        }
    }

    /// Counts an output that `go` made and that could not be stored. The first one is said.
    pub(super) fn not_stored(&self, error: &io::Error) {
        let is_first = {
            let mut ledger = self.ledger();
            ledger.failed_puts += 1;
            ledger.failed_puts == 1
        };
        if is_first {
            let folder = self.local.path().display();
            let warning = format!("compiled packages are not kept in {folder}: {error}");
            self.say(&format!("gobuild cacheprog: {warning}"));
            self.ledger().warn(warning);
        }
    }

    /// Outputs will not come any more.
    pub(super) fn lost(&self, outputs: &[Id]) {
        self.settle(|arrivals| arrivals.lost(outputs));
    }

    /// Tells whether an output was to come and did not.
    pub(super) fn is_lost(&self, output: &Id) -> bool {
        lock(&self.arrivals).is_lost(output)
    }

    /// Takes the host cache's answer; its body is checked.
    pub(super) fn host_answered(&self, action: Id, found: Option<(Id, &[u8])>) {
        let answer = match found {
            None => Answer::Miss,
            Some((output, body)) => match self.local.land(output, body) {
                Ok(()) => Answer::Hit {
                    output,
                    size: body.len() as u64,
                    origin: Origin::Host,
                },
                Err(error) => {
                    self.drop_output(&format!("output {output} was dropped: {error}"));
                    Answer::Miss
                }
            },
        };
        self.settle(|arrivals| arrivals.answered(action, answer));
    }

    /// The remote has nothing more to say.
    pub(super) fn closed(&self) {
        self.settle(Arrivals::closed);
    }
}

/// Locks; what a thread that panicked left is still whole, since no change is in two parts.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns what an error and its sources say, in one line.
pub(super) fn said(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

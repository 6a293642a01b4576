//! A run's connection to its remote: started before the first request, finished after the last.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::core::{Core, said};
use super::id::Id;
use super::pack::Index;
use super::relay::client::Uplink;
use super::remote::revise::{Used, revise};
use super::remote::store::{Scope, Store, StoreOptions};
use super::remote::unpack::Unpackers;
use super::remote::{fetch, publish};
use super::report::Traffic;

/// A remote.
#[derive(Debug)]
pub(super) enum Link {
    /// A store, on a thread of its own.
    Store(StoreLink),
    /// A relay, which speaks for a store and a cache of the client's.
    Relay(Uplink),
}

/// A store that is being read.
#[derive(Debug)]
pub(super) struct StoreLink {
    stop: Arc<Notify>,
    thread: JoinHandle<Option<Reached>>,
}

/// A store that was read, and what the writing needs.
#[derive(Debug)]
struct Reached {
    runtime: Runtime,
    scope: Scope,
    /// `None` if it could not be read.
    index: Option<Index>,
}

impl Link {
    /// Begins to read a remote; whatever is wrong with it costs hits and is said once.
    pub(super) fn start(
        url: &str,
        scope: &str,
        options: &StoreOptions,
        core: &Arc<Core>,
        traffic: &Arc<Traffic>,
    ) -> Option<Self> {
        if let Some(socket) = url.strip_prefix("unix://") {
            let started = Uplink::start(Path::new(socket), scope, options.patience, core, traffic);
            return started.map(Self::Relay);
        }
        let link = StoreLink::start(url, scope, options, core, traffic);
        Some(Self::Store(link))
    }

    /// Ends it. `used`, if given, is written back as far as the remote lacks it; tells whether
    /// that was done, and how many requests a store got.
    pub(super) fn finish(
        self,
        core: &Arc<Core>,
        used: Option<&[Used]>,
        traffic: &Traffic,
    ) -> (bool, u64) {
        match self {
            Self::Store(link) => link.finish(core, used, traffic),
            Self::Relay(link) => (link.finish(core, used, traffic), 0),
        }
    }
}

impl StoreLink {
    /// Opens and reads the store on a thread: the first answer to `go` waits neither for
    /// certificates nor for a runtime.
    fn start(
        url: &str,
        scope: &str,
        options: &StoreOptions,
        core: &Arc<Core>,
        traffic: &Arc<Traffic>,
    ) -> Self {
        let stop = Arc::new(Notify::new());
        let (url, scope, options) = (url.to_owned(), scope.to_owned(), options.clone());
        let (core, traffic) = (Arc::clone(core), Arc::clone(traffic));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let opened = open(&url, &scope, &options);
            let (runtime, scope) = opened
                .inspect_err(|reason| {
                    traffic.failed(&core, reason);
                    core.closed();
                })
                .ok()?;
            let index = runtime.block_on(read(&scope, &core, &traffic, &stopped));
            Some(Reached {
                runtime,
                scope,
                index,
            })
        });
        Self { stop, thread }
    }

    fn finish(self, core: &Core, used: Option<&[Used]>, traffic: &Traffic) -> (bool, u64) {
        // The permit stays if nobody waits for it yet.
        self.stop.notify_one();
        let Ok(Some(reached)) = self.thread.join() else {
            return (false, 0);
        };
        let published = used.is_some_and(|used| reached.publish(core, used, traffic));
        let requests = reached.scope.store().requests();
        // Looking up a host name cannot be stopped: it is not waited for.
        reached.runtime.shutdown_background();
        (published, requests)
    }
}

impl Reached {
    /// Writes what the store lacks of `used`; tells whether it has a new index.
    fn publish(&self, core: &Core, used: &[Used], traffic: &Traffic) -> bool {
        let Some(index) = &self.index else {
            return false;
        };
        // What was not used may have come just a little later: only what was made anew is lost.
        let outputs = used.iter().map(|used| used.output);
        let lost: HashSet<Id> = outputs.filter(|output| core.is_lost(output)).collect();
        let Some(revision) = revise(index, used, |output| lost.contains(output)) else {
            return false;
        };
        let read = |output: &_, size| {
            let mut places = (0..=core.seeds.len()).map(super::ledger::Place);
            places.find_map(|place| core.tier(place).read(output, size))
        };
        let published = publish::publish(&self.scope, revision, read, traffic);
        match self.runtime.block_on(published) {
            Ok(true) => true,
            Ok(false) => {
                let warning = "the scope has more than a remote store may hold of one";
                core.ledger().warn(warning.to_owned());
                true
            }
            Err(error) => {
                traffic.failed(core, &said(&error));
                false
            }
        }
    }
}

fn open(url: &str, scope: &str, options: &StoreOptions) -> Result<(Runtime, Scope), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| said(&error))?;
    let store = Store::open(url, options).map_err(|error| said(&error))?;
    Ok((runtime, store.scope(scope)))
}

/// Reads the index and, unless it is stopped, the packs; returns the index.
async fn read(scope: &Scope, core: &Arc<Core>, traffic: &Traffic, stop: &Notify) -> Option<Index> {
    let Some(index) = fetch::index(core, scope, traffic).await else {
        core.closed();
        return None;
    };
    let missing = core.known(&index, None);
    if missing.iter().any(|outputs| !outputs.is_empty()) {
        let unpackers = Unpackers::start();
        tokio::select! {
            () = fetch::packs(core, scope, &index, missing, &unpackers, traffic) => {}
            () = stop.notified() => {}
        }
        unpackers.finish();
    }
    Some(index)
}

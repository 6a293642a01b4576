//! A run's connection to its remote: started before the first request, finished after the last.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::core::{Core, said};
use super::pack::Index;
use super::relay::client::Uplink;
use super::remote::revise::{Used, revise};
use super::remote::store::{Scope, Store, StoreError, StoreOptions};
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
    store: Store,
    scope: Scope,
    stop: Arc<Notify>,
    is_stopped: Arc<AtomicBool>,
    thread: JoinHandle<Option<(Runtime, Option<Index>)>>,
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
        // Nothing waits for certificates to be read: that happens on the thread, too.
        let (url, scope, options) = (url.to_owned(), scope.to_owned(), options.clone());
        match Store::open(&url, &options) {
            Ok(store) => {
                let scope = store.scope(&scope);
                Some(Self::Store(StoreLink::start(store, scope, core, traffic)))
            }
            Err(error) => {
                traffic.failed(core, &said(&error));
                core.closed();
                None
            }
        }
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
            Self::Store(link) => {
                let store = link.store.clone();
                (link.finish(core, used, traffic), store.requests())
            }
            Self::Relay(link) => (link.finish(core, used, traffic), 0),
        }
    }
}

impl StoreLink {
    fn start(store: Store, scope: Scope, core: &Arc<Core>, traffic: &Arc<Traffic>) -> Self {
        let stop = Arc::new(Notify::new());
        let is_stopped = Arc::new(AtomicBool::new(false));
        let thread = {
            let (scope, core) = (scope.clone(), Arc::clone(core));
            let (traffic, stop) = (Arc::clone(traffic), Arc::clone(&stop));
            std::thread::spawn(move || read(&scope, &core, &traffic, &stop))
        };
        Self {
            store,
            scope,
            stop,
            is_stopped,
            thread,
        }
    }

    fn finish(self, core: &Core, used: Option<&[Used]>, traffic: &Traffic) -> bool {
        self.is_stopped.store(true, Ordering::Relaxed);
        // The permit stays if nobody waits yet.
        self.stop.notify_one();
        let Ok(Some((runtime, Some(index)))) = self.thread.join() else {
            return false;
        };
        let Some(used) = used else {
            return false;
        };
        let Some(revision) = revise(&index, used, |output| core.is_lost(output)) else {
            return false;
        };
        let read = |output: &_, size| {
            let places = (0..=core.seeds.len()).map(super::ledger::Place);
            places
                .filter_map(|place| core.tier(place).read(output, size))
                .next()
        };
        let published = publish::publish(&self.scope, revision, read, traffic);
        match runtime.block_on(published) {
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

/// Reads the index and the packs, unless it is stopped; returns what the writing needs.
fn read(
    scope: &Scope,
    core: &Arc<Core>,
    traffic: &Traffic,
    stop: &Notify,
) -> Option<(Runtime, Option<Index>)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            traffic.failed(
                core,
                &said(&StoreError::Store(object_store::Error::Generic {
                    store: "runtime",
                    source: Box::new(error),
                })),
            );
            core.closed();
            return None;
        }
    };
    let index = runtime.block_on(async {
        let index = tokio::select! {
            index = fetch::index(core, scope, traffic) => index,
            () = stop.notified() => {
                // It is needed to write, but not waited for by any request.
                stop.notify_one();
                fetch::index(core, scope, traffic).await
            }
        };
        let Some(index) = index else {
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
    });
    Some((runtime, index))
}

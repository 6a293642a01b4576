//! The relay of compiled packages, as the session serves it to steps.
//!
//! Steps have no network and no credentials. They ask this process, which asks the store, or looks
//! into a build cache of this machine. What they send is stored if the user said so.

use std::path::PathBuf;
use std::sync::Arc;

use crate::buildkit::session::ssh::{HandlerStream, StreamHandler};
use crate::cacheprog::{Relay, RelayOptions, Store, StoreError, StoreOptions, TierError, shown};

/// Bytes of compiled packages that one step may send.
const MAX_UPLOAD: u64 = 4 << 30;

/// What steps may ask for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Address of the store, and whether it is written to.
    pub store: Option<(String, bool)>,
    /// How the store is reached.
    pub options: StoreOptions,
    /// What the invocation's programs are called where they ask.
    pub scopes: Vec<String>,
    /// A build cache of this machine, to look into.
    pub host_cache: Option<PathBuf>,
    /// Folder for what is on its way to the store.
    pub spool: PathBuf,
}

/// Why there is no relay.
#[derive(Debug, thiserror::Error)]
pub enum RelayFault {
    /// The store cannot be used.
    #[error("the compile cache {url}")]
    Store {
        /// Its address.
        url: String,
        /// What is wrong.
        source: StoreError,
    },
    /// The build cache of this machine cannot be used.
    #[error("the build cache of this machine")]
    Host(#[from] TierError),
}

/// Returns the relay; none if there is nothing to ask for.
///
/// # Errors
/// The store's address is none, or the build cache cannot be opened.
pub fn relay(wanted: Wanted) -> Result<Option<Arc<dyn StreamHandler>>, RelayFault> {
    if wanted.store.is_none() && wanted.host_cache.is_none() {
        return Ok(None);
    }
    let write = wanted.store.as_ref().is_some_and(|(_, write)| *write);
    let store = wanted.store.map(|(url, _)| {
        let store = Store::open(&url, &wanted.options);
        store.map_err(|source| RelayFault::Store {
            url: shown(&url),
            source,
        })
    });
    let options = RelayOptions {
        host_cache: wanted.host_cache,
        kin: wanted.scopes,
        write,
        spool: wanted.spool,
        max_upload: MAX_UPLOAD,
    };
    Ok(Some(Arc::new(Handler(Relay::new(
        store.transpose()?,
        options,
    )?))))
}

/// A relay behind the session's service.
struct Handler(Relay);

#[tonic::async_trait]
impl StreamHandler for Handler {
    async fn serve(&self, stream: HandlerStream) {
        // The step has been told, and a build does not fail for its cache.
        match self.0.serve(stream).await {
            Ok(report) => tracing::debug!(?report, "relayed compiled packages"),
            Err(error) => tracing::warn!(%error, "relay of compiled packages"),
        }
    }
}

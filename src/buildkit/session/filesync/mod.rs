//! Serves local folders to the daemon: `moby.filesync.v1.FileSync`.
//!
//! The daemon opens one stream per local source of the graph, names the source and its
//! filters in the request's metadata, and receives the files in fsutil's protocol
//! ([`super::fsutil`]). It compares the listing with what it got the last time and requests
//! only files whose metadata changed, so only those are opened here.
//!
//! What leaves is decided three times: a source exists only under a name that the plan gave
//! ([`LocalSources`]); it shows only what its [`Selection`] allows; and of that the daemon
//! gets what its own patterns ask for (`request`). Symbolic links are listed as links and
//! never followed. Times are the real ones, since the daemon recognises unchanged files by
//! them; owners are always 0, and neither extended attributes nor hard links are told, so
//! that two checkouts of the same files are the same source.
//!
//! A layout of gobuild's own is served the same way, with the owners that its layers tell.

mod filter;
mod followpaths;
mod patterns;
mod request;
mod send;
mod source;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use buildkit_proto::fsutil::types::Packet;
use buildkit_proto::moby::filesync::packet::file_sync_server::{FileSync, FileSyncServer};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

pub use patterns::Patterns;
pub use source::{FileList, LocalSource, Permissions, Selection};

use super::fsutil::MAX_MESSAGE;
use crate::content::{LayoutTree, Store};
use request::Wanted;

/// The methods that this service answers, as the session announces them.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSync/DiffCopy"];

/// The folders that the daemon may read, by the name it asks for.
pub type LocalSources = BTreeMap<String, LocalSource>;

/// The service.
#[derive(Debug)]
pub struct FileSyncService {
    sources: Mutex<BTreeMap<String, Arc<LocalSource>>>,
    layouts: Option<Arc<Store>>,
}

impl FileSyncService {
    /// Returns a service of the given folders.
    #[must_use]
    pub fn new(sources: LocalSources) -> Self {
        let sources = sources
            .into_iter()
            .map(|(name, source)| (name, Arc::new(source)))
            .collect();
        Self {
            sources: Mutex::new(sources),
            layouts: None,
        }
    }

    /// Serves layouts, too, each as the folder of its identifier: to daemons that cannot take them
    /// from the content store.
    #[must_use]
    pub fn with_layouts(mut self, store: Arc<Store>) -> Self {
        self.layouts = Some(store);
        self
    }

    /// Returns the source of a name; none if there is none of it.
    async fn source(&self, name: &str) -> Result<Option<Arc<LocalSource>>, Status> {
        let known = |source| {
            self.sources
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(source)
                .cloned()
        };
        let layout = || self.layouts.as_ref()?.layout(name);
        if let Some(source) = known(name) {
            return Ok(Some(source));
        }
        let Some(layout) = layout() else {
            return Ok(None);
        };
        // A toolchain may have to be fetched first.
        let read = tokio::task::spawn_blocking(move || LayoutTree::of(&layout)).await;
        let failed =
            |error: &dyn std::fmt::Display| Status::unknown(format!("cannot read {name}: {error}"));
        let tree = read
            .map_err(|error| failed(&error))?
            .map_err(|error| failed(&error))?;
        let source = Arc::new(LocalSource::of_layout(tree));
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Some(Arc::clone(
            sources.entry(name.to_owned()).or_insert(source),
        )))
    }

    /// Returns the service in the form that a tonic router takes.
    #[must_use]
    pub fn into_server(self) -> FileSyncServer<Self> {
        FileSyncServer::new(self)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }
}

#[tonic::async_trait]
impl FileSync for FileSyncService {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let wanted = Wanted::from_metadata(request.metadata())?;
        let source = self.source(&wanted.name).await?.ok_or_else(|| {
            Status::not_found(format!("no access allowed to dir {:?}", wanted.name))
        })?;
        let packets = send::start(source, wanted, request.into_inner());
        Ok(Response::new(ReceiverStream::new(packets)))
    }

    type TarStreamStream = ReceiverStream<Result<Packet, Status>>;

    async fn tar_stream(
        &self,
        _request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented(
            "files are only sent in the diffcopy protocol",
        ))
    }
}

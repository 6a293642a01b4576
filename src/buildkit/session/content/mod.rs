//! `containerd.services.content.v1.Content`: the blob stores that this side attaches to a session.
//!
//! The daemon reads OCI layouts (store `oci:<name>`) and local caches (`local:<path>`) from here,
//! and writes local caches and `type=oci,tar=false` exports (`export`) to here. Each call names
//! its store in the metadata. What is read comes from a [`BlobSource`]; what is written goes to a
//! [`LayoutStore`], which verifies every digest. Nothing is ever deleted on the daemon's behalf.
//!
//! Source: BuildKit `session/content/{attachable,caller}.go`; containerd
//! `plugins/services/content/contentserver`.

mod index;
mod ingest;
mod layout;
mod read;
mod sweep;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::{Stream, stream};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

pub use self::index::{IndexError, LayoutIndex};
pub use self::layout::LayoutStore;
use crate::buildkit::client::MAX_MESSAGE;
use crate::buildkit::proto::content as wire;
use crate::buildkit::proto::content::content_server::{Content, ContentServer};
use crate::content::BlobSource;

/// The calls of this service.
pub const METHODS: &[&str] = &[
    "/containerd.services.content.v1.Content/Info",
    "/containerd.services.content.v1.Content/Update",
    "/containerd.services.content.v1.Content/List",
    "/containerd.services.content.v1.Content/Delete",
    "/containerd.services.content.v1.Content/Read",
    "/containerd.services.content.v1.Content/Status",
    "/containerd.services.content.v1.Content/ListStatuses",
    "/containerd.services.content.v1.Content/Write",
    "/containerd.services.content.v1.Content/Abort",
];

const STORE_HEADER: &str = "buildkit-attachable-store-id";

/// The stores of a session, by the id that the daemon asks for.
///
/// Clones are the same set, so stores may still be attached while the session runs.
#[derive(Clone, Default)]
pub struct ContentStores {
    stores: Arc<RwLock<BTreeMap<String, Store>>>,
}

#[derive(Clone)]
enum Store {
    Source(Arc<dyn BlobSource>),
    Layout(Arc<LayoutStore>),
}

impl std::fmt::Debug for ContentStores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentStores").finish_non_exhaustive()
    }
}

impl ContentStores {
    /// Returns a set without any store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches a source for `oci-layout://` sources whose `oci.store` is `name`.
    pub fn attach_source(&self, name: &str, source: Arc<dyn BlobSource>) {
        self.attach(format!("oci:{name}"), Store::Source(source));
    }

    /// Attaches a directory for a local cache whose `src` or `dest` is `path`, letter by letter.
    pub fn attach_cache(&self, path: &str, layout: Arc<LayoutStore>) {
        self.attach(format!("local:{path}"), Store::Layout(layout));
    }

    /// Attaches the directory that the solve's one untarred OCI export is written to.
    pub fn attach_export(&self, layout: Arc<LayoutStore>) {
        self.attach("export".to_owned(), Store::Layout(layout));
    }

    /// Returns the session service that serves these stores.
    #[must_use]
    pub fn service(&self) -> ContentServer<ContentService> {
        ContentServer::new(ContentService {
            stores: self.clone(),
        })
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
    }

    fn attach(&self, id: String, store: Store) {
        let mut stores = self.stores.write().unwrap_or_else(PoisonError::into_inner);
        stores.insert(id, store);
    }

    fn find(&self, metadata: &MetadataMap) -> Result<Store, Status> {
        let id = metadata
            .get(STORE_HEADER)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| Status::invalid_argument("the request names no content store"))?;
        let stores = self.stores.read().unwrap_or_else(PoisonError::into_inner);
        let store = stores.get(id).cloned();
        store.ok_or_else(|| Status::not_found(format!("unknown content store {id}")))
    }
}

impl Store {
    fn source(&self) -> Arc<dyn BlobSource> {
        match self {
            Self::Source(source) => Arc::clone(source),
            Self::Layout(layout) => Arc::clone(layout) as Arc<dyn BlobSource>,
        }
    }

    fn layout(self) -> Result<Arc<LayoutStore>, Status> {
        match self {
            Self::Layout(layout) => Ok(layout),
            Self::Source(_) => Err(Status::permission_denied("the content store is read-only")),
        }
    }
}

/// Serves a set of stores.
#[derive(Clone, Debug)]
pub struct ContentService {
    stores: ContentStores,
}

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

#[tonic::async_trait]
impl Content for ContentService {
    async fn info(
        &self,
        request: Request<wire::InfoRequest>,
    ) -> Result<Response<wire::InfoResponse>, Status> {
        let store = self.stores.find(request.metadata())?;
        let info = info(&store, request.into_inner().digest).await?;
        Ok(Response::new(wire::InfoResponse { info: Some(info) }))
    }

    async fn update(
        &self,
        request: Request<wire::UpdateRequest>,
    ) -> Result<Response<wire::UpdateResponse>, Status> {
        let store = self.stores.find(request.metadata())?;
        let layout = store.clone().layout()?;
        let update = request.into_inner();
        let asked = update
            .info
            .ok_or_else(|| Status::invalid_argument("the update names no blob"))?;
        // A blob that is not held must not gain labels.
        info(&store, asked.digest.clone()).await?;
        layout.set_labels(
            &asked.digest,
            asked.labels,
            update
                .update_mask
                .as_ref()
                .map(|mask| mask.paths.as_slice()),
        );
        let info = info(&store, asked.digest).await?;
        Ok(Response::new(wire::UpdateResponse { info: Some(info) }))
    }

    type ListStream = Responses<wire::ListContentResponse>;

    async fn list(
        &self,
        request: Request<wire::ListContentRequest>,
    ) -> Result<Response<Self::ListStream>, Status> {
        let layout = self.stores.find(request.metadata())?.layout()?;
        if !request.into_inner().filters.is_empty() {
            return Err(Status::unimplemented("listings cannot be filtered"));
        }
        let blobs = Arc::clone(&layout);
        let blobs = blocking(move || blobs.blobs()).await?;
        let info = blobs
            .into_iter()
            .map(|(digest, size)| describe(Some(&layout), digest, size))
            .collect();
        let listing = stream::iter([Ok(wire::ListContentResponse { info })]);
        Ok(Response::new(Box::pin(listing)))
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteContentRequest>,
    ) -> Result<Response<()>, Status> {
        self.stores.find(request.metadata())?;
        Err(Status::permission_denied(
            "blobs of a client are not deleted",
        ))
    }

    type ReadStream = Responses<wire::ReadContentResponse>;

    async fn read(
        &self,
        request: Request<wire::ReadContentRequest>,
    ) -> Result<Response<Self::ReadStream>, Status> {
        let source = self.stores.find(request.metadata())?.source();
        let pieces = read::stream(source, request.into_inner()).await?;
        Ok(Response::new(Box::pin(pieces)))
    }

    async fn status(
        &self,
        request: Request<wire::StatusRequest>,
    ) -> Result<Response<wire::StatusResponse>, Status> {
        let layout = self.stores.find(request.metadata())?.layout()?;
        let name = request.into_inner().r#ref;
        let status = layout.ingests().status(&name);
        let status = status.ok_or_else(|| Status::not_found(format!("no write named {name}")))?;
        Ok(Response::new(wire::StatusResponse {
            status: Some(status),
        }))
    }

    async fn list_statuses(
        &self,
        request: Request<wire::ListStatusesRequest>,
    ) -> Result<Response<wire::ListStatusesResponse>, Status> {
        let layout = self.stores.find(request.metadata())?.layout()?;
        if !request.into_inner().filters.is_empty() {
            return Err(Status::unimplemented("listings cannot be filtered"));
        }
        Ok(Response::new(wire::ListStatusesResponse {
            statuses: layout.ingests().statuses(),
        }))
    }

    type WriteStream = Responses<wire::WriteContentResponse>;

    async fn write(
        &self,
        request: Request<Streaming<wire::WriteContentRequest>>,
    ) -> Result<Response<Self::WriteStream>, Status> {
        let layout = self.stores.find(request.metadata())?.layout()?;
        let answers = write::serve(layout, request.into_inner());
        Ok(Response::new(Box::pin(answers)))
    }

    async fn abort(&self, request: Request<wire::AbortRequest>) -> Result<Response<()>, Status> {
        let layout = self.stores.find(request.metadata())?.layout()?;
        let name = request.into_inner().r#ref;
        if layout.ingests().forget(&name) {
            Ok(Response::new(()))
        } else {
            Err(Status::not_found(format!("no write named {name}")))
        }
    }
}

async fn info(store: &Store, digest: String) -> Result<wire::Info, Status> {
    let source = store.source();
    let asked = digest.clone();
    let size = blocking(move || source.size(&asked)).await?;
    let size = size.ok_or_else(|| Status::not_found(format!("blob {digest} is not held")))?;
    let layout = match store {
        Store::Layout(layout) => Some(layout.as_ref()),
        Store::Source(_) => None,
    };
    Ok(describe(layout, digest, size))
}

fn describe(layout: Option<&LayoutStore>, digest: String, size: u64) -> wire::Info {
    wire::Info {
        labels: layout
            .map(|layout| layout.labels(&digest))
            .unwrap_or_default(),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        digest,
        created_at: None,
        updated_at: None,
    }
}

/// Runs file work where it holds nobody up.
async fn blocking<T, F>(work: F) -> Result<T, Status>
where
    T: Send + 'static,
    F: FnOnce() -> io::Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| refusal(&error)),
        Err(failed) => Err(Status::internal(failed.to_string())),
    }
}

/// Words a file error as containerd's stores do.
fn refusal(error: &io::Error) -> Status {
    let text = error.to_string();
    match error.kind() {
        io::ErrorKind::NotFound => Status::not_found(text),
        io::ErrorKind::InvalidInput => Status::invalid_argument(text),
        io::ErrorKind::InvalidData => Status::failed_precondition(text),
        io::ErrorKind::PermissionDenied => Status::permission_denied(text),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Status::resource_exhausted(text)
        }
        _ => Status::internal(text),
    }
}

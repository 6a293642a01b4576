//! Receives what a build puts out: `moby.filesync.v1.FileSend`.
//!
//! One method carries two protocols. The `oci`, `docker` and `tar` exporters send one byte
//! stream; the `local` exporter sends files in fsutil's protocol ([`super::fsutil`]), one
//! stream per platform at once. Which one it is follows from the exporter that the call
//! names and the [`Target`] given for it here, so the service reads raw messages (`codec`)
//! and decodes them itself (BuildKit `session/filesync/filesync.go`).
//!
//! Nothing is written but to the targets, and a file appears under its name only when it is
//! complete.

mod bytes;
mod codec;
mod directory;
mod failures;
mod file;
mod packets;
mod place;
mod service;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ::bytes::Bytes;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic::{Request, Response, Status, Streaming};

use failures::Failures;
pub use service::FileSendServer;

/// The methods that this service answers, as the session announces them.
pub const METHODS: &[&str] = &["/moby.filesync.v1.FileSend/DiffCopy"];

/// Where an exporter's output goes.
pub enum Target {
    /// A file that holds the byte stream, written beside its place and renamed when complete.
    /// A device or pipe that stands there is written to directly.
    File(PathBuf),
    /// An open writer for the byte stream of one build.
    Writer(Box<dyn Write + Send>),
    /// A folder for files; made if missing, and never cleared.
    Directory(PathBuf),
}

/// What the daemon told about each exporter's output, by the exporter's index.
///
/// The keys are those of the exporter's response, as `containerimage.digest`.
pub type ExportMetadata = BTreeMap<usize, BTreeMap<String, String>>;

/// The service.
#[derive(Clone)]
pub struct FileSendService(Arc<Shared>);

struct Shared {
    targets: Mutex<BTreeMap<usize, Target>>,
    metadata: Mutex<ExportMetadata>,
    failures: Failures,
}

/// A target that one call writes to.
enum Claimed {
    File(PathBuf),
    Writer(Box<dyn Write + Send>),
    Directory(PathBuf),
}

impl FileSendService {
    /// Returns a service that writes to the given targets, by the index of the exporter in the
    /// solve request.
    #[must_use]
    pub fn new(targets: BTreeMap<usize, Target>) -> Self {
        Self(Arc::new(Shared {
            targets: Mutex::new(targets),
            metadata: Mutex::default(),
            failures: Failures::default(),
        }))
    }

    /// Returns the service in the form that a tonic router takes.
    #[must_use]
    pub fn into_server(self) -> FileSendServer {
        FileSendServer::new(self)
    }

    /// Returns what the daemon told so far.
    #[must_use]
    pub fn metadata(&self) -> ExportMetadata {
        let metadata = self.0.metadata.lock();
        metadata.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns why an output could not be kept here, the first of all. The daemon knows it, too, and
    /// tells it as a failure of the build.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.0.failures.first()
    }

    /// Receives one stream.
    async fn receive(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<ReceiverStream<Result<Bytes, Status>>>, Status> {
        let exporter = exporter(request.metadata())?;
        let claimed = self.claim(exporter)?;
        let told = told(request.metadata());
        if !told.is_empty() {
            let mut metadata = self.0.metadata.lock();
            let metadata = metadata.as_deref_mut().map_err(|_| poisoned())?;
            metadata.entry(exporter).or_default().extend(told);
        }
        let inbound = request.into_inner();
        let failures = self.0.failures.clone();
        let answers = match claimed {
            Claimed::File(path) => bytes::to_file(path, inbound, failures),
            Claimed::Writer(writer) => bytes::to_writer(writer, inbound, failures),
            Claimed::Directory(path) => packets::to_directory(path, inbound, failures),
        };
        Ok(Response::new(ReceiverStream::new(answers)))
    }

    /// Returns an exporter's target. A writer serves one stream only.
    fn claim(&self, exporter: usize) -> Result<Claimed, Status> {
        let mut targets = self.0.targets.lock().map_err(|_| poisoned())?;
        let missing = || Status::not_found(format!("exporter {exporter} has no output here"));
        match targets.get(&exporter).ok_or_else(missing)? {
            Target::File(path) => return Ok(Claimed::File(path.clone())),
            Target::Directory(path) => return Ok(Claimed::Directory(path.clone())),
            Target::Writer(_) => {}
        }
        match targets.remove(&exporter) {
            Some(Target::Writer(writer)) => Ok(Claimed::Writer(writer)),
            _ => Err(missing()),
        }
    }
}

fn poisoned() -> Status {
    Status::internal("a stream of this service failed badly")
}

/// Returns the index of the exporter that calls; older daemons, which know one, do not tell.
fn exporter(metadata: &MetadataMap) -> Result<usize, Status> {
    match metadata.get("buildkit-attachable-exporter-id") {
        None => Ok(0),
        Some(id) => id
            .to_str()
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Status::invalid_argument("the exporter's id is no number")),
    }
}

/// Returns what the call's metadata tells about the output.
fn told(metadata: &MetadataMap) -> BTreeMap<String, String> {
    let mut told: BTreeMap<String, String> = BTreeMap::new();
    for entry in metadata.iter() {
        let KeyAndValueRef::Ascii(key, value) = entry else {
            continue;
        };
        let (Some(key), Ok(value)) = (key.as_str().strip_prefix("exporter-md-"), value.to_str())
        else {
            continue;
        };
        told.entry(key.to_owned())
            .and_modify(|values| {
                values.push(',');
                values.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }
    told
}

//! The gateway: what a running build can ask of its daemon.
//!
//! A [`Gateway`] is one build's handle on `LLBBridge`. Over the control socket every call names
//! the build in its metadata; inside a frontend container the standard streams belong to one
//! build, and nothing is named. References are only valid within the build that made them.
//!
//! Source: BuildKit `frontend/gateway/pb/gateway.proto`, `frontend/gateway/grpcclient/client.go`,
//! `client/buildid/metadata.go`.

mod files;
mod result;
mod solve;
mod source;
mod translation;

use std::collections::{BTreeMap, BTreeSet};

use buildkit_proto::google::rpc;
use buildkit_proto::moby::buildkit::v1::apicaps::ApiCap;
use buildkit_proto::moby::buildkit::v1::frontend as wire;
use buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_client::LlbBridgeClient;
use buildkit_proto::pb;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

pub use self::files::FileStat;
pub use self::result::{
    Attestation, AttestationKind, GatewayResult, IMAGE_CONFIG, PLATFORMS, PlatformImage, Reference,
    References,
};
pub use self::solve::Solve;
pub use self::source::{ImageMeta, ResolveMode, SourceMeta, SourceQuery};
pub use self::translation::{Translation, Untranslatable};
use super::client::{MAX_MESSAGE, Worker};
use super::error::{Error, SourceExcerpt, return_status};
use super::solve::CacheEntry;
use super::transport::Connection;

const BUILD_ID_HEADER: &str = "buildkit-controlapi-buildid";

/// One build's handle on the daemon's gateway.
///
/// Clones speak for the same build.
#[derive(Clone, Debug)]
pub struct Gateway {
    connection: Connection,
    build: Option<MetadataValue<Ascii>>,
    cache_imports: Vec<CacheEntry>,
    translation: Translation,
}

/// What a daemon can do, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Enabled capabilities of the graph, e.g. `mergeop`.
    pub llb: BTreeSet<String>,
    /// The workers, the default one first.
    pub workers: Vec<Worker>,
}

/// A warning about a vertex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warning {
    /// Digest of the vertex, as the daemon computes it.
    pub digest: String,
    /// One line.
    pub short: String,
    /// Further lines.
    pub detail: Vec<String>,
    /// Where to read more; may be empty.
    pub url: String,
    /// The file and the lines it is about.
    pub source: Option<SourceExcerpt>,
}

impl Gateway {
    /// Returns the gateway of the build `id`, over the control socket.
    ///
    /// `cache_imports` are asked in every solve: the daemon does not carry them over from the
    /// build's own request.
    #[must_use]
    pub(super) fn of_build(
        connection: Connection,
        id: MetadataValue<Ascii>,
        cache_imports: Vec<CacheEntry>,
        translation: Translation,
    ) -> Self {
        Self {
            connection,
            build: Some(id),
            cache_imports,
            translation,
        }
    }

    /// Returns the gateway of the one build that a frontend's standard streams belong to.
    #[must_use]
    pub fn of_frontend(connection: Connection, cache_imports: Vec<CacheEntry>) -> Self {
        Self {
            connection,
            build: None,
            cache_imports,
            translation: Translation::default(),
        }
    }

    /// Returns the gateway of the same build that rewrites graphs on their way.
    #[must_use]
    pub fn translating(self, translation: Translation) -> Self {
        Self {
            translation,
            ..self
        }
    }

    /// Asks what the daemon can do.
    ///
    /// # Errors
    /// The daemon is gone or does not know the build.
    pub async fn ping(&self) -> Result<Capabilities, Error> {
        let answer = self.bridge().ping(self.request(wire::PingRequest {})).await;
        let pong = self.answer(answer).await?;
        Ok(Capabilities {
            llb: enabled(pong.llb_caps),
            workers: pong.workers.into_iter().map(Worker::from).collect(),
        })
    }

    /// Builds what a reference stands for.
    ///
    /// # Errors
    /// Building it fails.
    pub async fn evaluate(&self, reference: &Reference) -> Result<(), Error> {
        if reference.id.is_empty() {
            return Ok(());
        }
        let request = self.request(wire::EvaluateRequest {
            r#ref: reference.id.clone(),
        });
        match self.bridge().evaluate(request).await {
            // Daemons before v0.10 have no such call, but build what they are asked of.
            Err(status) if status.code() == Code::Unimplemented => {
                self.stat_file(reference, "/").await.map(drop)
            }
            answer => self.answer(answer).await.map(drop),
        }
    }

    /// Returns the graphs that the caller of this frontend handed to it.
    ///
    /// # Errors
    /// The daemon is gone or does not know the build.
    pub async fn inputs(&self) -> Result<BTreeMap<String, pb::Definition>, Error> {
        let answer = self
            .bridge()
            .inputs(self.request(wire::InputsRequest {}))
            .await;
        Ok(self.answer(answer).await?.definitions.into_iter().collect())
    }

    /// Attaches a warning to a vertex; daemons before v0.10 show none.
    ///
    /// # Errors
    /// The daemon is gone or does not know the vertex.
    pub async fn warn(&self, warning: Warning) -> Result<(), Error> {
        let request = self.request(wire::WarnRequest {
            digest: warning.digest,
            level: 1,
            short: warning.short.into_bytes(),
            detail: warning.detail.into_iter().map(String::into_bytes).collect(),
            url: warning.url,
            info: warning.source.as_ref().map(|source| source.info.to_pb()),
            ranges: warning
                .source
                .iter()
                .flat_map(|source| &source.ranges)
                .map(|range| range.to_pb())
                .collect(),
        });
        match self.bridge().warn(request).await {
            // What fails nothing must not fail where there is no such call.
            Err(status) if status.code() == Code::Unimplemented => Ok(()),
            answer => self.answer(answer).await.map(drop),
        }
    }

    /// Ends the build with an error, which is shown with places in the user's files.
    ///
    /// # Errors
    /// The daemon is gone or has a result already.
    pub async fn fail(
        &self,
        error: &(dyn std::error::Error + 'static),
        sources: &[SourceExcerpt],
    ) -> Result<(), Error> {
        let mut status = return_status(error);
        status
            .details
            .extend(sources.iter().map(SourceExcerpt::to_any));
        self.finish(Err(status)).await
    }

    /// Ends the build with a result or an error; a second call fails.
    ///
    /// # Errors
    /// The daemon is gone or has a result already.
    pub async fn finish(&self, outcome: Result<GatewayResult, rpc::Status>) -> Result<(), Error> {
        let (result, error) = match outcome {
            Ok(result) => (Some(result.into()), None),
            Err(status) => (None, Some(status)),
        };
        let request = self.request(wire::ReturnRequest { result, error });
        let answer = self.bridge().r#return(request).await;
        self.answer(answer).await.map(drop)
    }

    fn bridge(&self) -> LlbBridgeClient<Channel> {
        LlbBridgeClient::new(self.connection.channel())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(id) = &self.build {
            request.metadata_mut().insert(BUILD_ID_HEADER, id.clone());
        }
        request
    }

    async fn answer<T>(&self, answer: Result<Response<T>, Status>) -> Result<T, Error> {
        match answer {
            Ok(response) => Ok(response.into_inner()),
            Err(status) => Err(Error::of(status, &self.connection).await),
        }
    }
}

fn enabled(caps: Vec<ApiCap>) -> BTreeSet<String> {
    let enabled = caps.into_iter().filter(|cap| cap.enabled);
    enabled.map(|cap| cap.id).collect()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a daemon is made for the test")]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use tonic::service::Routes;
    use tonic::transport::Server;

    use super::*;

    #[tokio::test]
    async fn a_warning_fails_nothing_where_none_are_shown() {
        let (near, far) = tokio::io::duplex(64 << 10);
        let server = Server::builder().add_routes(Routes::default());
        let incoming = stream::iter([Ok::<_, Status>(far)]).chain(stream::pending());
        tokio::spawn(server.serve_with_incoming(incoming));
        let connection = Connection::over("a test", near).await.unwrap();
        let gateway = Gateway::of_frontend(connection, Vec::new());
        gateway.warn(Warning::default()).await.unwrap();
        // Other calls say that there are none.
        gateway.inputs().await.unwrap_err();
    }
}

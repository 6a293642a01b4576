//! The session: services that this side offers to the daemon while it builds.
//!
//! A set of tonic services enters, one per file here; a [`Session`] leaves, whose id builds name.
//! Inside the `Control.Session` stream this side is an HTTP/2 server with the daemon as its only
//! client. One session serves any number of builds, at the same time too. It ends when it is
//! dropped, or with the connection, and never comes back: a build that needs it then fails.
//!
//! Source: BuildKit `session/{session,grpc,manager}.go`.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that serves what is on this machine to the daemon"
)]

pub mod auth;
pub mod content;
pub mod filesend;
pub mod filesync;
pub mod fsutil;
mod health;
#[cfg(test)]
mod in_process;
mod pipe;
pub mod secrets;
pub mod ssh;

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, stream};
use tokio::io::DuplexStream;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use tonic::server::NamedService;
use tonic::service::RoutesBuilder;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic::{Request, Status};
use tower::Service;

use super::client::Client;
use super::error::Error;
use super::identity::random_id;

const ID_HEADER: &str = "x-docker-expose-session-uuid";
const SHARED_KEY_HEADER: &str = "x-docker-expose-session-sharedkey";
const METHOD_HEADER: &str = "x-docker-expose-session-grpc-method";

/// Receive windows: an export writes blobs of hundreds of megabytes into the session.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;

type End = Option<Arc<str>>;

/// A live session with a daemon.
#[derive(Debug)]
pub struct Session {
    id: String,
    end: watch::Receiver<End>,
    _server: AbortOnDropHandle<()>,
    _receiver: AbortOnDropHandle<()>,
}

/// A session's services before it starts.
#[derive(Debug)]
pub struct SessionBuilder {
    shared_key: String,
    methods: Vec<&'static str>,
    routes: RoutesBuilder,
}

impl Session {
    /// Prepares a session that serves nothing yet.
    ///
    /// `shared_key` names this client's project: the daemon reuses local sources that an earlier
    /// session of the same key sent. It may be empty.
    #[must_use]
    pub fn builder(shared_key: &str) -> SessionBuilder {
        SessionBuilder {
            shared_key: shared_key.to_owned(),
            methods: Vec::new(),
            routes: RoutesBuilder::default(),
        }
        .service(health::service(), health::METHODS)
    }

    /// Returns the id that solves and sources name the session by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Waits for the session's end, which in a healthy build does not come, and returns why.
    pub async fn end(&self) -> Arc<str> {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // Only a task that is aborted drops the sender without a word.
            Err(_) => "its task ended".into(),
        }
    }
}

impl SessionBuilder {
    /// Adds a service and the paths of its calls, each `/package.Service/Method`.
    #[must_use]
    pub fn service<S>(mut self, service: S, methods: &[&'static str]) -> Self
    where
        S: Service<http::Request<tonic::body::Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S: Service<http::Request<tonic::body::Body>, Response = http::Response<tonic::body::Body>>,
        S::Future: Send + 'static,
    {
        self.methods.extend(methods);
        self.routes.add_service(service);
        self
    }

    /// Opens the session; it serves from here on.
    ///
    /// # Errors
    /// The daemon is gone or refuses.
    pub async fn start(self, client: &Client) -> Result<Session, Error> {
        let id = random_id()?;
        let (server_end, outgoing, incoming) = pipe::open();
        let server = Server::builder()
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .add_routes(self.routes.routes());
        let server = AbortOnDropHandle::new(tokio::spawn(serve(server, server_end)));

        let mut request = Request::new(pipe::messages(outgoing));
        describe(request.metadata_mut(), &id, &self.shared_key, &self.methods);
        let messages = match client.control().session(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Err(client.error(status).await),
        };
        let (told, end) = watch::channel(None);
        let receiver = AbortOnDropHandle::new(tokio::spawn(async move {
            let why: Arc<str> = match pipe::receive(messages, incoming).await {
                Ok(()) => "the stream was closed".into(),
                Err(status) => status.message().into(),
            };
            tracing::debug!(%why, "session ended");
            told.send_replace(Some(why));
        }));
        Ok(Session {
            id,
            end,
            _server: server,
            _receiver: receiver,
        })
    }
}

/// Writes what identifies a session; the method header has one value per call.
fn describe(metadata: &mut MetadataMap, id: &str, shared_key: &str, methods: &[&'static str]) {
    for (header, text) in [(ID_HEADER, id), (SHARED_KEY_HEADER, shared_key)] {
        metadata.insert(header, visible(text));
    }
    for method in methods {
        metadata.append(METHOD_HEADER, MetadataValue::from_static(method));
    }
}

/// Returns a header value; what no header can hold is replaced, which keeps equal keys equal.
fn visible(text: &str) -> MetadataValue<Ascii> {
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    MetadataValue::try_from(text).unwrap_or_else(|_| MetadataValue::from_static(""))
}

/// Serves the one connection for as long as the task lives.
async fn serve(server: Router, end: DuplexStream) {
    let served = server.serve_with_incoming(only(end)).await;
    if let Err(error) = served {
        tracing::debug!(%error, "session server failed");
    }
}

/// Yields one connection and then waits, since the server would stop at the stream's end.
fn only(end: DuplexStream) -> impl Stream<Item = Result<DuplexStream, Status>> {
    stream::iter([Ok(end)]).chain(stream::pending())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_a_header_value_of_its_own() {
        let mut metadata = MetadataMap::new();
        describe(&mut metadata, "id", "näme", &["/a.B/C", "/a.B/D"]);
        let calls: Vec<_> = metadata.get_all(METHOD_HEADER).iter().collect();
        assert_eq!(calls, ["/a.B/C", "/a.B/D"]);
        assert_eq!(metadata.get(SHARED_KEY_HEADER).unwrap(), "n_me");
    }
}

//! The API of a Docker Engine, as far as images are loaded into it. Podman's service speaks it, too.
//!
//! One connection per request. Source: moby `api/swagger.yaml` (`/info`, `/images/{name}/json`,
//! `/images/load`); `daemon/images.go` (driver status of the containerd image store).

use std::fmt;
use std::io::{self, Write};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::transport::docker_host::{DockerHost, Protocol};
use super::transport::http1::{Body, empty, exchange};
use super::transport::{ConnectCause, TlsFiles};
use crate::oci::Platform;

/// How many pieces of an archive wait for the engine.
const WAITING: usize = 8;

/// Driver of the containerd image store.
const CONTAINERD: [&str; 2] = ["driver-type", "io.containerd.snapshotter.v1"];

/// An engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// What people call it: [`Engine::DOCKER`], [`Engine::PODMAN`].
    pub name: &'static str,
    /// Where it listens.
    pub host: DockerHost,
    /// Credentials for TCP.
    pub tls: Option<TlsFiles>,
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// What it runs on, and so runs.
    pub platform: Platform,
    /// Whether it keeps images in containerd's store, with all their platforms.
    pub has_containerd_store: bool,
}

/// Why an engine does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It does not answer.
    #[error("{engine} does not answer")]
    Connect {
        /// Who, and where it should listen.
        engine: Box<Engine>,
        /// What stood in the way.
        source: ConnectCause,
    },
    /// It refuses.
    #[error("{engine} refuses: {message}")]
    Refused {
        /// Who.
        engine: Box<Engine>,
        /// Its words.
        message: String,
    },
    /// Its answer is not that of an engine.
    #[error("cannot understand the answer of {engine}")]
    Answer {
        /// Who.
        engine: Box<Engine>,
        /// What is wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    #[serde(rename = "OSType", default)]
    os: String,
    architecture: String,
    #[serde(default)]
    driver_status: Option<Vec<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Image {
    id: String,
}

/// A line of an answer that goes on while the engine works, or of a refusal.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    error: Option<String>,
    message: Option<String>,
}

impl Engine {
    /// Docker's own.
    pub const DOCKER: &'static str = "the Docker Engine";
    /// Podman's, which speaks the same API.
    pub const PODMAN: &'static str = "the service of podman";

    /// Asks the engine what it is.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn info(&self) -> Result<EngineInfo, EngineError> {
        let info: Info = self.json(self.get("/info").await?).await?;
        let status = info.driver_status.into_iter().flatten();
        let os = if info.os.is_empty() {
            "linux"
        } else {
            &info.os
        };
        Ok(EngineInfo {
            platform: Platform::new(os, &info.architecture, None),
            has_containerd_store: status.into_iter().any(|pair| pair == CONTAINERD),
        })
    }

    /// Returns the ID of the image that a name stands for; none if there is no such image.
    ///
    /// # Errors
    /// The engine does not answer, or refuses.
    pub async fn image_id(&self, name: &str) -> Result<Option<String>, EngineError> {
        let path = format!("/images/{name}/json");
        let answer = self.request(Method::GET, &path, &[], empty()).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let image: Image = self.json(self.accepted(answer).await?).await?;
        Ok(Some(image.id))
    }

    /// Loads an archive as it comes, to its end.
    ///
    /// # Errors
    /// The engine does not answer, or refuses, as when its disk is full.
    pub async fn load(&self, archive: Archive) -> Result<(), EngineError> {
        let pieces = ReceiverStream::new(archive.0);
        let frames = pieces.map(|piece| Ok::<_, io::Error>(Frame::data(piece)));
        let headers = [(header::CONTENT_TYPE, "application/x-tar")];
        let body = BodyExt::boxed(StreamBody::new(frames));
        let answer = self.request(Method::POST, "/images/load?quiet=1", &headers, body);
        let answer = self.accepted(answer.await?).await?;
        // A load that fails half-way is told at the end of a success.
        let text = self.body(answer).await?;
        let lines = text.split(|byte| *byte == b'\n' || *byte == b'\r');
        let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        match lines.into_iter().find_map(|line| line.error) {
            Some(message) => Err(self.refused(message)),
            None => Ok(()),
        }
    }

    async fn get(&self, path: &str) -> Result<Response<Incoming>, EngineError> {
        let answer = self.request(Method::GET, path, &[], empty()).await?;
        self.accepted(answer).await
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(header::HeaderName, &str)],
        body: Body,
    ) -> Result<Response<Incoming>, EngineError> {
        let failed = |source| EngineError::Connect {
            engine: Box::new(self.clone()),
            source,
        };
        let dialled = self.host.dial(self.tls.as_ref(), Protocol::Http1);
        let patience = self.host.patience();
        let stream = match tokio::time::timeout(patience, dialled).await {
            Ok(stream) => stream.map_err(failed)?,
            Err(_) => return Err(failed(ConnectCause::TimedOut(patience))),
        };
        let answer = exchange(stream, method, path, headers, body).await;
        answer.map_err(failed)
    }

    /// Returns an answer that is a success; else what the engine says.
    async fn accepted(
        &self,
        answer: Response<Incoming>,
    ) -> Result<Response<Incoming>, EngineError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = self.body(answer).await?;
        let line: Line = serde_json::from_slice(&body).unwrap_or_default();
        let message = line.message.or(line.error);
        Err(self.refused(message.unwrap_or_else(|| status.to_string())))
    }

    async fn body(&self, answer: Response<Incoming>) -> Result<Bytes, EngineError> {
        let body = answer.into_body().collect().await;
        Ok(body.map_err(|error| self.strange(error))?.to_bytes())
    }

    async fn json<T: serde::de::DeserializeOwned>(
        &self,
        answer: Response<Incoming>,
    ) -> Result<T, EngineError> {
        let body = self.body(answer).await?;
        serde_json::from_slice(&body).map_err(|error| self.strange(error))
    }

    fn refused(&self, message: String) -> EngineError {
        EngineError::Refused {
            engine: Box::new(self.clone()),
            message,
        }
    }

    fn strange(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> EngineError {
        EngineError::Answer {
            engine: Box::new(self.clone()),
            source: error.into(),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.name, self.host)
    }
}

/// An archive on its way: what its [`ArchiveWriter`] is given.
#[derive(Debug)]
pub struct Archive(mpsc::Receiver<Bytes>);

/// The end of an archive into which it is written, on a thread that may wait.
#[derive(Debug)]
pub struct ArchiveWriter(mpsc::Sender<Bytes>);

impl Archive {
    /// Returns both ends. The archive ends when the writer is dropped.
    #[must_use]
    pub fn pipe() -> (ArchiveWriter, Self) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (ArchiveWriter(sender), Self(receiver))
    }

    /// Returns the next piece; none at the end.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}

impl Write for ArchiveWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes the archive");
        sent.map(|()| bytes.len()).map_err(gone)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_does_not_answer_is_called_by_its_name() {
        let engine = Engine {
            name: Engine::PODMAN,
            host: "unix:///nowhere/podman.sock".parse().unwrap(),
            tls: None,
        };
        let error = engine.info().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the service of podman at unix:///nowhere/podman.sock does not answer"
        );
    }
}

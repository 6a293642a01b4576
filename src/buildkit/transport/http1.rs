//! One HTTP/1.1 exchange on a stream: requests of the Docker Engine API, and the upgrade by which
//! it hands out its BuildKit.
//!
//! The stream is the exchange's own and ends with it. Nothing is sent after the head of an upgrade
//! until the answer is there, and what was read behind the answer belongs to the upgraded stream.

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::ConnectCause;
use super::docker_host::Stream;

/// What a request carries.
pub(crate) type Body = BoxBody<bytes::Bytes, std::io::Error>;

/// Returns a request without a body.
pub(crate) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// Sends a request and returns the head of the answer, and its body to be read.
pub(crate) async fn exchange(
    stream: Stream,
    method: Method,
    path: &str,
    headers: &[(header::HeaderName, &str)],
    body: Body,
) -> Result<Response<Incoming>, ConnectCause> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| failed(&error))?;
    let connection = tokio::spawn(async move {
        let ended = connection.with_upgrades().await;
        if let Err(error) = &ended {
            tracing::debug!(%error, "connection to the engine ended");
        }
        ended
    });
    // Names of machines say nothing to an engine; the header is mandatory.
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "docker");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let request = request
        .body(body)
        .map_err(|error| ConnectCause::NotEngine(error.to_string()))?;
    let sent = sender.send_request(request).await;
    let error = match sent {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    // Of a connection that ended before, the request knows only that it is not there.
    drop(sender);
    match connection.await {
        Ok(Err(cause)) => Err(failed(&cause)),
        _ => Err(failed(&error)),
    }
}

/// Asks for a stream of HTTP/2 at `path`.
pub(crate) async fn upgrade(stream: Stream, path: &str) -> Result<Stream, ConnectCause> {
    let headers = [(header::CONNECTION, "Upgrade"), (header::UPGRADE, "h2c")];
    let answer = exchange(stream, Method::POST, path, &headers, empty()).await?;
    match answer.status() {
        StatusCode::SWITCHING_PROTOCOLS => {}
        status => return Err(ConnectCause::NoBuildkit(status)),
    }
    let upgraded = hyper::upgrade::on(answer).await;
    Ok(Box::new(TokioIo::new(
        upgraded.map_err(|error| failed(&error))?,
    )))
}

/// Returns what stands behind an error of HTTP: the end of the stream says more than what is made
/// of it.
pub(crate) fn failed(error: &hyper::Error) -> ConnectCause {
    let mut text = error.to_string();
    let mut link = std::error::Error::source(error);
    while let Some(cause) = link {
        text = cause.to_string();
        link = cause.source();
    }
    ConnectCause::NotEngine(text)
}

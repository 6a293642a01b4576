//! Calls a service as the daemon does, without a daemon.

use std::convert::Infallible;

use hyper_util::rt::TokioIo;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint, Server};
use tower::{Service, service_fn};

/// Serves `service` on one end of a pipe and returns a client's channel on the other.
pub(super) async fn channel<S>(service: S) -> Channel
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
        + NamedService
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send + 'static,
{
    let (near, far) = tokio::io::duplex(64 << 10);
    let server = Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(super::only(far)));
    let mut near = Some(near);
    let connector = service_fn(move |_| {
        let near = near.take().ok_or(std::io::ErrorKind::NotConnected);
        async move { Ok::<_, std::io::Error>(TokioIo::new(near?)) }
    });
    Endpoint::from_static("http://session")
        .connect_with_connector(connector)
        .await
        .unwrap()
}

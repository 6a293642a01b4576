//! The gRPC face of the service; written by hand, since the generated ones are each bound to
//! one payload and share a name, which a router refuses.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, BoxFuture, Service, StdError};
use tonic::server::{Grpc, NamedService, StreamingService};
use tonic::{Request, Response, Status, Streaming};

use super::codec::RawCodec;
use super::{FileSendService, METHODS};
use crate::buildkit::session::fsutil::MAX_MESSAGE;

/// [`FileSendService`] as a tonic router takes it.
#[derive(Clone)]
pub struct FileSendServer(FileSendService);

impl FileSendServer {
    pub(super) fn new(service: FileSendService) -> Self {
        Self(service)
    }
}

impl NamedService for FileSendServer {
    const NAME: &'static str = "moby.filesync.v1.FileSend";
}

struct DiffCopy(FileSendService);

impl StreamingService<Bytes> for DiffCopy {
    type Response = Bytes;
    type ResponseStream = ReceiverStream<Result<Bytes, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let service = self.0.clone();
        Box::pin(async move { service.receive(request).await })
    }
}

impl<B> Service<http::Request<B>> for FileSendServer
where
    B: HttpBody + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let method = DiffCopy(self.0.clone());
        Box::pin(async move {
            if !METHODS.contains(&request.uri().path()) {
                return Ok(Status::unimplemented("").into_http());
            }
            let mut grpc = Grpc::new(RawCodec)
                .apply_max_message_size_config(Some(MAX_MESSAGE), Some(MAX_MESSAGE));
            Ok(grpc.streaming(method, request).await)
        })
    }
}

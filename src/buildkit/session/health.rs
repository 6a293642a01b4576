//! `grpc.health.v1.Health`: the daemon's sign that this side still lives.
//!
//! It is asked every few seconds, and a session that fails to answer twice is ended (BuildKit
//! `session/grpc.go`). The answer needs nothing that could block.

use std::collections::HashMap;
use std::pin::Pin;

use buildkit_proto::health::health_check_response::ServingStatus;
use buildkit_proto::health::health_server::{Health, HealthServer};
use buildkit_proto::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use futures_util::{Stream, StreamExt as _, stream};
use tonic::{Request, Response, Status};

/// The calls of this service.
pub(super) const METHODS: &[&str] = &[
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
];

/// Returns the service.
pub(super) fn service() -> HealthServer<Serving> {
    HealthServer::new(Serving)
}

/// Serves as long as it is asked at all.
pub(super) struct Serving;

const SERVING: HealthCheckResponse = HealthCheckResponse {
    status: ServingStatus::Serving as i32,
};

#[tonic::async_trait]
impl Health for Serving {
    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(SERVING))
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        Ok(Response::new(HealthListResponse {
            statuses: HashMap::from([(String::new(), SERVING)]),
        }))
    }

    type WatchStream =
        Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send + 'static>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let told_once = stream::iter([Ok(SERVING)]).chain(stream::pending());
        Ok(Response::new(Box::pin(told_once)))
    }
}

//! Registry credentials for the daemon: `moby.filesync.v1.Auth`.
//!
//! The daemon asks when a registry wants a login. Where it can, it lets this side exchange
//! the credentials for a token (`token`), so that passwords stay here; `authority` lets
//! it recognise that two sessions hold the same ones and share what one of them fetched.
//! Credentials come from the user's Docker and Podman files and helpers (`store`) and go to
//! the registry they are for alone. Facts: BuildKit `session/auth/authprovider`.

mod authority;
mod config;
mod credentials;
mod http;
mod store;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use buildkit_proto::moby::filesync::v1::auth_server::{Auth, AuthServer};
use buildkit_proto::moby::filesync::v1::{
    CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
    GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
    VerifyTokenAuthorityResponse,
};
use tonic::{Request, Response, Status};

use crate::buildkit::error::explained;
use authority::Seeds;

pub use credentials::Credentials;
pub use http::{HttpClients, HttpError, VERIFYING, is_loopback, is_same_origin};
pub use store::{AuthError, CredentialStore, Locations};

/// The methods that this service answers, as the session announces them.
pub const METHODS: &[&str] = &[
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
    "/moby.filesync.v1.Auth/GetTokenAuthority",
    "/moby.filesync.v1.Auth/VerifyTokenAuthority",
];

/// The service.
#[derive(Debug)]
pub struct AuthService {
    store: Arc<CredentialStore>,
    seeds: Arc<Seeds>,
}

impl AuthService {
    /// Returns a service of the given credentials.
    #[must_use]
    pub fn new(store: Arc<CredentialStore>) -> Self {
        let seeds = Arc::new(Seeds::new(store.docker_directory()));
        Self { store, seeds }
    }

    /// Returns the service in the form that a tonic router takes.
    #[must_use]
    pub fn into_server(self) -> AuthServer<Self> {
        AuthServer::new(self)
    }

    async fn credentials_for(&self, host: &str) -> Result<Credentials, Status> {
        let found = self.store.credentials_for(host).await;
        found.map_err(|error| Status::failed_precondition(explained(&error)))
    }

    async fn key(&self, host: String, salt: Vec<u8>) -> Result<authority::Key, Status> {
        if !self.store.shares_tokens() {
            return Err(Status::unavailable("client side tokens are turned off"));
        }
        let has_secret = self.credentials_for(&host).await?.secret().is_some();
        let seeds = Arc::clone(&self.seeds);
        let seed = tokio::task::spawn_blocking(move || seeds.seed(&host)).await;
        let seed = seed
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| Status::failed_precondition(explained(&error)))?;
        let message: &[u8] = if has_secret { &seed } else { &[] };
        authority::Key::derive(&salt, message)
            .ok_or_else(|| Status::internal("no key can be derived"))
    }
}

/// A registry that this side cannot log in to.
#[derive(Debug, thiserror::Error)]
#[error("no token for {host}: {reason}")]
pub struct NoToken {
    /// The registry.
    pub host: String,
    /// Why not, without any secret.
    pub reason: String,
}

/// Fetches a token for this side's own use of a registry, with the clients of that use.
///
/// # Errors
/// The token server cannot be reached, refuses, or must not see the credentials.
pub async fn bearer(
    store: &CredentialStore,
    clients: &HttpClients,
    host: &str,
    realm: &str,
    service: &str,
    scope: String,
) -> Result<String, NoToken> {
    let failed = |error: &dyn std::error::Error| NoToken {
        host: host.to_owned(),
        reason: explained(error),
    };
    let credentials = store.credentials_for(host).await;
    let credentials = credentials.map_err(|error| failed(&error))?;
    let request = FetchTokenRequest {
        client_id: String::new(),
        host: host.to_owned(),
        realm: realm.to_owned(),
        service: service.to_owned(),
        scopes: vec![scope],
    };
    let token = token::fetch(&request, &credentials, clients).await;
    token
        .map(|answer| answer.token)
        .map_err(|error| failed(&error))
}

#[tonic::async_trait]
impl Auth for AuthService {
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let credentials = self.credentials_for(&request.get_ref().host).await?;
        Ok(Response::new(CredentialsResponse {
            username: credentials.username().unwrap_or_default().to_owned(),
            secret: credentials.secret().unwrap_or_default().to_owned(),
        }))
    }

    async fn fetch_token(
        &self,
        request: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        let request = request.into_inner();
        let credentials = self.credentials_for(&request.host).await?;
        let token = token::fetch(&request, &credentials, &VERIFYING).await;
        let token = token.map_err(|error| {
            tracing::debug!(host = %request.host, "no token");
            error.into_status(&request.host)
        })?;
        Ok(Response::new(token))
    }

    async fn get_token_authority(
        &self,
        request: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        let GetTokenAuthorityRequest { host, salt } = request.into_inner();
        let public_key = self.key(host, salt).await?.public();
        Ok(Response::new(GetTokenAuthorityResponse { public_key }))
    }

    async fn verify_token_authority(
        &self,
        request: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        let VerifyTokenAuthorityRequest {
            host,
            payload,
            salt,
        } = request.into_inner();
        let signed = self.key(host, salt).await?.sign(&payload);
        Ok(Response::new(VerifyTokenAuthorityResponse { signed }))
    }
}

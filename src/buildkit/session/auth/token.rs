//! Exchanges credentials for a registry token (the distribution project's token protocol).
//!
//! With a secret the OAuth form is posted first; registries that do not know it get the older
//! GET with basic authentication. Without one the GET is anonymous.

use buildkit_proto::moby::filesync::v1::{FetchTokenRequest, FetchTokenResponse};
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use tonic::Status;

use super::credentials::Credentials;
use super::http::{HttpClients, HttpError, is_loopback};
use crate::buildkit::error::explained;

/// What a token without a stated life is good for, in seconds.
const DEFAULT_LIFE: i64 = 60;
/// The longest answer that is read.
const LONGEST: usize = 1 << 20;

/// Why there is no token. None of these holds a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum TokenError {
    #[error("the token server's address is malformed")]
    Realm,
    #[error("credentials are not sent to {0} without TLS")]
    Insecure(String),
    #[error(transparent)]
    Client(#[from] HttpError),
    #[error("cannot reach {realm}")]
    Reach {
        realm: String,
        source: reqwest::Error,
    },
    #[error("{realm} answered {status}")]
    Refused { realm: String, status: StatusCode },
    #[error("{0} sent no token")]
    NoToken(String),
}

impl TokenError {
    /// Returns the answer to the daemon.
    pub(super) fn into_status(self, host: &str) -> Status {
        let message = format!("no token for {host}: {}", explained(&self));
        match self {
            Self::Refused {
                status: StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN,
                ..
            } => Status::unauthenticated(message),
            _ => Status::unknown(message),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: i64,
    /// RFC 3339.
    #[serde(default)]
    issued_at: String,
}

/// Fetches a token for the scopes that the daemon names, with the client for its server.
///
/// # Errors
/// The server cannot be reached, refuses, or must not see the credentials.
pub(super) async fn fetch(
    request: &FetchTokenRequest,
    credentials: &Credentials,
    clients: &HttpClients,
) -> Result<FetchTokenResponse, TokenError> {
    if let Credentials::RegistryToken(token) = credentials {
        return Ok(FetchTokenResponse {
            token: token.clone(),
            expires_in: DEFAULT_LIFE,
            issued_at: 0,
        });
    }
    let realm = Url::parse(&request.realm).map_err(|_| TokenError::Realm)?;
    let client = clients.client(&realm)?;
    let query = || {
        let service = Some(("service", request.service.as_str()));
        let service = service.filter(|(_, service)| !service.is_empty());
        let scopes = request.scopes.iter().map(|scope| ("scope", scope.as_str()));
        let pairs: Vec<_> = service.into_iter().chain(scopes).collect();
        client.get(realm.clone()).query(&pairs)
    };
    let Some(secret) = credentials.secret() else {
        return exchange(&realm, query()).await;
    };
    if !may_see_secrets(&realm, &request.host) {
        return Err(TokenError::Insecure(shown(&realm)));
    }
    let form = form(request, credentials.username(), secret);
    match exchange(&realm, client.post(realm.clone()).form(&form)).await {
        Err(TokenError::Refused { status, .. }) if knows_no_post(status, credentials) => {
            let username = credentials.username().unwrap_or_default();
            exchange(&realm, query().basic_auth(username, Some(secret))).await
        }
        other => other,
    }
}

/// Returns the fields of the OAuth form.
fn form(
    request: &FetchTokenRequest,
    username: Option<&str>,
    secret: &str,
) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("service", request.service.clone()),
        ("client_id", "buildkit-client".into()),
    ];
    if !request.scopes.is_empty() {
        form.push(("scope", request.scopes.join(" ")));
    }
    match username {
        Some(username) => form.extend([
            ("grant_type", "password".into()),
            ("username", username.into()),
            ("password", secret.into()),
        ]),
        None => form.extend([
            ("grant_type", "refresh_token".into()),
            ("refresh_token", secret.into()),
        ]),
    }
    form
}

/// Returns whether a refusal of the form may only mean that the server does not know it.
fn knows_no_post(status: StatusCode, credentials: &Credentials) -> bool {
    match status {
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED => true,
        StatusCode::METHOD_NOT_ALLOWED => credentials.username().is_some(),
        _ => false,
    }
}

/// Returns whether the connection is safe for a secret: it is encrypted, stays on this
/// machine, or goes to the very registry, which the daemon then reaches without TLS too.
fn may_see_secrets(realm: &Url, registry: &str) -> bool {
    if realm.scheme() == "https" {
        return true;
    }
    let registry = Url::parse(&format!("http://{registry}"));
    let is_registry = |registry: Url| registry.host_str() == realm.host_str();
    is_loopback(realm) || registry.is_ok_and(is_registry)
}

async fn exchange(realm: &Url, request: RequestBuilder) -> Result<FetchTokenResponse, TokenError> {
    // A request's address may hold what the daemon put into it; the errors show the realm.
    let reach = |error: reqwest::Error| TokenError::Reach {
        realm: shown(realm),
        source: error.without_url(),
    };
    let mut response = request.send().await.map_err(reach)?;
    let status = response.status();
    if !status.is_success() {
        return Err(TokenError::Refused {
            realm: shown(realm),
            status,
        });
    }
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(reach)? {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            return Err(TokenError::NoToken(shown(realm)));
        }
    }
    let answer: Option<Answer> = serde_json::from_slice(&body).ok();
    let answer = answer.ok_or_else(|| TokenError::NoToken(shown(realm)))?;
    let token = if answer.access_token.is_empty() {
        answer.token
    } else {
        answer.access_token
    };
    if token.is_empty() {
        return Err(TokenError::NoToken(shown(realm)));
    }
    Ok(FetchTokenResponse {
        token,
        expires_in: match answer.expires_in {
            0 => DEFAULT_LIFE,
            stated => stated,
        },
        issued_at: answer
            .issued_at
            .parse()
            .map_or(0, jiff::Timestamp::as_second),
    })
}

/// Returns the realm without what may be secret in it.
fn shown(realm: &Url) -> String {
    let mut shown = realm.clone();
    shown.set_query(None);
    shown.set_fragment(None);
    // Both fail only for addresses that can hold neither.
    shown.set_username("").ok();
    shown.set_password(None).ok();
    shown.to_string()
}

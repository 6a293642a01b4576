//! Writes manifests to registries.
//!
//! Daemons push images themselves. What none of them can write is an index over images that
//! several have pushed: that is put together here and sent from this machine, with the credentials
//! that daemons are lent, to registries that this machine must therefore reach, too.
//!
//! Registries without TLS are spoken to if they are on this machine, or if the user said so.
//!
//! Spec: OCI distribution-spec "Pushing Manifests"; distribution `docs/spec/auth/token.md`.

mod challenge;
mod client;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};

use self::challenge::Challenge;
pub use self::client::ClientError;
use crate::buildkit::session::auth::{AuthError, CredentialStore, Credentials, NoToken, bearer};
use crate::oci::Reference;

/// Where the images of Docker Hub are.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// How often a registry is asked that is busy or fails.
const ATTEMPTS: u32 = 3;
/// How long it is left alone after the first failure; twice as long after the next.
const PAUSE: Duration = Duration::from_millis(500);
/// How much of a refusal is read.
const LONGEST: usize = 64 << 10;

/// A way to registries.
#[derive(Clone, Debug)]
pub struct Registry {
    credentials: Arc<CredentialStore>,
    insecure: bool,
}

/// Why a manifest was not written.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Nobody answers.
    #[error("cannot reach {host} from this machine")]
    Reach {
        /// The registry.
        host: String,
        /// What stands in the way.
        source: reqwest::Error,
    },
    /// The credentials cannot be read.
    #[error(transparent)]
    Credentials(#[from] AuthError),
    /// There is no token.
    #[error(transparent)]
    Token(#[from] NoToken),
    /// The registry says no.
    #[error("{host} answered {status}{detail}")]
    Refused {
        /// The registry.
        host: String,
        /// Its answer.
        status: StatusCode,
        /// Its words, after a colon.
        detail: String,
    },
}

/// A manifest on its way.
struct Put<'a> {
    reference: &'a Reference,
    host: &'a str,
    media_type: &'a str,
    bytes: &'a [u8],
}

impl Registry {
    /// Returns a way to registries; `insecure` is for those without TLS or with unknown
    /// certificates.
    #[must_use]
    pub fn new(credentials: Arc<CredentialStore>, insecure: bool) -> Self {
        Self {
            credentials,
            insecure,
        }
    }

    /// Writes a manifest or an index under the tag of `reference`.
    ///
    /// # Errors
    /// The registry cannot be reached, or refuses.
    pub async fn put(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), RegistryError> {
        let host = match reference.domain() {
            crate::oci::reference::DEFAULT_DOMAIN => DOCKER_HUB,
            domain => domain,
        };
        let put = Put {
            reference,
            host,
            media_type,
            bytes,
        };
        let is_loopback = client::is_loopback(host);
        let client = client::client(self.insecure, is_loopback)?;
        if self.insecure || is_loopback {
            return match self.attempts(&client, &put, "https").await {
                Err(RegistryError::Reach { .. }) => self.attempts(&client, &put, "http").await,
                answered => answered,
            };
        }
        self.attempts(&client, &put, "https").await
    }

    /// Writes; a registry that is busy or fails is asked again.
    async fn attempts(
        &self,
        client: &Client,
        put: &Put<'_>,
        scheme: &str,
    ) -> Result<(), RegistryError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(client, put, scheme).await {
                Err(RegistryError::Refused { status, .. }) if is_passing(status) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                answered => return answered,
            }
        }
        self.attempt(client, put, scheme).await
    }

    async fn attempt(
        &self,
        client: &Client,
        put: &Put<'_>,
        scheme: &str,
    ) -> Result<(), RegistryError> {
        let (host, path) = (put.host, put.reference.path());
        let tag = put.reference.tag();
        let tag = tag.unwrap_or(crate::oci::reference::DEFAULT_TAG);
        let url = format!("{scheme}://{host}/v2/{path}/manifests/{tag}");
        let request = || {
            client
                .put(&url)
                .header(CONTENT_TYPE, put.media_type)
                .body(put.bytes.to_vec())
        };
        let mut response = self.send(host, request()).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let asked = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let asked = asked.filter_map(|value| value.to_str().ok());
            if let Some(challenge) = challenge::first(asked) {
                let request = self.logged_in(request(), put, &challenge).await?;
                response = self.send(host, request).await?;
            }
        }
        match response.status().is_success() {
            true => Ok(()),
            false => Err(refused(host, response).await),
        }
    }

    async fn send(&self, host: &str, request: RequestBuilder) -> Result<Response, RegistryError> {
        let sent = request.send().await;
        sent.map_err(|error| RegistryError::Reach {
            host: host.to_owned(),
            source: error.without_url(),
        })
    }

    /// Adds what the registry asks for.
    async fn logged_in(
        &self,
        request: RequestBuilder,
        put: &Put<'_>,
        challenge: &Challenge,
    ) -> Result<RequestBuilder, RegistryError> {
        let credentials = self.credentials.credentials_for(put.host).await?;
        Ok(match (challenge, credentials) {
            (_, Credentials::RegistryToken(token)) => request.bearer_auth(token),
            (Challenge::Basic, Credentials::Password { username, password }) => {
                request.basic_auth(username, Some(password))
            }
            (Challenge::Basic, _) => request,
            (Challenge::Bearer { realm, service }, _) => {
                let scope = format!("repository:{}:pull,push", put.reference.path());
                let token = bearer(&self.credentials, put.host, realm, service, scope).await?;
                request.bearer_auth(token)
            }
        })
    }
}

/// Tells whether it may go better the next time.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns a refusal with the registry's own words.
async fn refused(host: &str, mut response: Response) -> RegistryError {
    let status = response.status();
    let mut body = Vec::new();
    // What cannot be read is not said; the status is.
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > LONGEST {
            break;
        }
    }
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = answer["errors"][0]["message"].as_str();
    RegistryError::Refused {
        host: host.to_owned(),
        status,
        detail: message.map_or_else(String::new, |message| format!(": {message}")),
    }
}

#[cfg(test)]
mod tests;

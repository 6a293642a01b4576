//! Writes manifests to registries, and asks them for digests.
//!
//! Daemons push and pull images themselves. What none of them can write is an index over images that
//! several have pushed: that is put together here and sent from this machine, with the credentials
//! that daemons are lent, to registries that this machine must therefore reach, too. Lock files need no
//! daemon either, and what a registry has already is not built.
//!
//! Registries without TLS are spoken to if they are on this machine, or if the user said so.
//!
//! Spec: OCI distribution-spec "Pushing Manifests", "Checking if content exists in the registry"; distribution `docs/spec/auth/token.md`.

mod challenge;
mod client;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use oci_spec::image::{Digest, ImageIndex};
use reqwest::header::{ACCEPT, CONTENT_TYPE, WWW_AUTHENTICATE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use tokio::time::timeout;

use self::challenge::Challenge;
pub use self::client::ClientError;
use self::client::Clients;
use crate::buildkit::session::auth::{AuthError, CredentialStore, Credentials, NoToken, bearer};
use crate::content::digest;
use crate::oci::Reference;

/// Where the images of Docker Hub are.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// How often a registry is asked that is busy or fails.
const ATTEMPTS: u32 = 3;
/// How long it is left alone after the first failure; twice as long after the next.
const PAUSE: Duration = Duration::from_millis(500);
/// How much of a refusal is read.
const LONGEST: usize = 64 << 10;
/// How large a manifest may be: what BuildKit and registries take, too.
const LARGEST: usize = 4 << 20;

/// Header with the digest of a manifest.
const DIGEST: &str = "docker-content-digest";
/// What images are described by.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// Those of them that list others.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A way to registries.
#[derive(Clone, Debug)]
pub struct Registry {
    credentials: Arc<CredentialStore>,
    insecure: bool,
    clients: Arc<Clients>,
}

/// Why a manifest was not written, or its digest not found.
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
    /// The registry takes too long.
    #[error("{host} does not answer")]
    Late {
        /// The registry.
        host: String,
    },
    /// The registry answers with something else.
    #[error("{host} answered with no manifest")]
    NoManifest {
        /// The registry.
        host: String,
    },
}

/// A question about one manifest.
struct Question<'a> {
    reference: &'a Reference,
    host: &'a str,
    ask: Ask<'a>,
}

/// What a registry is to do with a manifest.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Put {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    Head,
    Get,
}

impl Ask<'_> {
    /// Returns the request.
    fn request(self, client: &Client, url: &str) -> RequestBuilder {
        match self {
            Self::Put { media_type, bytes } => client
                .put(url)
                .header(CONTENT_TYPE, media_type)
                .body(bytes.to_vec()),
            Self::Head => client.request(Method::HEAD, url).header(ACCEPT, MANIFESTS),
            Self::Get => client.get(url).header(ACCEPT, MANIFESTS),
        }
    }

    /// Returns the actions that a token must allow.
    fn actions(self) -> &'static str {
        match self {
            Self::Put { .. } => "pull,push",
            Self::Head | Self::Get => "pull",
        }
    }
}

impl Registry {
    /// Returns a way to registries; `insecure` is for those without TLS or with unknown
    /// certificates.
    #[must_use]
    pub fn new(credentials: Arc<CredentialStore>, insecure: bool) -> Self {
        Self {
            credentials,
            insecure,
            clients: Arc::default(),
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
        let ask = Ask::Put { media_type, bytes };
        self.ask(reference, ask).await.map(drop)
    }

    /// Returns the digest of what the tag of `reference` stands for: an index or a manifest.
    ///
    /// # Errors
    /// The registry cannot be reached, refuses, or does not have it.
    pub async fn digest(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        let head = self.ask(reference, Ask::Head).await?;
        if let Some(digest) = told(&head) {
            return Ok(digest);
        }
        // Registries may leave it to the client.
        let mut manifest = self.ask(reference, Ask::Get).await?;
        let bytes = body(&mut manifest, LARGEST).await;
        let is_manifest = serde_json::from_slice::<serde_json::Value>(&bytes)
            .is_ok_and(|manifest| manifest["schemaVersion"] == 2);
        let digest = digest(&*bytes).ok().filter(|_| is_manifest);
        digest.ok_or_else(|| RegistryError::NoManifest {
            host: host(reference).to_owned(),
        })
    }

    /// Tells whether the tag of `reference` stands for `digest`, and whether all manifests that this
    /// one lists are there, too. The registry is to answer within `patience`; finding credentials
    /// takes the time that it needs, since helpers may ask the user.
    ///
    /// # Errors
    /// The registry cannot be reached, or is late.
    pub async fn has(
        &self,
        reference: &Reference,
        digest: &Digest,
        patience: Duration,
    ) -> Result<bool, RegistryError> {
        self.credentials.credentials_for(host(reference)).await?;
        let answer = timeout(patience, self.stands_for(reference, digest)).await;
        match answer {
            Ok(Err(RegistryError::Refused { .. } | RegistryError::NoManifest { .. })) => Ok(false),
            Ok(answer) => answer,
            Err(_) => Err(RegistryError::Late {
                host: host(reference).to_owned(),
            }),
        }
    }

    async fn stands_for(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<bool, RegistryError> {
        let head = self.ask(reference, Ask::Head).await?;
        if told(&head).as_ref() != Some(digest) {
            return Ok(false);
        }
        let kind = head.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !INDEXES.contains(&kind) {
            return Ok(true);
        }
        let mut index = self.ask(reference, Ask::Get).await?;
        let index = body(&mut index, LARGEST).await;
        let Ok(index) = serde_json::from_slice::<ImageIndex>(&index) else {
            return Ok(false);
        };
        let listed = index.manifests().iter().map(|manifest| async move {
            let digest = manifest.digest().to_string();
            // A digest that is none is in no index that was pushed.
            let Ok(listed) = reference.repository().with_digest(&digest) else {
                return Ok(false);
            };
            self.ask(&listed, Ask::Head).await.map(|_| true)
        });
        let found = try_join_all(listed).await?;
        Ok(found.iter().all(|found| *found))
    }

    async fn ask(&self, reference: &Reference, ask: Ask<'_>) -> Result<Response, RegistryError> {
        let host = host(reference);
        let question = Question {
            reference,
            host,
            ask,
        };
        let is_loopback = client::is_loopback(host);
        let client = self.clients.get(self.insecure, is_loopback)?;
        if self.insecure || is_loopback {
            return match self.attempts(&client, &question, "https").await {
                Err(RegistryError::Reach { .. }) => self.attempts(&client, &question, "http").await,
                answered => answered,
            };
        }
        self.attempts(&client, &question, "https").await
    }

    /// Asks; a registry that is busy or fails is asked again.
    async fn attempts(
        &self,
        client: &Client,
        question: &Question<'_>,
        scheme: &str,
    ) -> Result<Response, RegistryError> {
        let mut pause = PAUSE;
        for _ in 1..ATTEMPTS {
            match self.attempt(client, question, scheme).await {
                Err(RegistryError::Refused { status, .. }) if is_passing(status) => {
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                answered => return answered,
            }
        }
        self.attempt(client, question, scheme).await
    }

    async fn attempt(
        &self,
        client: &Client,
        question: &Question<'_>,
        scheme: &str,
    ) -> Result<Response, RegistryError> {
        let (host, path) = (question.host, question.reference.path());
        let reference = question.reference;
        let name = reference.digest().or(reference.tag());
        let name = name.unwrap_or(crate::oci::reference::DEFAULT_TAG);
        let url = format!("{scheme}://{host}/v2/{path}/manifests/{name}");
        let request = || question.ask.request(client, &url);
        let mut response = self.send(host, request()).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let asked = response.headers().get_all(WWW_AUTHENTICATE).iter();
            let asked = asked.filter_map(|value| value.to_str().ok());
            if let Some(challenge) = challenge::first(asked) {
                let request = self.logged_in(request(), question, &challenge).await?;
                response = self.send(host, request).await?;
            }
        }
        match response.status().is_success() {
            true => Ok(response),
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
        question: &Question<'_>,
        challenge: &Challenge,
    ) -> Result<RequestBuilder, RegistryError> {
        let credentials = self.credentials.credentials_for(question.host).await?;
        Ok(match (challenge, credentials) {
            (_, Credentials::RegistryToken(token)) => request.bearer_auth(token),
            (Challenge::Basic, Credentials::Password { username, password }) => {
                request.basic_auth(username, Some(password))
            }
            (Challenge::Basic, _) => request,
            (Challenge::Bearer { realm, service }, _) => {
                let (path, actions) = (question.reference.path(), question.ask.actions());
                let scope = format!("repository:{path}:{actions}");
                let token = bearer(&self.credentials, question.host, realm, service, scope).await?;
                request.bearer_auth(token)
            }
        })
    }
}

/// Tells whether it may go better the next time.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// Returns the digest that an answer names.
fn told(answer: &Response) -> Option<Digest> {
    let told = answer.headers().get(DIGEST)?;
    told.to_str().ok()?.parse().ok()
}

/// Returns the registry that has an image.
pub(crate) fn host(reference: &Reference) -> &str {
    match reference.domain() {
        crate::oci::reference::DEFAULT_DOMAIN => DOCKER_HUB,
        domain => domain,
    }
}

/// Returns what can be read of an answer's body, and not much more than `longest` bytes.
async fn body(response: &mut Response, longest: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(piece)) = response.chunk().await {
        body.extend_from_slice(&piece);
        if body.len() > longest {
            break;
        }
    }
    body
}

/// Returns a refusal with the registry's own words.
async fn refused(host: &str, mut response: Response) -> RegistryError {
    let status = response.status();
    let body = body(&mut response, LONGEST).await;
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

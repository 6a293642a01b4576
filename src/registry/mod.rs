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

mod ask;
mod challenge;
mod client;
mod exchange;
mod logins;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use oci_spec::image::{Digest, ImageIndex};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use tokio::time::timeout;

use self::ask::Ask;
use self::logins::Logins;
use crate::buildkit::session::auth::{AuthError, CredentialStore, HttpError, NoToken};
use crate::content::digest;
use crate::oci::Reference;

/// Where the images of Docker Hub are.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// How large a manifest may be: what BuildKit and registries take, too.
const LARGEST: usize = 4 << 20;

/// Header with the digest of a manifest.
const DIGEST: &str = "docker-content-digest";

/// Kinds of manifests that list others.
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A way to registries.
#[derive(Clone, Debug)]
pub struct Registry {
    credentials: Arc<CredentialStore>,
    insecure: bool,
    logins: Arc<Logins>,
}

/// Why a manifest was not written, or its digest not found.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// There is no HTTP client.
    #[error(transparent)]
    Client(#[from] HttpError),
    /// The name of the registry cannot be one.
    #[error("{host} is no address of a registry")]
    Address {
        /// The registry.
        host: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
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

impl Registry {
    /// Returns a way to registries; `insecure` is for those without TLS or with unknown
    /// certificates.
    #[must_use]
    pub fn new(credentials: Arc<CredentialStore>, insecure: bool) -> Self {
        Self {
            credentials,
            insecure,
            logins: Arc::default(),
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
        self.manifest(reference).await.map(|(_, digest)| digest)
    }

    /// Returns the manifest or index that `reference` stands for, and its digest.
    ///
    /// # Errors
    /// The registry cannot be reached, refuses, or has something else.
    pub async fn manifest(
        &self,
        reference: &Reference,
    ) -> Result<(Vec<u8>, Digest), RegistryError> {
        let mut answer = self.ask(reference, Ask::Get).await?;
        let bytes = body(&mut answer, LARGEST).await;
        let is_manifest = serde_json::from_slice::<serde_json::Value>(&bytes)
            .is_ok_and(|manifest| manifest["schemaVersion"] == 2);
        let is_wanted = |digest: &Digest| {
            let wanted = reference.digest();
            is_manifest && wanted.is_none_or(|wanted| wanted == digest.to_string())
        };
        match digest(&*bytes).ok().filter(is_wanted) {
            Some(digest) => Ok((bytes, digest)),
            None => Err(RegistryError::NoManifest {
                host: host(reference).to_owned(),
            }),
        }
    }

    /// Tells whether the tag of `reference` stands for `digest`, and whether all manifests that this
    /// one lists are there, too. The registry is to answer within `patience`; finding credentials
    /// takes the time that it needs, since helpers may ask the user, and so does reading this machine's
    /// certificates.
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
        self.make_client(reference)?;
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
        let (index, _) = self.manifest(reference).await?;
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

#[cfg(test)]
mod tests;

//! What a registry is asked about a manifest.

use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, Url};

use super::RegistryError;
use crate::buildkit::session::auth::is_same_origin;
use crate::oci::Reference;
use crate::oci::reference::DEFAULT_TAG;

/// What images are described by.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// A question about one manifest.
pub(super) struct Question<'a> {
    pub(super) reference: &'a Reference,
    pub(super) host: &'a str,
    pub(super) ask: Ask<'a>,
}

/// What a registry is to do with a manifest.
#[derive(Clone, Copy)]
pub(super) enum Ask<'a> {
    Put {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    Head,
    Get,
}

impl Question<'_> {
    /// Returns where it is asked.
    pub(super) fn url(&self, scheme: &str) -> Result<Url, RegistryError> {
        let (host, path) = (self.host, self.reference.path());
        let name = self.reference.digest().or(self.reference.tag());
        let name = name.unwrap_or(DEFAULT_TAG);
        let url = Url::parse(&format!("{scheme}://{host}/v2/{path}/manifests/{name}"));
        url.map_err(|source| RegistryError::Address {
            host: host.to_owned(),
            source,
        })
    }

    /// Returns what a token must allow.
    pub(super) fn scope(&self) -> String {
        let actions = match self.ask {
            Ask::Put { .. } => "pull,push",
            Ask::Head | Ask::Get => "pull",
        };
        format!("repository:{}:{actions}", self.reference.path())
    }
}

impl Ask<'_> {
    /// Returns the request.
    pub(super) fn request(self, client: &Client, url: Url) -> RequestBuilder {
        match self {
            Self::Put { media_type, bytes } => client
                .put(url)
                .header(CONTENT_TYPE, media_type)
                .body(bytes.to_vec()),
            Self::Head => client.request(Method::HEAD, url).header(ACCEPT, MANIFESTS),
            Self::Get => client.get(url).header(ACCEPT, MANIFESTS),
        }
    }

    /// Returns where an answer leads to another server. Nothing is written there, and TLS is not
    /// left. What it leads to on its own server, the client has followed already.
    pub(super) fn next(self, answer: &Response) -> Option<Url> {
        if matches!(self, Self::Put { .. }) || !answer.status().is_redirection() {
            return None;
        }
        let from = answer.url();
        let to = answer.headers().get(LOCATION)?.to_str().ok()?;
        let to = from.join(to).ok()?;
        let is_safe = to.scheme() == "https" || to.scheme() == from.scheme();
        (is_safe && !is_same_origin(from, &to)).then_some(to)
    }
}

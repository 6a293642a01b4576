//! The HTTP client of a store: TLS by rustls and ring, trusting what this machine trusts.
//!
//! Certificates are read only if there may be TLS: that takes longer than the rest of the start.

use std::sync::Arc;
use std::time::Duration;

use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use rustls::{ClientConfig, RootCertStore};

/// Makes clients.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) is_secure: bool,
    /// Sent as a bearer token.
    pub(super) token: Option<String>,
    /// Limit of a connection's making.
    pub(super) patience: Duration,
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = self
            .client()
            .map_err(|source| object_store::Error::Generic {
                store: "HTTP",
                source,
            })?;
        Ok(HttpClient::new(client))
    }
}

impl Connector {
    fn client(&self) -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
        let mut roots = RootCertStore::empty();
        if self.is_secure {
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if roots.is_empty() {
                let built_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
                roots.add_parsable_certificates(built_in.iter().cloned());
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut headers = HeaderMap::new();
        if let Some(token) = &self.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .default_headers(headers)
            .connect_timeout(self.patience)
            // A body must be what was stored, not what a proxy makes of it.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("gobuild/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(client)
    }
}

//! HTTP clients: one that verifies certificates, and one that does not, for who asks for it.

use std::net::IpAddr;
use std::sync::OnceLock;

use reqwest::Client;
use rustls::ClientConfig;

use crate::buildkit::session::auth::{self, HttpError};
use crate::buildkit::transport::unverified;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ClientError(#[from] HttpError);

/// The clients of a way to registries, each made when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Clients {
    /// For registries on this machine, which are not behind a proxy.
    loopback: OnceLock<Client>,
    others: OnceLock<Client>,
}

impl Clients {
    /// Returns the client for registries on this machine or elsewhere; if `insecure`, one that takes
    /// any certificate.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub(super) fn get(&self, insecure: bool, is_loopback: bool) -> Result<Client, ClientError> {
        let made = if is_loopback {
            &self.loopback
        } else {
            &self.others
        };
        if let Some(client) = made.get() {
            return Ok(client.clone());
        }
        let client = client(insecure, is_loopback)?;
        Ok(made.get_or_init(|| client).clone())
    }
}

/// Returns a client; the one that daemons' tokens are fetched with, if that will do.
fn client(insecure: bool, is_loopback: bool) -> Result<Client, ClientError> {
    let tls = match (insecure, is_loopback) {
        (false, false) => return Ok(auth::http_client()?),
        (false, true) => auth::verifying_tls()?,
        (true, _) => unverifying_tls()?,
    };
    Ok(auth::http_client_with(tls, !is_loopback)?)
}

/// Returns TLS that takes any certificate.
fn unverifying_tls() -> Result<ClientConfig, HttpError> {
    let (provider, verifier) = unverified::verifier();
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

/// Tells whether a registry, `host[:port]`, is on this machine.
pub(super) fn is_loopback(registry: &str) -> bool {
    let url = reqwest::Url::parse(&format!("http://{registry}"));
    let host = url.as_ref().ok().and_then(reqwest::Url::host_str);
    let Some(host) = host else { return false };
    let bare = host.trim_matches(['[', ']']);
    let address = bare.parse::<IpAddr>();
    address.map_or(bare == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_on_this_machine_are_known() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:80", "[::1]:5000"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["registry.test", "10.0.0.1:5000", "localhost.test"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}

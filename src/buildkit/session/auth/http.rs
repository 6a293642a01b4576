//! The client for token servers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};

const CONNECT: Duration = Duration::from_secs(15);
const TOTAL: Duration = Duration::from_secs(45);

/// Returns the client that all exchanges share: it trusts what the system trusts (the built-in
/// list where the system has none), goes through the proxies that the environment names, and
/// follows redirects within one origin only, since a request may carry a password.
///
/// # Errors
/// The TLS library cannot be set up.
pub fn client() -> Result<Client, HttpError> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    let client = client_with(verifying()?, true)?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

/// Returns TLS that trusts what the shared client trusts.
///
/// # Errors
/// The TLS library cannot be set up.
pub fn verifying() -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots())
        .with_no_client_auth())
}

/// Returns a client of the same manners with trust of its own, through the proxies that the
/// environment names or without.
///
/// # Errors
/// The HTTP library refuses.
pub fn client_with(tls: ClientConfig, proxies: bool) -> Result<Client, HttpError> {
    let client = match proxies {
        true => Client::builder(),
        false => Client::builder().no_proxy(),
    };
    let client = client
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .timeout(TOTAL)
        .redirect(Policy::custom(|attempt| {
            let is_same = attempt.previous().last().is_some_and(|from| {
                same_origin(from, attempt.url()) && attempt.previous().len() < 5
            });
            if is_same {
                attempt.follow()
            } else {
                attempt.stop()
            }
        }))
        .user_agent(concat!("gobuild/", env!("CARGO_PKG_VERSION")))
        .build()?;
    Ok(client)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The TLS library refuses.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses.
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
}

fn same_origin(from: &Url, to: &Url) -> bool {
    from.scheme() == to.scheme()
        && from.host_str() == to.host_str()
        && from.port_or_known_default() == to.port_or_known_default()
}

fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        tracing::debug!(%error, "a system certificate is skipped");
    }
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        let built_in = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        roots.add_parsable_certificates(built_in.iter().cloned());
    }
    roots
}

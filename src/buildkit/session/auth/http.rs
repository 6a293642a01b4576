//! The clients for token servers, and for this side's own use of registries.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::{ClientConfig, RootCertStore};

const CONNECT: Duration = Duration::from_secs(15);
const TOTAL: Duration = Duration::from_secs(45);

/// Clients that trust what the system trusts, the built-in list where the system has none.
pub static VERIFYING: HttpClients = HttpClients::new(verifying);

/// Clients of one trust, each made when it is first needed. They follow redirects within one origin
/// only, since a request may carry a password.
#[derive(Debug)]
pub struct HttpClients {
    tls: fn() -> Result<ClientConfig, HttpError>,
    /// For servers on this machine: a proxy would send their requests elsewhere.
    loopback: OnceLock<Client>,
    others: OnceLock<Client>,
}

impl HttpClients {
    /// Returns clients with this TLS.
    #[must_use]
    pub const fn new(tls: fn() -> Result<ClientConfig, HttpError>) -> Self {
        Self {
            tls,
            loopback: OnceLock::new(),
            others: OnceLock::new(),
        }
    }

    /// Returns the client for an address: without proxies if that is on this machine, else through
    /// those that the environment names.
    ///
    /// # Errors
    /// The TLS or the HTTP library refuses.
    pub fn client(&self, url: &Url) -> Result<Client, HttpError> {
        let is_loopback = is_loopback(url);
        let made = if is_loopback {
            &self.loopback
        } else {
            &self.others
        };
        if let Some(client) = made.get() {
            return Ok(client.clone());
        }
        let client = client((self.tls)()?, !is_loopback)?;
        Ok(made.get_or_init(|| client).clone())
    }
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

fn verifying() -> Result<ClientConfig, HttpError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots())
        .with_no_client_auth())
}

fn client(tls: ClientConfig, proxies: bool) -> Result<Client, HttpError> {
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
                is_same_origin(from, attempt.url()) && attempt.previous().len() < 5
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

/// Tells whether two addresses are of one server, as far as it can be told.
#[must_use]
pub fn is_same_origin(from: &Url, to: &Url) -> bool {
    from.scheme() == to.scheme()
        && from.host_str() == to.host_str()
        && from.port_or_known_default() == to.port_or_known_default()
}

/// Tells whether an address is on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_matches(['[', ']']);
    let address = bare.parse::<IpAddr>();
    address.map_or(bare == "localhost", |address| address.is_loopback())
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

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: [&str; 4] = [
        "http://localhost",
        "https://localhost:5000/token",
        "http://127.0.0.1:80",
        "http://[::1]:5000",
    ];
    const ELSEWHERE: [&str; 3] = [
        "https://registry.test",
        "http://10.0.0.1:5000",
        "http://localhost.test",
    ];

    #[test]
    fn servers_on_this_machine_are_known() {
        for url in HERE {
            assert!(is_loopback(&url.parse().unwrap()), "{url}");
        }
        for url in ELSEWHERE {
            assert!(!is_loopback(&url.parse().unwrap()), "{url}");
        }
    }

    #[test]
    fn servers_on_this_machine_are_not_behind_a_proxy() {
        let shown = |url: &str| {
            let client = VERIFYING.client(&url.parse().unwrap()).unwrap();
            format!("{client:?}")
        };
        for url in HERE {
            assert!(!shown(url).contains("proxies"), "{url}");
        }
        for url in ELSEWHERE {
            assert!(shown(url).contains("proxies"), "{url}");
        }
    }
}

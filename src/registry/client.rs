//! HTTP clients: those that verify certificates, and those that do not, for who asks for it.

use rustls::ClientConfig;

use crate::buildkit::session::auth::{HttpClients, HttpError, VERIFYING};
use crate::buildkit::transport::unverified;

/// Clients that take any certificate.
static UNVERIFYING: HttpClients = HttpClients::new(unverifying);

/// Returns the clients for registries and their token servers; if `insecure`, those that take any
/// certificate.
pub(super) fn clients(insecure: bool) -> &'static HttpClients {
    if insecure { &UNVERIFYING } else { &VERIFYING }
}

fn unverifying() -> Result<ClientConfig, HttpError> {
    let (provider, verifier) = unverified::verifier();
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth())
}

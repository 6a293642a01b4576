//! The certificates this machine trusts, for a build step that downloads.
//!
//! The toolchain's layer holds no certificates: what a step may trust is the user's business
//! and reaches it as a secret, so it is in no layer and no cache key.

use crate::base::certs::{self, PemError, PemFile};

/// Why no certificate bundle could be put together.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// `SSL_CERT_FILE` or `SSL_CERT_DIR` names something without certificates.
    #[error("no certificates where SSL_CERT_FILE or SSL_CERT_DIR point")]
    Named(#[source] Option<rustls_native_certs::Error>),
    /// An extra bundle is not usable.
    #[error("cannot trust an extra certificate bundle")]
    Extra(#[from] PemError),
}

/// Returns a PEM bundle of the host's certificates followed by those of `extra`.
///
/// The host's are those `SSL_CERT_FILE` and `SSL_CERT_DIR` name, else those in the
/// distribution's place; a host without any gets Mozilla's.
///
/// # Errors
/// The variables name no certificates; an extra bundle holds none.
pub fn ca_bundle(extra: &[PemFile<'_>]) -> Result<Vec<u8>, TrustError> {
    let mut found = rustls_native_certs::load_native_certs();
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
    let mut bundle = if !found.certs.is_empty() {
        for error in &found.errors {
            tracing::warn!(%error, "skipped some of the host's certificates");
        }
        certs::encode(found.certs.iter().map(|cert| cert.as_ref()))
    } else if named {
        // Who names a file means to trust nobody else, be it empty.
        return Err(TrustError::Named(found.errors.pop()));
    } else {
        certs::mozilla()
    };
    for file in extra {
        bundle.push_str(&certs::normalized(*file)?);
    }
    Ok(bundle.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_bundles_follow_the_machines_own() {
        let own = ca_bundle(&[]).unwrap();
        assert!(own.starts_with(b"-----BEGIN CERTIFICATE-----\n"));
        let pem = certs::mozilla();
        let extra = PemFile {
            name: "corp.pem",
            pem: pem.as_bytes(),
        };
        let both = ca_bundle(&[extra]).unwrap();
        assert_eq!(both, [own.as_slice(), pem.as_bytes()].concat());
        let junk = PemFile {
            name: "corp.pem",
            pem: b"junk",
        };
        let error = ca_bundle(&[extra, junk]).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, "corp.pem holds no certificate");
    }
}

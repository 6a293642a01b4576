//! Credentials of a `tcp://` daemon: whom to trust, and who we are.
//!
//! Source: BuildKit `cmd/buildctl/common/common.go` (file names of `--tlsdir`) and
//! `client/client.go`.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use super::unverified;

/// The files that hold a connection's credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file of the authorities to trust; without it the system's are trusted.
    pub ca: Option<PathBuf>,
    /// PEM files of the client's certificate and its key, where the daemon asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Name that the daemon's certificate must have; without it the address' host.
    pub server_name: Option<String>,
    /// Whether a Docker Engine may have any certificate, as a Docker context can say.
    pub unverified: bool,
}

/// Why credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A directory of credentials lacks one of its files.
    #[error("{} holds neither {} nor {}", dir.display(), names[0], names[1])]
    Missing {
        /// The directory.
        dir: PathBuf,
        /// The names that were looked for.
        names: [&'static str; 2],
    },
    /// A file does not hold what it should.
    #[error("cannot use {}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No authority is configured, and the system has none.
    #[error("no certificate authority is given and the system has none")]
    NoAuthority,
}

impl TlsFiles {
    /// Finds the credentials in a directory laid out for buildctl's `--tlsdir`.
    ///
    /// # Errors
    /// One of the three files is missing.
    pub fn in_directory(dir: &Path) -> Result<Self, TlsError> {
        let find = |names: [&'static str; 2]| {
            names
                .iter()
                .map(|name| dir.join(name))
                .find(|path| path.is_file())
                .ok_or_else(|| TlsError::Missing {
                    dir: dir.to_owned(),
                    names,
                })
        };
        Ok(Self {
            ca: Some(find(["ca.pem", "ca.crt"])?),
            identity: Some((
                find(["cert.pem", "tls.crt"])?,
                find(["key.pem", "tls.key"])?,
            )),
            server_name: None,
            unverified: false,
        })
    }

    /// Reads the files into what the transport needs; `host` is the address' own name.
    ///
    /// # Errors
    /// A file cannot be read, or there is nobody to trust.
    pub(super) fn load(&self, host: &str) -> Result<ClientTlsConfig, TlsError> {
        let name = self.server_name.as_deref().unwrap_or(host);
        let mut config = ClientTlsConfig::new().domain_name(name);
        config = match &self.ca {
            Some(path) => config.ca_certificate(Certificate::from_pem(read(path)?)),
            None => config.trust_anchors(system_authorities()?.roots),
        };
        if let Some((certificate, key)) = &self.identity {
            config = config.identity(Identity::from_pem(read(certificate)?, read(key)?));
        }
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Returns the credentials for streams that do not begin as gRPC.
///
/// # Errors
/// A file cannot be read or used, or there is nobody to trust.
pub(super) fn client_config(files: &TlsFiles) -> Result<ClientConfig, TlsError> {
    let unusable = |path: &Path, why: &dyn std::fmt::Display| TlsError::Content {
        path: path.to_owned(),
        why: why.to_string(),
    };
    let certificates = |path: &Path| -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = read(path)?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        certificates.map_err(|error| unusable(path, &error))
    };
    let (provider, verifier) = unverified::verifier();
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsError::NoAuthority)?;
    let config = if files.unverified {
        config
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    } else {
        config.with_root_certificates(match &files.ca {
            Some(path) => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(certificates(path)?);
                roots
            }
            None => system_authorities()?,
        })
    };
    let Some((certificate, key)) = &files.identity else {
        return Ok(config.with_no_client_auth());
    };
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|e| unusable(key, &e))?;
    config
        .with_client_auth_cert(certificates(certificate)?, secret)
        .map_err(|error| unusable(certificate, &error))
}

fn system_authorities() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TlsError::NoAuthority);
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_credentials_directory_are_found() {
        for names in [
            ["ca.pem", "cert.pem", "key.pem"],
            ["ca.crt", "tls.crt", "tls.key"],
        ] {
            let dir = tempfile::tempdir().unwrap();
            let [ca, cert, key] = names.map(|name| dir.path().join(name));
            for path in [&ca, &cert, &key] {
                std::fs::write(path, "").unwrap();
            }
            assert_eq!(
                TlsFiles::in_directory(dir.path()).unwrap(),
                TlsFiles {
                    ca: Some(ca),
                    identity: Some((cert, key)),
                    server_name: None,
                    unverified: false,
                }
            );
        }
    }

    #[test]
    fn an_incomplete_directory_names_what_it_lacks() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), "").unwrap();
        let error = TlsFiles::in_directory(dir.path()).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("holds neither cert.pem nor tls.crt"),
            "{error}"
        );
    }
}

//! Certificate bundles: Mozilla's roots, and what users add.
//!
//! Bundles are written anew from the decoded certificates: comments, private keys that
//! slipped into a file and line endings do not reach an image. PEM: RFC 7468.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};

/// A PEM file the user named.
#[derive(Clone, Copy, Debug)]
pub struct PemFile<'a> {
    /// What to call it in errors: its path as the user wrote it.
    pub name: &'a str,
    /// Its contents.
    pub pem: &'a [u8],
}

/// Why a PEM file cannot serve as a bundle.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// The file holds no certificate.
    #[error("{name} holds no certificate")]
    Empty {
        /// The file.
        name: String,
    },
    /// A section is cut off or not base64.
    #[error("{name} is not well-formed PEM")]
    Malformed {
        /// The file.
        name: String,
        /// What is wrong.
        source: pem::Error,
    },
    /// A certificate cannot be an authority's.
    #[error("certificate {number} of {name} is not usable")]
    Unusable {
        /// The file.
        name: String,
        /// Its position, from one.
        number: usize,
        /// What is wrong.
        source: rustls::Error,
    },
}

/// Returns Mozilla's roots as PEM, in the order of their bytes.
#[must_use]
pub fn mozilla() -> String {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
    let ordered: BTreeSet<&[u8]> = roots.iter().map(|cert| cert.as_ref()).collect();
    encode(ordered)
}

/// Returns the certificates of a PEM file, each checked and written anew.
///
/// # Errors
/// There are none, or one is malformed.
pub fn normalized(file: PemFile<'_>) -> Result<String, PemError> {
    let name = file.name;
    let certificates = CertificateDer::pem_slice_iter(file.pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| PemError::Malformed {
            name: name.to_owned(),
            source,
        })?;
    if certificates.is_empty() {
        return Err(PemError::Empty {
            name: name.to_owned(),
        });
    }
    let mut store = RootCertStore::empty();
    for (index, certificate) in certificates.iter().enumerate() {
        store
            .add(certificate.clone())
            .map_err(|source| PemError::Unusable {
                name: name.to_owned(),
                number: index + 1,
                source,
            })?;
    }
    Ok(encode(certificates.iter().map(|cert| cert.as_ref())))
}

/// Returns DER certificates as PEM.
pub(crate) fn encode<'a>(certificates: impl IntoIterator<Item = &'a [u8]>) -> String {
    const COLUMNS: usize = 64;
    let mut out = String::new();
    for der in certificates {
        out.push_str("-----BEGIN CERTIFICATE-----\n");
        let text = STANDARD.encode(der);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(COLUMNS));
            out.push_str(line);
            out.push('\n');
            rest = after;
        }
        out.push_str("-----END CERTIFICATE-----\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(pem: &[u8]) -> Result<String, PemError> {
        normalized(PemFile {
            name: "corp.pem",
            pem,
        })
    }

    #[test]
    fn mozillas_roots_survive_a_round_trip() {
        let pem = mozilla();
        assert_eq!(normal(pem.as_bytes()).unwrap(), pem);
        let count = pem.matches("BEGIN CERTIFICATE").count();
        assert_eq!(count, webpki_root_certs::TLS_SERVER_ROOT_CERTS.len());
        assert!(pem.lines().all(|line| line.len() <= 64));
    }

    #[test]
    fn only_certificates_of_a_file_are_kept() {
        let first = encode([webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].as_ref()]);
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let file = format!("# a comment\r\n{key}{}", first.replace('\n', "\r\n"));
        assert_eq!(normal(file.as_bytes()).unwrap(), first);
    }

    #[test]
    fn files_without_usable_certificates_are_named() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let cases = [
            (String::new(), "corp.pem holds no certificate"),
            (key.to_owned(), "corp.pem holds no certificate"),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n".to_owned(),
                "corp.pem is not well-formed PEM",
            ),
            (
                encode([b"no DER".as_slice()]),
                "certificate 1 of corp.pem is not usable",
            ),
        ];
        for (file, message) in cases {
            assert_eq!(normal(file.as_bytes()).unwrap_err().to_string(), message);
        }
    }
}

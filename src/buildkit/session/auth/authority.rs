//! Proves to the daemon that two sessions hold the same credentials, without showing them.
//!
//! Each host has a random seed, kept beside Docker's configuration in `.token_seed` and
//! shared with docker's own client. A key pair is derived from it and the daemon's salt; who
//! can sign with it may use the tokens fetched by another who could.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// A key pair for one host and salt.
pub(super) struct Key(SigningKey);

impl Key {
    /// Derives the pair; `seed` is empty for an anonymous host.
    pub(super) fn derive(salt: &[u8], seed: &[u8]) -> Option<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(salt).ok()?;
        mac.update(seed);
        Some(Self(SigningKey::from_bytes(
            &mac.finalize().into_bytes().into(),
        )))
    }

    /// Returns the public half.
    pub(super) fn public(&self) -> Vec<u8> {
        self.0.verifying_key().to_bytes().to_vec()
    }

    /// Returns the signature followed by the payload, as NaCl's `sign` does.
    pub(super) fn sign(&self, payload: &[u8]) -> Vec<u8> {
        let mut signed = self.0.sign(payload).to_bytes().to_vec();
        signed.extend_from_slice(payload);
        signed
    }
}

/// The seeds by host.
#[derive(Debug)]
pub(super) struct Seeds {
    directory: Option<PathBuf>,
    known: Mutex<BTreeMap<String, Vec<u8>>>,
}

/// A seed as it stands in the file: base64.
#[derive(Deserialize, Serialize)]
struct Stored {
    #[serde(rename = "Seed")]
    seed: String,
}

/// Why the file of seeds cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {path:?}")]
pub(super) struct SeedError {
    path: PathBuf,
    source: io::Error,
}

impl Seeds {
    /// Returns the seeds kept in a folder, which is made when needed; without one they live
    /// as long as this value.
    pub(super) fn new(directory: Option<PathBuf>) -> Self {
        Self {
            directory,
            known: Mutex::default(),
        }
    }

    /// Returns a host's seed, a new one if there is none.
    ///
    /// A folder that this user cannot write is no error: the seed is then forgotten later.
    ///
    /// # Errors
    /// The file cannot be read, or there is no randomness.
    pub(super) fn seed(&self, host: &str) -> Result<Vec<u8>, SeedError> {
        // Each change is a single call, after which the map is whole.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seed) = known.get(host) {
            return Ok(seed.clone());
        }
        let path = self.directory.as_deref();
        let seed = match path {
            Some(directory) => stored(directory, host).map_err(|source| SeedError {
                path: directory.join(".token_seed"),
                source,
            })?,
            None => fresh().map_err(|source| SeedError {
                path: PathBuf::new(),
                source,
            })?,
        };
        known.insert(host.to_owned(), seed.clone());
        Ok(seed)
    }
}

fn stored(directory: &Path, host: &str) -> io::Result<Vec<u8>> {
    if let Err(error) = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        && !is_denied(&error)
    {
        return Err(error);
    }
    let _lock = match lock(directory) {
        Ok(lock) => Some(lock),
        Err(error) if is_denied(&error) => None,
        Err(error) => return Err(error),
    };
    let path = directory.join(".token_seed");
    let mut seeds: BTreeMap<String, Stored> = match std::fs::read(&path) {
        // What a crash left half-written is replaced.
        Ok(text) => serde_json::from_slice(&text).unwrap_or_default(),
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_denied(&error) => {
            BTreeMap::new()
        }
        Err(error) => return Err(error),
    };
    let known = seeds.get(host).map(|stored| STANDARD.decode(&stored.seed));
    if let Some(Ok(seed)) = known {
        return Ok(seed);
    }
    let seed = fresh()?;
    let stored = Stored {
        seed: STANDARD.encode(&seed),
    };
    seeds.insert(host.to_owned(), stored);
    match write(directory, &path, &seeds) {
        Err(error) if !is_denied(&error) => Err(error),
        _ => Ok(seed),
    }
}

/// Takes the lock that docker's client takes; it ends with the file.
fn lock(directory: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(directory.join(".token_seed.lock"))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

fn write(directory: &Path, path: &Path, seeds: &BTreeMap<String, Stored>) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec_pretty(seeds)?)?;
    file.persist(path)?;
    Ok(())
}

fn is_denied(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}

fn fresh() -> io::Result<Vec<u8>> {
    let mut seed = vec![0; 16];
    io::Read::read_exact(&mut File::open("/dev/urandom")?, &mut seed)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};

    use super::*;

    #[test]
    fn a_signature_verifies_with_the_public_key() {
        let key = Key::derive(b"salt", b"seed").unwrap();
        let public: [u8; 32] = key.public().try_into().unwrap();
        let signed = key.sign(b"payload");
        let (signature, payload) = signed.split_at(64);
        assert_eq!(payload, b"payload");
        VerifyingKey::from_bytes(&public)
            .unwrap()
            .verify(payload, &Signature::from_slice(signature).unwrap())
            .unwrap();
        assert_ne!(public, *Key::derive(b"other", b"seed").unwrap().public());
        assert_ne!(public, *Key::derive(b"salt", b"").unwrap().public());
    }

    #[test]
    fn seeds_are_kept_and_shared() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("docker");
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join(".token_seed");
        std::fs::write(
            &path,
            r#"{"old.test": {"Seed": "AAECAwQFBgcICQoLDA0ODw=="}}"#,
        )
        .unwrap();

        let seeds = Seeds::new(Some(directory.clone()));
        assert_eq!(
            seeds.seed("old.test").unwrap(),
            (0..16).collect::<Vec<u8>>()
        );
        let new = seeds.seed("new.test").unwrap();
        assert_eq!(Seeds::new(Some(directory)).seed("new.test").unwrap(), new);
        assert_ne!(seeds.seed("other.test").unwrap(), new);
        let mode = std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
}

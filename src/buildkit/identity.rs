//! Names that no two sessions or builds share.

use rustls::crypto::ring;

/// The system's random source gave nothing.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the system's random source is not available")]
pub struct NoRandomness;

/// Returns 25 random characters of `a-z0-9`, the shape of BuildKit's own ids (`identity/randomid.go`).
///
/// # Errors
/// The system gives no random bytes.
pub fn random_id() -> Result<String, NoRandomness> {
    const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut bytes = [0; 25];
    ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| NoRandomness)?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 36)]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_plain() {
        let (one, other) = (random_id().unwrap(), random_id().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 25);
        assert!(
            one.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
    }
}

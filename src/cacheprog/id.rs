//! The SHA-256 values that Go's build cache is keyed by.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Bytes of an [`Id`].
pub(super) const ID_BYTES: usize = 32;

/// An action's or an output's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub [u8; ID_BYTES]);

impl Id {
    /// Returns the id of an output: the hash of its bytes.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Returns the id in lower-case hexadecimal.
    #[must_use]
    pub fn hex(&self) -> [u8; 2 * ID_BYTES] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 2 * ID_BYTES];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        text
    }

    /// Reads lower- or upper-case hexadecimal, as Go does.
    #[must_use]
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        if text.len() != 2 * ID_BYTES {
            return None;
        }
        let mut id = [0; ID_BYTES];
        for (byte, pair) in id.iter_mut().zip(text.chunks_exact(2)) {
            let digit = |at: usize| char::from(pair[at]).to_digit(16);
            *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.hex()))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_goes_both_ways() {
        let id = Id::of(b"");
        assert_eq!(
            id.to_string(),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(Id::from_hex(&id.hex()), Some(id));
        assert_eq!(Id::from_hex(&id.hex()[1..]), None);
        assert_eq!(Id::from_hex(&[b'g'; 64]), None);
    }
}

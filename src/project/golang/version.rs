//! Go versions and toolchain names, ordered as the go command orders them.
//!
//! Enters: the text of a `go` line, a `toolchain` line or a release name. Leaves: a
//! [`GoVersion`]. The grammar and the order are those of Go's `internal/gover`:
//! `1.21 < 1.21rc1 < 1.21.0`, while before Go 1.21 `1.20` *is* the first release, `1.20.0`.

use std::cmp::Ordering;
use std::fmt;

use serde::Serialize;

/// A Go version such as `1.26`, `1.26.3` or `1.27rc1`.
///
/// Equality and order are those of the version, not of its spelling: `1.20` equals `1.20.0`.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String")]
pub struct GoVersion {
    text: String,
    key: Key,
}

/// What versions are compared by, most significant first.
///
/// A missing patch number sorts before `0`, a missing kind before every prerelease.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    major: Decimal,
    minor: Decimal,
    patch: Decimal,
    kind: String,
    prerelease: Decimal,
}

/// A decimal number of any length without leading zeros; empty when absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Decimal(String);

impl Decimal {
    /// Splits a number off the front of `text`.
    fn cut(text: &str) -> Option<(Self, &str)> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (digits, rest) = text.split_at(end);
        let valid = !digits.is_empty() && (digits == "0" || !digits.starts_with('0'));
        valid.then(|| (Self(digits.to_owned()), rest))
    }

    fn zero() -> Self {
        Self("0".to_owned())
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl GoVersion {
    /// Parses a version without prefix, as a `go` line has it; `None` if it is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Key::parse(text).map(|key| Self {
            text: text.to_owned(),
            key,
        })
    }

    /// Parses a toolchain name such as `go1.26.3` or `go1.26.3-custom`, whose suffix is
    /// dropped; `None` for `default`, `local`, paths and anything else.
    #[must_use]
    pub fn from_toolchain(name: &str) -> Option<Self> {
        if name.contains(['/', '\\']) {
            return None;
        }
        let version = name.strip_prefix("go")?;
        let end = version.find([' ', '\t', '-']).unwrap_or(version.len());
        Self::parse(&version[..end])
    }

    /// Returns the version as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the name of the toolchain of this version, e.g. `go1.26.3`.
    #[must_use]
    pub fn toolchain_name(&self) -> String {
        format!("go{}", self.text)
    }

    /// Returns the language version, e.g. `1.26` for `1.26.3`.
    #[must_use]
    pub fn language(&self) -> String {
        let (major, minor) = (&self.key.major.0, &self.key.minor.0);
        if major == "1" && minor == "0" {
            major.clone()
        } else {
            format!("{major}.{minor}")
        }
    }

    /// Returns whether this names a language version and no particular release: `1.26`.
    #[must_use]
    pub fn is_language(&self) -> bool {
        self.key.patch.0.is_empty() && self.key.kind.is_empty()
    }

    /// Returns the first release that is at least this version: `1.26.0` for `1.26`, itself
    /// when it already names a release or prerelease.
    ///
    /// Before Go 1.21 the first release of a language version had no patch number, so `1.20`
    /// stays.
    #[must_use]
    pub fn release(&self) -> Self {
        if !self.is_language() {
            return self.clone();
        }
        let key = Key {
            patch: Decimal::zero(),
            ..self.key.clone()
        };
        Self {
            text: format!("{}.0", self.text),
            key,
        }
    }
}

impl Key {
    fn parse(text: &str) -> Option<Self> {
        let (major, rest) = Decimal::cut(text)?;
        let mut key = Self {
            major,
            minor: Decimal::zero(),
            patch: Decimal::default(),
            kind: String::new(),
            prerelease: Decimal::default(),
        };
        if rest.is_empty() {
            key.patch = Decimal::zero();
            return Some(key);
        }
        let (minor, rest) = Decimal::cut(rest.strip_prefix('.')?)?;
        key.minor = minor;
        if rest.is_empty() {
            if key.minor < Decimal("21".to_owned()) {
                key.patch = Decimal::zero();
            }
            return Some(key);
        }
        if let Some(rest) = rest.strip_prefix('.') {
            let (patch, rest) = Decimal::cut(rest)?;
            key.patch = patch;
            return rest.is_empty().then_some(key);
        }
        let end = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (kind, rest) = rest.split_at(end);
        if !kind.bytes().all(|byte| byte.is_ascii_lowercase()) || kind.is_empty() {
            return None;
        }
        kind.clone_into(&mut key.kind);
        if !rest.is_empty() {
            let (prerelease, rest) = Decimal::cut(rest)?;
            key.prerelease = prerelease;
            return rest.is_empty().then_some(key);
        }
        Some(key)
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<GoVersion> for String {
    fn from(version: GoVersion) -> Self {
        version.text
    }
}

impl PartialEq for GoVersion {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for GoVersion {}

impl Ord for GoVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl PartialOrd for GoVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_ordered_as_go_does() {
        let ascending = [
            "1",
            "1.1",
            "1.9.2",
            "1.19",
            "1.20rc1",
            "1.20.1",
            "1.21",
            "1.21alpha1",
            "1.21beta1",
            "1.21rc1",
            "1.21rc2",
            "1.21rc10",
            "1.21.0",
            "1.21.1",
            "1.21.10",
            "1.26",
            "1.26.3",
            "1.27rc1",
            "1.100",
            "2.0",
        ];
        for pair in ascending.windows(2) {
            let (a, b) = (GoVersion::parse(pair[0]), GoVersion::parse(pair[1]));
            assert!(a.is_some() && a < b, "{pair:?}");
        }
        // Before 1.21 the bare version is the release, so its prereleases come first.
        assert_eq!(GoVersion::parse("1.20"), GoVersion::parse("1.20.0"));
        assert!(GoVersion::parse("1.20rc1") < GoVersion::parse("1.20"));
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "",
            "go1.21",
            "1.",
            "1.2.",
            "01.2",
            "1.02",
            "1.2.3.4",
            "1.21.3rc1",
            "1.21rc",
            "v1.21",
            "1.21-x",
            "1.21RC1",
            "1.21rc01",
            "x",
        ] {
            let expected = text == "1.21rc";
            assert_eq!(GoVersion::parse(text).is_some(), expected, "{text:?}");
        }
    }

    #[test]
    fn toolchain_names_lose_their_suffix() {
        let parse = |name| GoVersion::from_toolchain(name).map(|version| version.to_string());
        assert_eq!(parse("go1.26.3").as_deref(), Some("1.26.3"));
        assert_eq!(parse("go1.26.3-custom").as_deref(), Some("1.26.3"));
        assert_eq!(parse("go1.27rc1").as_deref(), Some("1.27rc1"));
        for name in ["default", "local", "1.26", "go", "go1.26/../x", "gox"] {
            assert_eq!(parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_language_version_names_its_first_release() {
        let release = |text| {
            let version = GoVersion::parse(text).map(|version| version.release().to_string());
            version.unwrap_or_default()
        };
        assert_eq!(release("1.26"), "1.26.0");
        assert_eq!(release("1.26.3"), "1.26.3");
        assert_eq!(release("1.27rc1"), "1.27rc1");
        assert_eq!(release("1.20"), "1.20");
    }

    #[test]
    fn the_language_is_major_and_minor() {
        let language = |text| GoVersion::parse(text).map(|version| version.language());
        assert_eq!(language("1.26.3").as_deref(), Some("1.26"));
        assert_eq!(language("1.27rc1").as_deref(), Some("1.27"));
        assert_eq!(language("1").as_deref(), Some("1"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let _ = GoVersion::from_toolchain(&text);
            if let Some(version) = GoVersion::parse(&text) {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}

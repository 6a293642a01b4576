//! `os/arch[/variant]` as containerd spells and normalizes it.
//!
//! Source: containerd/platforms `platforms.go` and `database.go`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A normalized target or build platform.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    /// Operating system as `GOOS` spells it, e.g. `linux`.
    pub os: String,
    /// Architecture as `GOARCH` spells it, e.g. `arm64`.
    pub architecture: String,
    /// CPU variant, e.g. `v7` of `linux/arm/v7`; none where it is the default one.
    pub variant: Option<String>,
}

/// Why a platform string was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("platform {given:?} is not of the form os/arch or os/arch/variant")]
pub struct PlatformError {
    /// The string as given.
    pub given: String,
}

impl Platform {
    /// Returns the normalized platform of its parts.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = variant.unwrap_or_default().to_ascii_lowercase();
        let (architecture, variant) = normalize(&architecture.to_ascii_lowercase(), &variant);
        Self {
            os,
            architecture,
            variant: (!variant.is_empty()).then_some(variant),
        }
    }

    /// Returns the platform of Linux on `architecture`.
    #[must_use]
    pub fn linux(architecture: &str) -> Self {
        Self::new("linux", architecture, None)
    }
}

/// Maps aliases and default variants onto one spelling (containerd `normalizeArch`).
fn normalize(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match (architecture, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        match &self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(given: &str) -> Result<Self, PlatformError> {
        let fail = || PlatformError {
            given: given.to_owned(),
        };
        let parts: Vec<&str> = given.trim().split('/').collect();
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        if !parts.iter().all(|part| word(part)) {
            return Err(fail());
        }
        match parts.as_slice() {
            [os, architecture] => Ok(Self::new(os, architecture, None)),
            [os, architecture, variant] => Ok(Self::new(os, architecture, Some(variant))),
            _ => Err(fail()),
        }
    }
}

impl Serialize for Platform {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_normalize_as_containerd_does() {
        for (given, normalized) in [
            ("linux/amd64", "linux/amd64"),
            ("linux/x86_64", "linux/amd64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm", "linux/arm/v7"),
            ("linux/arm/6", "linux/arm/v6"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("Linux/ARM64", "linux/arm64"),
        ] {
            assert_eq!(given.parse::<Platform>().unwrap().to_string(), normalized);
        }
    }

    #[test]
    fn malformed_platforms_are_refused() {
        for given in ["", "linux", "linux/", "/amd64", "a/b/c/d", "linux/am d64"] {
            assert!(given.parse::<Platform>().is_err(), "{given:?}");
        }
    }
}

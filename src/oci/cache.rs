//! `--cache-from` and `--cache-to` as buildx spells them: `type=registry,ref=NAME,mode=max`, or a
//! bare reference.
//!
//! Enters: what was typed. Leaves: [`RemoteCache`]s whose attributes the daemon can read; what it
//! would silently take for something else, such as an unknown `mode`, is refused here. Attributes
//! that are not known here are the daemon's to judge.
//!
//! Source: buildx `util/buildflags/cache.go`, BuildKit `control/control.go` and `cache/remotecache`.

mod node;

use std::collections::BTreeMap;
use std::fmt;

use super::Reference;
use super::exporter::fields;

/// Attribute of an export: whether its failure leaves the build a success.
pub const IGNORE_ERROR: &str = "ignore-error";
/// Attribute of registries: plain HTTP and untrusted certificates are accepted.
pub const INSECURE: &str = "registry.insecure";

/// A cache beside the builder's own.
#[derive(Clone, PartialEq, Eq)]
pub struct RemoteCache {
    /// Where it is kept.
    pub kind: CacheKind,
    /// Attributes for the daemon's importer or exporter; some are credentials.
    pub attributes: BTreeMap<String, String>,
}

/// Where a cache is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// An image-like artifact in a registry.
    Registry,
    /// An OCI layout folder on this machine.
    Local,
    /// The config of the image that is exported.
    Inline,
    /// The cache service of GitHub Actions.
    Gha,
    /// An S3 bucket.
    S3,
    /// An Azure blob container.
    Azblob,
}

/// What a cache is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// `--cache-from`
    Import,
    /// `--cache-to`
    Export,
}

/// A value of `--cache-from` or `--cache-to` that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {given}: {fault}", direction.flag())]
pub struct CacheError {
    /// Which flag.
    pub direction: Direction,
    /// Its value, without credentials.
    pub given: String,
    /// What is wrong with it.
    pub fault: CacheFault,
}

/// What is wrong with a cache.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheFault {
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A part is not `key=value`.
    #[error("{part:?} is not of the form key=value")]
    NotAPair {
        /// The part.
        part: String,
    },
    /// There is no `type`.
    #[error("there is no type; known types: {KNOWN}")]
    NoType,
    /// The type is none of those known.
    #[error("type {kind:?} is not known; known types: {KNOWN}")]
    UnknownType {
        /// The type as given.
        kind: String,
    },
    /// An inline cache is part of an image.
    #[error("an inline cache is read from its image")]
    InlineImport,
    /// An attribute without which there is no cache.
    #[error("{key} is missing")]
    Missing {
        /// The attribute.
        key: &'static str,
    },
    /// The value is none that the attribute can have.
    #[error("{key}={value} is none of: {known}")]
    Value {
        /// The attribute.
        key: String,
        /// Its value.
        value: String,
        /// What it can be.
        known: &'static str,
    },
    /// The reference is none.
    #[error(transparent)]
    Reference(#[from] super::reference::ReferenceError),
    /// Two exports would overwrite each other.
    #[error("another --cache-to writes to the same place")]
    Twice,
}

const KNOWN: &str = "registry, local, inline, gha, s3, azblob";
const BOOLEAN: &str = "true, false";

/// Attributes that are credentials.
const SECRET: [&str; 5] = [
    "access_key_id",
    "ghtoken",
    "secret_access_key",
    "session_token",
    "token",
];

/// Attributes that are checked before anything is built, and what they can be.
const CHECKED: [(&str, &str); 8] = [
    ("compression", "uncompressed, gzip, estargz, zstd"),
    ("force-compression", BOOLEAN),
    (IGNORE_ERROR, BOOLEAN),
    ("image-manifest", BOOLEAN),
    ("mode", "min, max"),
    ("oci-mediatypes", BOOLEAN),
    (INSECURE, BOOLEAN),
    ("reset", BOOLEAN),
];

impl CacheError {
    /// Returns what can be done about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let flag = self.direction.flag();
        let hint = match &self.fault {
            CacheFault::OpenQuote => {
                "quote a part that holds a comma whole: \"key=a,b\"".to_owned()
            }
            CacheFault::InlineImport => {
                format!("{flag} type=registry,ref=IMAGE reads the cache that IMAGE carries")
            }
            CacheFault::NoType | CacheFault::NotAPair { .. } => {
                format!("write it like {flag} type=registry,ref=REGISTRY/NAME:TAG")
            }
            CacheFault::Missing { key: "ref" } => "add ref=REGISTRY/NAME:TAG".to_owned(),
            CacheFault::Missing { key } => format!("add {key}=FOLDER"),
            CacheFault::Twice => {
                "one cache holds all images and platforms: name it once".to_owned()
            }
            CacheFault::UnknownType { .. }
            | CacheFault::Value { .. }
            | CacheFault::Reference(_) => return None,
        };
        Some(hint)
    }
}

impl Direction {
    /// Returns the flag.
    #[must_use]
    pub fn flag(self) -> &'static str {
        match self {
            Self::Import => "--cache-from",
            Self::Export => "--cache-to",
        }
    }
}

impl CacheKind {
    /// Returns the type as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Local => "local",
            Self::Inline => "inline",
            Self::Gha => "gha",
            Self::S3 => "s3",
            Self::Azblob => "azblob",
        }
    }

    fn of(text: &str) -> Option<Self> {
        let kinds = [
            Self::Registry,
            Self::Local,
            Self::Inline,
            Self::Gha,
            Self::S3,
            Self::Azblob,
        ];
        kinds.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl RemoteCache {
    /// Returns an attribute.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    /// Returns a boolean attribute; none if it is not set.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<bool> {
        self.get(key).and_then(boolean)
    }
}

/// Shows a cache as it is written, without credentials.
impl fmt::Display for RemoteCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type={}", self.kind.as_str())?;
        let shown = self
            .attributes
            .iter()
            .filter(|(key, _)| !SECRET.contains(&key.as_str()));
        for (key, value) in shown {
            write!(f, ",{key}={value}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RemoteCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads all values of one flag. An empty value, such as of a variable that is not set, names no
/// cache; a value without `=` is a list of references.
///
/// # Errors
/// See [`CacheFault`].
pub fn parse(values: &[String], direction: Direction) -> Result<Vec<RemoteCache>, CacheError> {
    let mut caches: Vec<RemoteCache> = Vec::new();
    for value in values.iter().filter(|value| !value.is_empty()) {
        let refused = |fault| CacheError {
            direction,
            given: redacted(value),
            fault,
        };
        let parts = fields(value).ok_or_else(|| refused(CacheFault::OpenQuote))?;
        let read = if value.contains('=') {
            vec![entry(parts).map_err(refused)?]
        } else {
            parts.into_iter().map(bare).collect()
        };
        for cache in read {
            check(&cache, direction).map_err(refused)?;
            if caches.contains(&cache) {
                continue;
            }
            let collides = |other: &&RemoteCache| place(other) == place(&cache);
            if direction == Direction::Export && caches.iter().any(|other| collides(&other)) {
                return Err(refused(CacheFault::Twice));
            }
            caches.push(cache);
        }
    }
    Ok(caches)
}

fn bare(reference: String) -> RemoteCache {
    RemoteCache {
        kind: CacheKind::Registry,
        attributes: BTreeMap::from([("ref".to_owned(), reference)]),
    }
}

fn entry(parts: Vec<String>) -> Result<RemoteCache, CacheFault> {
    let mut attributes = BTreeMap::new();
    for part in parts {
        let Some((key, value)) = part.split_once('=') else {
            return Err(CacheFault::NotAPair { part });
        };
        attributes.insert(key.to_ascii_lowercase(), value.to_owned());
    }
    let kind = attributes.remove("type").unwrap_or_default();
    if kind.is_empty() {
        return Err(CacheFault::NoType);
    }
    match CacheKind::of(&kind) {
        Some(kind) => Ok(RemoteCache { kind, attributes }),
        None => Err(CacheFault::UnknownType { kind }),
    }
}

/// Refuses what the daemon would refuse later, or take for something else.
fn check(cache: &RemoteCache, direction: Direction) -> Result<(), CacheFault> {
    let needed = match (cache.kind, direction) {
        (CacheKind::Inline, Direction::Import) => return Err(CacheFault::InlineImport),
        (CacheKind::Registry, _) => Some("ref"),
        (CacheKind::Local, Direction::Import) => Some("src"),
        (CacheKind::Local, Direction::Export) => Some("dest"),
        (CacheKind::Inline | CacheKind::Gha | CacheKind::S3 | CacheKind::Azblob, _) => None,
    };
    let set = |key: &&str| cache.get(key).is_some_and(|value| !value.is_empty());
    if let Some(key) = needed.filter(|key| !set(key)) {
        return Err(CacheFault::Missing { key });
    }
    if let (CacheKind::Registry, Some(reference)) = (cache.kind, cache.get("ref")) {
        reference.parse::<Reference>()?;
    }
    for (key, known) in CHECKED {
        let Some(value) = cache.get(key) else {
            continue;
        };
        let fits = match known {
            BOOLEAN => boolean(value).is_some(),
            _ => known.split(", ").any(|known| known == value),
        };
        if !fits {
            return Err(CacheFault::Value {
                key: key.to_owned(),
                value: value.to_owned(),
                known,
            });
        }
    }
    Ok(())
}

/// Returns what two exports cannot share.
fn place(cache: &RemoteCache) -> Option<(CacheKind, String)> {
    let text = match cache.kind {
        CacheKind::Registry => {
            let reference = cache.get("ref")?.parse::<Reference>().ok()?;
            reference.or_latest().to_string()
        }
        CacheKind::Local => format!(
            "{}:{}",
            cache.get("dest")?.trim_end_matches('/'),
            cache.get("tag").unwrap_or("latest")
        ),
        CacheKind::Inline => String::new(),
        CacheKind::Gha | CacheKind::S3 | CacheKind::Azblob => return None,
    };
    Some((cache.kind, text))
}

/// Reads a boolean as Go's `strconv.ParseBool` does, which the daemon uses; none if it is none.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Returns a value without credentials, however malformed it is.
fn redacted(value: &str) -> String {
    let hidden = |part: &str| match part.split_once('=') {
        Some((key, _))
            if SECRET
                .iter()
                .any(|secret| key.to_lowercase().ends_with(secret)) =>
        {
            format!("{key}=***")
        }
        _ => part.to_owned(),
    };
    value.split(',').map(hidden).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;

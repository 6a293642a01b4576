//! Image references: `[domain/]path[:tag][@digest]`, normalized as Docker does.
//!
//! Enters: text from a manifest, a flag or a Kubernetes file. Leaves: a [`Reference`] whose
//! domain and path are always spelt out (`alpine` → `docker.io/library/alpine`).
//!
//! Source: distribution/reference `normalize.go` and `regexp.go`. One deviation: a first
//! component that looks like a host but is none (`foo_bar.com/x`) is refused here; upstream
//! returns a name without a domain, which no registry client can use. `oci-spec`'s own
//! `Reference` is not used: it knows neither IPv6 hosts nor upper-case domains, accepts
//! Unicode tags and upper-case digests, and has no short form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Domain that a reference without one belongs to.
pub const DEFAULT_DOMAIN: &str = "docker.io";
/// Tag of a reference that has neither tag nor digest.
pub const DEFAULT_TAG: &str = "latest";

const LEGACY_DEFAULT_DOMAIN: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const PATH_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;

/// A normalized image reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    domain: String,
    path: String,
    tag: Option<String>,
    digest: Option<String>,
}

/// Why a reference was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not an image reference: {problem}")]
pub struct ReferenceError {
    /// The text as given.
    pub given: String,
    /// What is wrong with it.
    pub problem: ReferenceProblem,
}

/// What is wrong with a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceProblem {
    /// There is no name at all.
    #[error("the name is empty")]
    Empty,
    /// 64 hexadecimal digits are an image id.
    #[error("64 hexadecimal digits name an image id, not a repository")]
    Identifier,
    /// The part before the first `/` cannot be a host.
    #[error("the registry is not a host name with an optional port")]
    Domain,
    /// The repository path has an upper-case letter.
    #[error("the repository must be lower case")]
    UpperCase,
    /// The repository path is malformed.
    #[error(
        "a repository is made of lower-case letters and digits, separated by one of . _ __ - or /"
    )]
    Path,
    /// A tag or digest stands where only a repository can.
    #[error("a tag or digest follows the repository")]
    NotNameOnly,
    /// The repository path is too long.
    #[error("the repository is longer than 255 characters")]
    TooLong,
    /// The tag is malformed.
    #[error("a tag has at most 128 letters, digits, _ . or -, and starts with none of . and -")]
    Tag,
    /// The digest is malformed.
    #[error("a digest is sha256, sha384 or sha512, a colon, and all its lower-case hex digits")]
    Digest,
}

impl Reference {
    /// Returns the registry, e.g. `docker.io` or `localhost:5000`.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Returns the repository within the registry, e.g. `library/alpine`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns `domain/path`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }

    /// Returns the tag as written; `None` does not mean `latest` (see
    /// [`Self::or_latest`]).
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest, `algorithm:hex`.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Returns the reference with tag `latest` if it has neither tag nor digest.
    #[must_use]
    pub fn or_latest(mut self) -> Self {
        if self.tag.is_none() && self.digest.is_none() {
            self.tag = Some(DEFAULT_TAG.to_owned());
        }
        self
    }

    /// Returns the reference with another tag and the digest kept.
    ///
    /// # Errors
    /// The tag is malformed.
    pub fn with_tag(&self, tag: &str) -> Result<Self, ReferenceError> {
        if !is_tag(tag) {
            return Err(refuse(tag, ReferenceProblem::Tag));
        }
        Ok(Self {
            tag: Some(tag.to_owned()),
            ..self.clone()
        })
    }

    /// Returns the reference with another digest and the tag kept.
    ///
    /// # Errors
    /// The digest is malformed.
    pub fn with_digest(&self, digest: &str) -> Result<Self, ReferenceError> {
        if !is_digest(digest) {
            return Err(refuse(digest, ReferenceProblem::Digest));
        }
        Ok(Self {
            digest: Some(digest.to_owned()),
            ..self.clone()
        })
    }

    /// Returns the repository alone, without tag and digest.
    #[must_use]
    pub fn repository(&self) -> Self {
        Self {
            tag: None,
            digest: None,
            ..self.clone()
        }
    }

    /// Returns the short form that Docker prints: no `docker.io/`, no `library/`.
    #[must_use]
    pub fn familiar(&self) -> String {
        let name = if self.domain == DEFAULT_DOMAIN {
            match self.path.strip_prefix(OFFICIAL_PREFIX) {
                Some(rest) if !rest.contains('/') => rest.to_owned(),
                _ => self.path.clone(),
            }
        } else {
            self.name()
        };
        self.suffixed(name)
    }

    fn suffixed(&self, mut name: String) -> String {
        if let Some(tag) = &self.tag {
            name.push(':');
            name.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            name.push('@');
            name.push_str(digest);
        }
        name
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.suffixed(self.name()))
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(given: &str) -> Result<Self, ReferenceError> {
        parse(given).map_err(|problem| refuse(given, problem))
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn refuse(given: &str, problem: ReferenceProblem) -> ReferenceError {
    ReferenceError {
        given: given.to_owned(),
        problem,
    }
}

fn parse(given: &str) -> Result<Reference, ReferenceProblem> {
    if given.is_empty() {
        return Err(ReferenceProblem::Empty);
    }
    if given.len() == 64 && given.bytes().all(is_lower_hex) {
        return Err(ReferenceProblem::Identifier);
    }
    let (domain, remainder) = split_domain(given);
    if !is_domain(domain) {
        return Err(ReferenceProblem::Domain);
    }
    let (name, digest) = match remainder.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (remainder.as_str(), None),
    };
    let (path, tag) = match name.split_once(':') {
        Some((path, tag)) => (path, Some(tag)),
        None => (name, None),
    };
    if path.is_empty() || path == OFFICIAL_PREFIX {
        return Err(ReferenceProblem::Empty);
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(ReferenceProblem::UpperCase);
    }
    if !path.split('/').all(is_path_component) {
        return Err(ReferenceProblem::Path);
    }
    if path.len() > PATH_LIMIT {
        return Err(ReferenceProblem::TooLong);
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err(ReferenceProblem::Tag);
    }
    if digest.is_some_and(|digest| !is_digest(digest)) {
        return Err(ReferenceProblem::Digest);
    }
    Ok(Reference {
        domain: domain.to_owned(),
        path: path.to_owned(),
        tag: tag.map(str::to_owned),
        digest: digest.map(str::to_owned),
    })
}

/// Tells a registry from the first component of a Docker Hub repository.
fn split_domain(given: &str) -> (&str, String) {
    let (domain, remainder) = match given.split_once('/') {
        None => (DEFAULT_DOMAIN, given),
        Some((LEGACY_DEFAULT_DOMAIN, rest)) => (DEFAULT_DOMAIN, rest),
        Some((first, rest))
            if first == "localhost"
                || first.contains(['.', ':'])
                || first.chars().any(char::is_uppercase) =>
        {
            (first, rest)
        }
        Some(_) => (DEFAULT_DOMAIN, given),
    };
    if domain == DEFAULT_DOMAIN && !remainder.contains('/') {
        (domain, format!("{OFFICIAL_PREFIX}{remainder}"))
    } else {
        (domain, remainder.to_owned())
    }
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = if let Some(rest) = domain.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else {
            return false;
        };
        let valid =
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':');
        if !valid {
            return false;
        }
        (None, port)
    } else {
        let end = domain.find(':').unwrap_or(domain.len());
        (Some(&domain[..end]), &domain[end..])
    };
    let port_valid = match port.strip_prefix(':') {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    port_valid && host.is_none_or(|host| host.split('.').all(is_host_label))
}

fn is_host_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Lower-case alphanumerics joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let separators_valid = component
        .split(|c: char| c.is_ascii() && word(c as u8))
        .filter(|gap| !gap.is_empty())
        .all(|gap| matches!(gap, "." | "_" | "__") || gap.bytes().all(|b| b == b'-'));
    component.bytes().next().is_some_and(word)
        && component.bytes().last().is_some_and(word)
        && separators_valid
}

/// Returns whether `tag` can be a tag.
#[must_use]
pub fn is_tag(tag: &str) -> bool {
    let valid = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
    !tag.is_empty()
        && tag.len() <= TAG_LIMIT
        && !tag.starts_with(['.', '-'])
        && tag.bytes().all(valid)
}

fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(is_lower_hex)
}

fn is_lower_hex(b: u8) -> bool {
    b.is_ascii_digit() || (b'a'..=b'f').contains(&b)
}

#[cfg(test)]
mod tests;

//! `--attest`, `--sbom` and `--provenance` as buildx spells them: `type=sbom,generator=IMAGE`,
//! `mode=max`, `false`.
//!
//! Source: buildx `util/buildflags/attests.go`, BuildKit `frontend/attestations/parse.go`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::cache::boolean;
use super::exporter::fields;

/// What is attested of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Predicate {
    /// What it is made of.
    Sbom,
    /// How it was made.
    Provenance,
}

/// That something is to be attested, or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// What.
    pub predicate: Predicate,
    /// Whether it is not.
    pub disabled: bool,
    /// How: attributes for the daemon.
    pub attributes: BTreeMap<String, String>,
}

/// Why an attestation was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// A part is not `key=value`.
    #[error("{part:?} is not of the form key=value")]
    NotAPair {
        /// The part.
        part: String,
    },
    /// There is no `type`.
    #[error("there is no type; known types: sbom, provenance")]
    NoType,
    /// The type is none of those known.
    #[error("type {given:?} is not known; known types: sbom, provenance")]
    UnknownType {
        /// The type as given.
        given: String,
    },
    /// `disabled` is no boolean.
    #[error("disabled={value} is not a boolean")]
    NotABoolean {
        /// Its value.
        value: String,
    },
    /// A quote is not closed.
    #[error("a quote is not closed")]
    OpenQuote,
}

impl Predicate {
    /// Returns it as the daemon and buildx spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sbom => "sbom",
            Self::Provenance => "provenance",
        }
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Attestation {
    type Err = AttestationError;

    fn from_str(text: &str) -> Result<Self, AttestationError> {
        let (predicate, disabled, attributes) = parts(text)?;
        Ok(Self {
            predicate: predicate.ok_or(AttestationError::NoType)?,
            disabled,
            attributes,
        })
    }
}

impl Attestation {
    /// Reads the value of a shorthand: whether, or how.
    ///
    /// # Errors
    /// It is neither.
    pub fn shorthand(predicate: Predicate, text: &str) -> Result<Self, AttestationError> {
        if let Some(wanted) = boolean(text) {
            return Ok(Self {
                predicate,
                disabled: !wanted,
                attributes: BTreeMap::new(),
            });
        }
        let (named, disabled, attributes) = parts(text)?;
        match named {
            Some(other) if other != predicate => Err(AttestationError::UnknownType {
                given: other.to_string(),
            }),
            _ => Ok(Self {
                predicate,
                disabled,
                attributes,
            }),
        }
    }
}

/// Returns what a build asks of the daemon; of each predicate the last attestation counts.
#[must_use]
pub fn requested(attestations: &[Attestation]) -> BTreeMap<String, String> {
    let mut requested = BTreeMap::new();
    for attestation in attestations {
        let key = format!("attest:{}", attestation.predicate);
        if attestation.disabled {
            requested.remove(&key);
            continue;
        }
        let attributes = attestation.attributes.iter();
        let attributes = attributes.map(|(key, value)| quoted(&format!("{key}={value}")));
        requested.insert(key, attributes.collect::<Vec<_>>().join(","));
    }
    requested
}

type Parts = (Option<Predicate>, bool, BTreeMap<String, String>);

fn parts(text: &str) -> Result<Parts, AttestationError> {
    let (mut predicate, mut disabled, mut attributes) = (None, false, BTreeMap::new());
    for part in fields(text).ok_or(AttestationError::OpenQuote)? {
        let Some((key, value)) = part.split_once('=') else {
            return Err(AttestationError::NotAPair { part });
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "type" => {
                let known = [Predicate::Sbom, Predicate::Provenance];
                let known = known.into_iter().find(|known| known.as_str() == value);
                let given = value.to_owned();
                predicate = Some(known.ok_or(AttestationError::UnknownType { given })?);
            }
            "disabled" => {
                let value = value.to_owned();
                disabled = boolean(&value).ok_or(AttestationError::NotABoolean { value })?;
            }
            _ => {
                attributes.insert(key.to_owned(), value.to_owned());
            }
        }
    }
    Ok((predicate, disabled, attributes))
}

/// Returns a field of a line of CSV.
fn quoted(field: &str) -> String {
    match field.contains([',', '"']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attest(text: &str) -> Attestation {
        text.parse().unwrap()
    }

    fn shorthand(predicate: Predicate, text: &str) -> Attestation {
        Attestation::shorthand(predicate, text).unwrap()
    }

    #[test]
    fn buildx_spellings_become_what_the_daemon_reads() {
        let shown = |attestation: Attestation| format!("{:?}", requested(&[attestation]));
        insta::assert_snapshot!(
            [
                shown(attest("type=sbom,generator=r.test/scanner:1")),
                shown(attest("type=provenance,mode=max,version=v1")),
                shown(attest("type=provenance,disabled=true")),
                shown(attest("type=provenance,\"builder-id=a,\"\"b\"")),
                shown(shorthand(Predicate::Sbom, "true")),
                shown(shorthand(Predicate::Sbom, "false")),
                shown(shorthand(Predicate::Provenance, "mode=max")),
            ]
            .join("\n"),
            @r#"
        {"attest:sbom": "generator=r.test/scanner:1"}
        {"attest:provenance": "mode=max,version=v1"}
        {}
        {"attest:provenance": "\"builder-id=a,\"\"b\""}
        {"attest:sbom": ""}
        {}
        {"attest:provenance": "mode=max"}
        "#
        );
    }

    #[test]
    fn the_last_one_counts() {
        let all = [
            attest("type=provenance,mode=max"),
            attest("type=sbom"),
            shorthand(Predicate::Provenance, "false"),
            shorthand(Predicate::Sbom, "generator=s"),
        ];
        let expected = ("attest:sbom".to_owned(), "generator=s".to_owned());
        assert_eq!(requested(&all), BTreeMap::from([expected]));
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Attestation>().unwrap_err().to_string();
        assert_eq!(
            error("mode=max"),
            "there is no type; known types: sbom, provenance"
        );
        assert_eq!(
            error("type=vex"),
            "type \"vex\" is not known; known types: sbom, provenance"
        );
        assert_eq!(error("sbom"), "\"sbom\" is not of the form key=value");
        assert_eq!(
            error("type=sbom,disabled=no"),
            "disabled=no is not a boolean"
        );
        assert_eq!(error("type=sbom,\"a=b"), "a quote is not closed");
        let other = Attestation::shorthand(Predicate::Sbom, "type=provenance");
        assert!(other.is_err());
    }
}

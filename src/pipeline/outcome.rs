//! What came of a build: digests for standard output and for files that scripts read.
//!
//! The metadata file has buildx's keys (`build/build.go`, `commands/build.go` there): flat for
//! one image, by image name for several, as `buildx bake` has it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::progress::event::Made;

/// Key of the exporter's response that holds a descriptor.
const DESCRIPTOR: &str = "containerimage.descriptor";

/// One finished image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The image's name in the plan.
    pub name: String,
    /// Every `name:tag` it was given.
    pub references: Vec<String>,
    /// Digest of its manifest or index; none where only binaries were exported.
    pub digest: Option<String>,
    /// What was done for it.
    pub made: Made,
    /// Whether the digest is the image's ID: a Docker Engine keeps it, and no registry knows it.
    pub by_id: bool,
    /// What the exporters said.
    pub response: BTreeMap<String, String>,
}

impl Outcome {
    /// Returns `name:tag@sha256:…` for every reference, or `name:tag` of one that has no digest: so
    /// that `docker run` takes it.
    #[must_use]
    pub fn pinned(&self) -> Vec<String> {
        let Some(digest) = &self.digest else {
            return Vec::new();
        };
        if self.by_id {
            return self.references.clone();
        }
        self.references
            .iter()
            .map(|reference| format!("{reference}@{digest}"))
            .collect()
    }

    /// Returns the image id as buildx writes it to `--iidfile`: the config's digest where there is
    /// one config, else the digest.
    #[must_use]
    pub fn image_id(&self) -> Option<&str> {
        let config = self.response.get("containerimage.config.digest");
        config.or(self.digest.as_ref()).map(String::as_str)
    }

    /// Returns the descriptor of the manifest or index, as JSON.
    #[must_use]
    pub fn descriptor(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.response.get(DESCRIPTOR)?).ok()
    }

    fn metadata(&self) -> Value {
        let mut members = Map::new();
        for (key, value) in &self.response {
            let decoded = match key.as_str() {
                // The one value that travels as base64 of JSON.
                DESCRIPTOR => self.descriptor(),
                _ => None,
            };
            let decoded = decoded.and_then(|json| serde_json::from_slice(&json).ok());
            members.insert(key.clone(), decoded.unwrap_or_else(|| json!(value)));
        }
        Value::Object(members)
    }
}

/// Returns the content of `--metadata-file`.
#[must_use]
pub fn metadata_file(outcomes: &[Outcome]) -> String {
    let value = match outcomes {
        [one] => one.metadata(),
        several => Value::Object(
            several
                .iter()
                .map(|outcome| (outcome.name.clone(), outcome.metadata()))
                .collect(),
        ),
    };
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str) -> Outcome {
        let descriptor = STANDARD.encode(r#"{"size":7}"#);
        Outcome {
            name: name.to_owned(),
            references: vec![format!("{name}:1"), format!("{name}:2")],
            digest: Some("sha256:aa".to_owned()),
            made: Made::Pushed,
            by_id: false,
            response: BTreeMap::from([
                ("containerimage.digest".to_owned(), "sha256:aa".to_owned()),
                ("containerimage.descriptor".to_owned(), descriptor),
            ]),
        }
    }

    #[test]
    fn one_image_is_flat_and_several_are_named() {
        let one: Value = serde_json::from_str(&metadata_file(&[outcome("a")])).unwrap();
        assert_eq!(one["containerimage.descriptor"]["size"], 7);
        assert_eq!(one["containerimage.digest"], "sha256:aa");
        let two: Value =
            serde_json::from_str(&metadata_file(&[outcome("a"), outcome("b")])).unwrap();
        assert_eq!(two["b"]["containerimage.digest"], "sha256:aa");
    }

    #[test]
    fn every_reference_is_pinned() {
        assert_eq!(outcome("a").pinned(), ["a:1@sha256:aa", "a:2@sha256:aa"]);
        assert_eq!(outcome("a").image_id(), Some("sha256:aa"));
        let kept = Outcome {
            by_id: true,
            ..outcome("a")
        };
        assert_eq!(kept.pinned(), ["a:1", "a:2"]);
    }
}

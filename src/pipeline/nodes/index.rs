//! An index over images of several platforms, byte for byte as BuildKit writes it: the digest does
//! not tell how many nodes built.
//!
//! Source: BuildKit `exporter/containerimage/writer.go`; OCI image-spec `image-index.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::oci::Platform;

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What an exporter says of a manifest, as far as an index repeats it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// A manifest of an index.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(super) struct Listed {
    #[serde(flatten)]
    pub(super) manifest: Manifest,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

/// One image of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) platform: Platform,
    pub(super) image: Listed,
    /// What is attested of it.
    pub(super) attestations: Vec<Listed>,
}

/// What attestations have for a platform.
const NO_PLATFORM: Target<'_> = Target {
    architecture: "unknown",
    os: "unknown",
    variant: None,
};

/// Annotation of a manifest that is about another one of its index.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";

/// An index, written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) media_type: &'static str,
    pub(super) digest: String,
    pub(super) bytes: Vec<u8>,
}

// The order of members is that of Go's structures.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'a str,
    manifests: Vec<Descriptor<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: &'a str,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
    platform: Target<'a>,
}

#[derive(Clone, Copy, Serialize)]
struct Target<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
}

impl Manifest {
    /// Tells whether it lists others.
    pub(super) fn is_index(&self) -> bool {
        [OCI_INDEX, DOCKER_LIST].contains(&self.media_type.as_str())
    }
}

/// Returns the one image of an index, and what is attested of it there.
pub(super) fn attested(index: &[u8]) -> Option<(Manifest, Vec<Listed>)> {
    #[derive(Deserialize)]
    struct Part {
        manifests: Vec<Listed>,
    }
    let part: Part = serde_json::from_slice(index).ok()?;
    let is_about = |listed: &Listed| listed.annotations.contains_key(REFERENCE_TYPE);
    let (attestations, images): (Vec<_>, Vec<_>) = part.manifests.into_iter().partition(is_about);
    match <[Listed; 1]>::try_from(images) {
        Ok([image]) => Some((image.manifest, attestations)),
        Err(_) => None,
    }
}

/// Writes the index of `entries`, which it sorts by platform; what is attested of them comes last.
pub(super) fn write(
    entries: &[Entry],
    annotations: &BTreeMap<String, String>,
) -> Result<Written, serde_json::Error> {
    let sorted: BTreeMap<&Platform, &Entry> = entries
        .iter()
        .map(|entry| (&entry.platform, entry))
        .collect();
    let docker = entries
        .iter()
        .any(|entry| entry.image.manifest.media_type == DOCKER_MANIFEST);
    let media_type = if docker { DOCKER_LIST } else { OCI_INDEX };
    let images = sorted
        .values()
        .map(|entry| descriptor(&entry.image, target(&entry.platform)));
    let attestations = sorted.values().flat_map(|entry| &entry.attestations);
    let attestations = attestations.map(|listed| descriptor(listed, NO_PLATFORM));
    let index = Index {
        schema_version: 2,
        media_type,
        manifests: images.chain(attestations).collect(),
        annotations,
    };
    let text = escaped(&serde_json::to_string_pretty(&index)?);
    let digest = Sha256::digest(text.as_bytes());
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Written {
        media_type,
        digest: format!("sha256:{digest}"),
        bytes: text.into_bytes(),
    })
}

fn descriptor<'a>(listed: &'a Listed, platform: Target<'a>) -> Descriptor<'a> {
    Descriptor {
        media_type: &listed.manifest.media_type,
        digest: &listed.manifest.digest,
        size: listed.manifest.size,
        annotations: &listed.annotations,
        platform,
    }
}

fn target(platform: &Platform) -> Target<'_> {
    Target {
        architecture: &platform.architecture,
        os: &platform.os,
        variant: platform.variant.as_deref(),
    }
}

/// Escapes what Go escapes in strings, the only place where these characters can be.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            other => text.push(other),
        }
    }
    text
}

impl Written {
    /// Returns the index's descriptor, as JSON.
    pub(super) fn descriptor(&self) -> String {
        format!(
            r#"{{"mediaType":"{}","digest":"{}","size":{}}}"#,
            self.media_type,
            self.digest,
            self.bytes.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(platform: &str, digest: &str) -> Entry {
        Entry {
            platform: platform.parse().unwrap(),
            image: Listed {
                manifest: Manifest {
                    media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
                    digest: digest.to_owned(),
                    size: 671,
                },
                annotations: BTreeMap::new(),
            },
            attestations: Vec::new(),
        }
    }

    #[test]
    fn platforms_are_sorted_and_members_are_in_go_s_order() {
        let mut arm = entry("linux/arm/v6", "sha256:bb");
        arm.image.annotations = BTreeMap::from([("a".to_owned(), "<1&2>".to_owned())]);
        let entries = [arm, entry("linux/amd64", "sha256:aa")];
        let annotations = BTreeMap::from([("title".to_owned(), "shop".to_owned())]);
        let written = write(&entries, &annotations).unwrap();
        insta::assert_snapshot!(String::from_utf8(written.bytes).unwrap(), @r#"
        {
          "schemaVersion": 2,
          "mediaType": "application/vnd.oci.image.index.v1+json",
          "manifests": [
            {
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "digest": "sha256:aa",
              "size": 671,
              "platform": {
                "architecture": "amd64",
                "os": "linux"
              }
            },
            {
              "mediaType": "application/vnd.oci.image.manifest.v1+json",
              "digest": "sha256:bb",
              "size": 671,
              "annotations": {
                "a": "\u003c1\u00262\u003e"
              },
              "platform": {
                "architecture": "arm",
                "os": "linux",
                "variant": "v6"
              }
            }
          ],
          "annotations": {
            "title": "shop"
          }
        }
        "#);
    }

    #[test]
    fn an_index_of_docker_s_manifests_is_docker_s() {
        let mut image = entry("linux/amd64", "sha256:aa");
        image.image.manifest.media_type = DOCKER_MANIFEST.to_owned();
        let written = write(&[image], &BTreeMap::new()).unwrap();
        assert_eq!(written.media_type, DOCKER_LIST);
        assert!(written.descriptor().contains("\"size\":"));
    }

    #[test]
    fn what_is_attested_of_images_comes_after_them_all() {
        let attested_by = |platform: &str, image: &str, attestation: &str| {
            let mut attested = entry("unknown/unknown", attestation).image;
            attested.annotations = BTreeMap::from([
                ("vnd.docker.reference.digest".to_owned(), image.to_owned()),
                (REFERENCE_TYPE.to_owned(), "attestation-manifest".to_owned()),
            ]);
            Entry {
                attestations: vec![attested],
                ..entry(platform, image)
            }
        };
        let parts = [
            attested_by("linux/arm64", "sha256:bb", "sha256:b0"),
            attested_by("linux/amd64", "sha256:aa", "sha256:a0"),
        ];
        // A node's own index of its part says the same.
        let part = write(&parts[..1], &BTreeMap::new()).unwrap();
        let (manifest, attestations) = attested(&part.bytes).unwrap();
        assert_eq!(manifest, parts[0].image.manifest);
        assert_eq!(attestations, parts[0].attestations);
        let written = write(&parts, &BTreeMap::new()).unwrap();
        assert_eq!(attested(&written.bytes), None, "two images are no part");
        let written: serde_json::Value = serde_json::from_slice(&written.bytes).unwrap();
        let manifests = written["manifests"].as_array().unwrap().iter();
        let shown = manifests.map(|listed| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            format!(
                "{} {}",
                text(&listed["digest"]),
                text(&listed["platform"]["architecture"])
            )
        });
        insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r"
        sha256:aa amd64
        sha256:bb arm64
        sha256:a0 unknown
        sha256:b0 unknown
        ");
    }
}

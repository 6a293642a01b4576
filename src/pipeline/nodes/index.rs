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

/// One image of the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) platform: Platform,
    pub(super) manifest: Manifest,
    pub(super) annotations: BTreeMap<String, String>,
}

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

#[derive(Serialize)]
struct Target<'a> {
    architecture: &'a str,
    os: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    variant: Option<&'a str>,
}

/// Writes the index of `entries`, which it sorts by platform.
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
        .any(|entry| entry.manifest.media_type == DOCKER_MANIFEST);
    let media_type = if docker { DOCKER_LIST } else { OCI_INDEX };
    let index = Index {
        schema_version: 2,
        media_type,
        manifests: sorted.into_values().map(descriptor).collect(),
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

fn descriptor(entry: &Entry) -> Descriptor<'_> {
    Descriptor {
        media_type: &entry.manifest.media_type,
        digest: &entry.manifest.digest,
        size: entry.manifest.size,
        annotations: &entry.annotations,
        platform: Target {
            architecture: &entry.platform.architecture,
            os: &entry.platform.os,
            variant: entry.platform.variant.as_deref(),
        },
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
            manifest: Manifest {
                media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
                digest: digest.to_owned(),
                size: 671,
            },
            annotations: BTreeMap::new(),
        }
    }

    #[test]
    fn platforms_are_sorted_and_members_are_in_go_s_order() {
        let mut arm = entry("linux/arm/v6", "sha256:bb");
        arm.annotations = BTreeMap::from([("a".to_owned(), "<1&2>".to_owned())]);
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
        image.manifest.media_type = DOCKER_MANIFEST.to_owned();
        let written = write(&[image], &BTreeMap::new()).unwrap();
        assert_eq!(written.media_type, DOCKER_LIST);
        assert!(written.descriptor().contains("\"size\":"));
    }
}

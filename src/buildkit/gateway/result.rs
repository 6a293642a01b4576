//! What a build hands to the exporters: references, image configs, attestations.
//!
//! Source: BuildKit `frontend/gateway/pb/gateway.proto`, `exporter/containerimage/exptypes`,
//! `solver/result/attestation.go`.

use std::collections::BTreeMap;

use buildkit_proto::moby::buildkit::v1::frontend as wire;
use buildkit_proto::pb;
use serde::{Deserialize, Serialize};

use crate::oci::Platform;

/// Metadata key of an image config; `/<platform>` follows it in results of several platforms.
pub const IMAGE_CONFIG: &str = "containerimage.config";
/// Metadata key of the list of platforms of a result.
pub const PLATFORMS: &str = "refs.platforms";

/// A result that the daemon holds for the running build.
///
/// It is lazy: nothing is built before its files are read or it is evaluated or exported. An
/// empty id stands for the empty file system.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reference {
    /// Its id within the build.
    pub id: String,
    /// The graph it is the result of, where the daemon told.
    pub definition: Option<pb::Definition>,
}

/// The references of a result.
#[derive(Clone, Debug, PartialEq)]
pub enum References {
    /// One file system.
    Single(Reference),
    /// One per platform, keyed by `os/arch[/variant]`.
    PerPlatform(BTreeMap<String, Reference>),
}

/// The result of a solve, and what a build returns.
#[derive(Clone, Debug, PartialEq)]
pub struct GatewayResult {
    /// What was built.
    pub references: References,
    /// What exporters must know of it.
    pub metadata: BTreeMap<String, Vec<u8>>,
    /// Statements about it, keyed by platform.
    pub attestations: BTreeMap<String, Vec<Attestation>>,
}

/// A file system and the config of the image that it becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformImage {
    /// The file system.
    pub reference: Reference,
    /// Image config in OCI's JSON.
    pub config: Vec<u8>,
}

/// A statement about an image, or a directory of such.
#[derive(Clone, Debug, PartialEq)]
pub struct Attestation {
    /// Whether `path` is one predicate or a directory of statements.
    pub kind: AttestationKind,
    /// Where its files are.
    pub reference: Reference,
    /// The predicate or the directory within `reference`.
    pub path: String,
    /// `reason` (`sbom` or `provenance`), `sbom-core`, `inline-only`.
    pub metadata: BTreeMap<String, Vec<u8>>,
}

/// What an [`Attestation`]'s path holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttestationKind {
    /// An in-toto predicate about the image itself.
    Predicate {
        /// The predicate's type URI.
        predicate_type: String,
    },
    /// A directory of in-toto statements.
    Bundle,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct PlatformList {
    platforms: Vec<PlatformEntry>,
}

#[derive(Deserialize, Serialize)]
struct PlatformEntry {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Platform")]
    platform: OciPlatform,
}

#[derive(Deserialize, PartialEq, Serialize)]
struct OciPlatform {
    architecture: String,
    os: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    variant: Option<String>,
}

impl GatewayResult {
    /// Returns the result of one file system, without any metadata.
    #[must_use]
    pub fn single(reference: Reference) -> Self {
        Self {
            references: References::Single(reference),
            metadata: BTreeMap::new(),
            attestations: BTreeMap::new(),
        }
    }

    /// Returns the result of one image of `platform`, which exports as a manifest.
    #[must_use]
    pub fn image(platform: &Platform, image: PlatformImage) -> Self {
        let mut result = Self::single(image.reference);
        result.metadata.insert(IMAGE_CONFIG.into(), image.config);
        result
            .metadata
            .insert(PLATFORMS.into(), platforms([platform]));
        result
    }

    /// Returns the same images as a result that exports as an index, be it of one platform.
    #[must_use]
    pub fn into_index(mut self) -> Self {
        let References::Single(reference) = self.references else {
            return self;
        };
        let list = self.metadata.get(PLATFORMS).map(Vec::as_slice);
        let list = serde_json::from_slice::<PlatformList>(list.unwrap_or_default());
        let id = list.ok().and_then(|list| list.platforms.into_iter().next());
        let Some(PlatformEntry { id, .. }) = id else {
            self.references = References::Single(reference);
            return self;
        };
        if let Some(config) = self.metadata.remove(IMAGE_CONFIG) {
            self.metadata.insert(format!("{IMAGE_CONFIG}/{id}"), config);
        }
        self.references = References::PerPlatform(BTreeMap::from([(id, reference)]));
        self
    }

    /// Returns the result of images: of one alone it exports as a manifest, of several as an index.
    #[must_use]
    pub fn of_images(mut images: BTreeMap<Platform, PlatformImage>) -> Self {
        match (images.len(), images.pop_first()) {
            (1, Some((platform, image))) => Self::image(&platform, image),
            (_, first) => {
                images.extend(first);
                Self::images(images)
            }
        }
    }

    /// Returns the result of one image per platform, which exports as an index.
    #[must_use]
    pub fn images(images: BTreeMap<Platform, PlatformImage>) -> Self {
        let mut metadata = BTreeMap::from([(PLATFORMS.into(), platforms(images.keys()))]);
        let mut references = BTreeMap::new();
        for (platform, image) in images {
            metadata.insert(format!("{IMAGE_CONFIG}/{platform}"), image.config);
            references.insert(platform.to_string(), image.reference);
        }
        Self {
            references: References::PerPlatform(references),
            metadata,
            attestations: BTreeMap::new(),
        }
    }
}

/// Serializes `refs.platforms`.
fn platforms<'a>(platforms: impl IntoIterator<Item = &'a Platform>) -> Vec<u8> {
    let platforms = platforms
        .into_iter()
        .map(|platform| PlatformEntry {
            id: platform.to_string(),
            platform: OciPlatform {
                architecture: platform.architecture.clone(),
                os: platform.os.clone(),
                variant: platform.variant.clone(),
            },
        })
        .collect();
    // Strings in structs: there is nothing here that JSON could not hold.
    serde_json::to_vec(&PlatformList { platforms }).unwrap_or_default()
}

impl From<wire::Ref> for Reference {
    fn from(reference: wire::Ref) -> Self {
        Self {
            id: reference.id,
            definition: reference.def,
        }
    }
}

impl From<Reference> for wire::Ref {
    fn from(reference: Reference) -> Self {
        // The daemon looks at the id alone.
        Self {
            id: reference.id,
            def: None,
        }
    }
}

impl From<wire::Result> for GatewayResult {
    fn from(result: wire::Result) -> Self {
        use wire::result::Result as Refs;
        let named = |id| Reference {
            id,
            definition: None,
        };
        let references = match result.result {
            None => References::Single(Reference::default()),
            Some(Refs::Ref(reference)) => References::Single(reference.into()),
            Some(Refs::Refs(map)) => References::PerPlatform(
                map.refs
                    .into_iter()
                    .map(|(key, r)| (key, r.into()))
                    .collect(),
            ),
            Some(Refs::RefDeprecated(id)) => References::Single(named(id)),
            Some(Refs::RefsDeprecated(map)) => References::PerPlatform(
                map.refs
                    .into_iter()
                    .map(|(key, id)| (key, named(id)))
                    .collect(),
            ),
        };
        let attestations = result.attestations.into_iter();
        Self {
            references,
            metadata: result.metadata.into_iter().collect(),
            attestations: attestations
                .map(|(key, list)| {
                    (
                        key,
                        list.attestation
                            .into_iter()
                            .map(Attestation::from)
                            .collect(),
                    )
                })
                .collect(),
        }
    }
}

impl From<GatewayResult> for wire::Result {
    fn from(result: GatewayResult) -> Self {
        use wire::result::Result as Refs;
        let refs = match result.references {
            References::Single(reference) => Refs::Ref(reference.into()),
            References::PerPlatform(map) => Refs::Refs(wire::RefMap {
                refs: map.into_iter().map(|(key, r)| (key, r.into())).collect(),
            }),
        };
        let attestations = result.attestations.into_iter();
        Self {
            result: Some(refs),
            metadata: result.metadata.into_iter().collect(),
            attestations: attestations
                .map(|(key, list)| {
                    let attestation = list.into_iter().map(wire::Attestation::from).collect();
                    (key, wire::Attestations { attestation })
                })
                .collect(),
        }
    }
}

impl From<wire::Attestation> for Attestation {
    fn from(wired: wire::Attestation) -> Self {
        let kind = match wired.kind() {
            wire::AttestationKind::InToto => AttestationKind::Predicate {
                predicate_type: wired.in_toto_predicate_type,
            },
            wire::AttestationKind::Bundle => AttestationKind::Bundle,
        };
        Self {
            kind,
            reference: wired.r#ref.map(Reference::from).unwrap_or_default(),
            path: wired.path,
            metadata: wired.metadata.into_iter().collect(),
        }
    }
}

impl From<Attestation> for wire::Attestation {
    fn from(attestation: Attestation) -> Self {
        let metadata = attestation.metadata.into_iter().collect();
        // Consumers in Go dereference the reference even where it is the empty file system.
        let r#ref = Some(attestation.reference.into());
        let itself = wire::InTotoSubject {
            kind: wire::InTotoSubjectKind::Self_.into(),
            ..wire::InTotoSubject::default()
        };
        let (kind, predicate_type, subjects) = match attestation.kind {
            AttestationKind::Predicate { predicate_type } => {
                (wire::AttestationKind::InToto, predicate_type, vec![itself])
            }
            AttestationKind::Bundle => (wire::AttestationKind::Bundle, String::new(), Vec::new()),
        };
        Self {
            kind: kind.into(),
            metadata,
            r#ref,
            path: attestation.path,
            in_toto_predicate_type: predicate_type,
            in_toto_subjects: subjects,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_listed_as_exporters_read_them() {
        let image = |id: &str| PlatformImage {
            reference: Reference {
                id: id.into(),
                definition: None,
            },
            config: id.into(),
        };
        let result = GatewayResult::images(BTreeMap::from([
            (Platform::linux("arm"), image("one")),
            (Platform::linux("amd64"), image("two")),
        ]));
        insta::assert_snapshot!(
            String::from_utf8_lossy(&result.metadata[PLATFORMS]),
            @r#"{"Platforms":[{"ID":"linux/amd64","Platform":{"architecture":"amd64","os":"linux"}},{"ID":"linux/arm/v7","Platform":{"architecture":"arm","os":"linux","variant":"v7"}}]}"#
        );
        assert_eq!(
            result.metadata["containerimage.config/linux/arm/v7"],
            b"one"
        );
        assert_eq!(
            GatewayResult::from(wire::Result::from(result.clone())),
            result
        );
    }

    #[test]
    fn an_attestation_always_names_a_reference() {
        let wired = wire::Attestation::from(Attestation {
            kind: AttestationKind::Bundle,
            reference: Reference::default(),
            path: "/sbom".into(),
            metadata: BTreeMap::new(),
        });
        assert_eq!(wired.r#ref, Some(wire::Ref::default()));
    }
}

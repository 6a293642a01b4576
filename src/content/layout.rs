//! An image of one or several layers, as an `oci-layout://` source names it.
//!
//! The manifest and config say nothing but platform and layers: no clock, no history, no
//! labels, so the digest follows from the layers alone. BuildKit resolves a source by the
//! manifest's digest and reads manifest, config and layers from the content store; an index
//! is not needed (BuildKit `source/containerimage/ocilayout.go`).

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::OciSpecError;
use oci_spec::image::{
    Arch, Descriptor, ImageConfiguration, ImageConfigurationBuilder, ImageManifestBuilder,
    MediaType, Os, RootFsBuilder,
};

use super::blob::{Blob, SegmentBlob};
use super::layer::{Layer, digest_of};
use crate::oci::Platform;

/// Why layers could not be made into a layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// BuildKit reads a source name as host and path.
    #[error("layout name {name:?} is not of the form host/path")]
    Name {
        /// The name as given.
        name: String,
    },
    /// A platform, config or manifest that the image spec does not allow.
    #[error("cannot describe the layers of {name} as an image")]
    Spec {
        /// The layout's name.
        name: String,
        /// The rule that was broken.
        source: OciSpecError,
    },
    /// A digest could not be formed.
    #[error("cannot name the layers of {name}")]
    Digest {
        /// The layout's name.
        name: String,
        /// The reason.
        source: io::Error,
    },
}

/// A named image held by the client, addressed by its manifest's digest.
#[derive(Clone)]
pub struct Layout {
    name: String,
    manifest: Descriptor,
    blobs: BTreeMap<String, Arc<dyn Blob>>,
}

impl Layout {
    /// Describes `layers`, lowest first, as an image for `platform`.
    ///
    /// `name` is cosmetic but must hold a slash, e.g. `gobuild/closure`.
    ///
    /// # Errors
    /// The name has no slash; the image spec refuses the parts.
    pub fn new(name: &str, platform: &Platform, layers: &[Layer]) -> Result<Self, LayoutError> {
        if !is_source_name(name) {
            return Err(LayoutError::Name {
                name: name.to_owned(),
            });
        }
        let spec = |source| LayoutError::Spec {
            name: name.to_owned(),
            source,
        };
        let held = |source| LayoutError::Digest {
            name: name.to_owned(),
            source,
        };
        let mut blobs: BTreeMap<String, Arc<dyn Blob>> = layers
            .iter()
            .map(|layer| {
                (
                    layer.descriptor().digest().to_string(),
                    Arc::clone(layer.blob()),
                )
            })
            .collect();
        let mut hold = |text: String, media_type: MediaType| -> io::Result<Descriptor> {
            let bytes = Bytes::from(text);
            let digest = digest_of(&bytes)?;
            let descriptor = Descriptor::new(media_type, bytes.len() as u64, digest);
            let blob = Arc::new(SegmentBlob::from_bytes(bytes));
            blobs.insert(descriptor.digest().to_string(), blob);
            Ok(descriptor)
        };
        let config = image_config(platform, layers)
            .and_then(|config| config.to_string())
            .map_err(spec)?;
        let config = hold(config, MediaType::ImageConfig).map_err(held)?;
        let manifest = ImageManifestBuilder::default()
            .schema_version(2u32)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(
                layers
                    .iter()
                    .map(|layer| layer.descriptor().clone())
                    .collect::<Vec<_>>(),
            )
            .build()
            .and_then(|manifest| manifest.to_string())
            .map_err(spec)?;
        let manifest = hold(manifest, MediaType::ImageManifest).map_err(held)?;
        Ok(Self {
            name: name.to_owned(),
            manifest,
            blobs,
        })
    }

    /// Returns the name, e.g. `gobuild/closure`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the manifest's digest, `sha256:…`.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.manifest.digest().as_ref()
    }

    /// Returns the source identifier without its scheme: `name@sha256:…`.
    #[must_use]
    pub fn identifier(&self) -> String {
        format!("{}@{}", self.name, self.digest())
    }

    /// Returns the manifest's descriptor.
    #[must_use]
    pub fn manifest(&self) -> &Descriptor {
        &self.manifest
    }

    /// Returns manifest, config and layers by digest.
    #[must_use]
    pub fn blobs(&self) -> &BTreeMap<String, Arc<dyn Blob>> {
        &self.blobs
    }
}

impl std::fmt::Debug for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Layout").field(&self.identifier()).finish()
    }
}

fn is_source_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    name.contains('/')
        && name
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(allowed))
}

fn image_config(platform: &Platform, layers: &[Layer]) -> Result<ImageConfiguration, OciSpecError> {
    let diff_ids: Vec<String> = layers
        .iter()
        .map(|layer| layer.diff_id().to_string())
        .collect();
    let root = RootFsBuilder::default()
        .typ("layers")
        .diff_ids(diff_ids)
        .build()?;
    let config = ImageConfigurationBuilder::default()
        .architecture(Arch::from(platform.architecture.as_str()))
        .os(Os::from(platform.os.as_str()))
        .rootfs(root);
    match &platform.variant {
        Some(variant) => config.variant(variant.as_str()),
        None => config,
    }
    .build()
}

//! `docker-image://`: the root filesystem of an image in a registry.

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::Output;
use crate::oci::Platform;

use super::{Attributes, check_digest};

/// Where the worker looks for an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolveMode {
    /// The registry first, the worker's own image store if that fails.
    #[default]
    Default,
    /// Always the registry.
    Pull,
    /// The worker's own image store first.
    PreferLocal,
}

/// A `docker-image` source.
#[derive(Clone, Debug)]
#[must_use]
pub struct Image {
    reference: String,
    platform: Platform,
    resolve_mode: ResolveMode,
    layer_limit: Option<u32>,
    checksum: String,
    metadata: Metadata,
}

impl Image {
    /// Returns the image `reference`, a full one: registry, name, and tag or digest.
    pub fn new(reference: impl Into<String>, platform: Platform) -> Self {
        Self {
            reference: reference.into(),
            platform,
            resolve_mode: ResolveMode::Default,
            layer_limit: None,
            checksum: String::new(),
            metadata: Metadata::default(),
        }
    }

    /// Sets where the worker looks for the image.
    pub fn resolve_mode(mut self, mode: ResolveMode) -> Self {
        self.resolve_mode = mode;
        self
    }

    /// Keeps only the first `layers` layers.
    pub fn layer_limit(mut self, layers: u32) -> Self {
        self.layer_limit = Some(layers);
        self
    }

    /// Refuses the image unless its manifest has this digest.
    pub fn checksum(mut self, digest: impl Into<String>) -> Self {
        self.checksum = digest.into();
        self
    }

    /// Sets name, progress group and the like.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Builds the vertex.
    ///
    /// # Errors
    /// The reference is not a full one, or the checksum is malformed.
    pub fn build(self) -> Result<Output, Error> {
        if !is_full(&self.reference) {
            return Err(Error::ImageReference {
                given: self.reference,
            });
        }
        let mut attributes = Attributes::of(caps::IMAGE);
        match self.resolve_mode {
            ResolveMode::Default => {}
            ResolveMode::Pull => {
                attributes.require("image.resolvemode", "pull", caps::IMAGE_RESOLVE_MODE);
            }
            // Not worth failing on a daemon that does not know the mode.
            ResolveMode::PreferLocal => {
                attributes.set("image.resolvemode", "local");
            }
        }
        if let Some(limit) = self.layer_limit {
            let limit = limit.to_string();
            attributes.require("image.layerlimit", limit, caps::IMAGE_LAYER_LIMIT);
        }
        if !self.checksum.is_empty() {
            check_digest("image", &self.checksum)?;
            attributes.require("image.checksum", self.checksum, caps::IMAGE_CHECKSUM);
        }
        let identifier = format!("docker-image://{}", self.reference);
        Ok(attributes.finish(identifier, Some(self.platform), self.metadata))
    }
}

/// Tells a full reference from one that still needs docker's defaults (registry, `latest`).
fn is_full(reference: &str) -> bool {
    let Some((registry, path)) = reference.split_once('/') else {
        return false;
    };
    let is_registry = registry == "localhost" || registry.contains(['.', ':']);
    let name = path.split(['@', ':']).next().unwrap_or_default();
    is_registry && !name.is_empty() && path.len() > name.len() + 1
}

//! `oci-layout://`: an image in a content store that the client serves over its session.
//!
//! The digest is the identity: a layout whose content did not change is neither transferred nor
//! looked at again. The name only appears in progress and provenance.

use crate::llb::caps;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::Output;
use crate::oci::Platform;

use super::{Attributes, check_digest};

/// An `oci-layout` source.
#[derive(Clone, Debug)]
#[must_use]
pub struct OciLayout {
    name: String,
    digest: String,
    platform: Platform,
    session: String,
    store: String,
    layer_limit: Option<u32>,
    metadata: Metadata,
}

impl OciLayout {
    /// Returns the image with the manifest or index `digest`, called `name` (`prefix/name`).
    pub fn new(name: impl Into<String>, digest: impl Into<String>, platform: Platform) -> Self {
        Self {
            name: name.into(),
            digest: digest.into(),
            platform,
            session: String::new(),
            store: String::new(),
            layer_limit: None,
            metadata: Metadata::default(),
        }
    }

    /// Sets the store id that the session's content service is asked for.
    pub fn store(mut self, id: impl Into<String>) -> Self {
        self.store = id.into();
        self
    }

    /// Pins the session that serves the store; without it every session of the build is asked.
    ///
    /// The session becomes part of the vertex's digest, so leave it out where the digest should be
    /// the same from build to build.
    pub fn session(mut self, id: impl Into<String>) -> Self {
        self.session = id.into();
        self
    }

    /// Keeps only the first `layers` layers.
    pub fn layer_limit(mut self, layers: u32) -> Self {
        self.layer_limit = Some(layers);
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
    /// The name is not of the form `prefix/name`, or the digest is malformed.
    pub fn build(self) -> Result<Output, Error> {
        // buildkitd reads the name as a reference, whose first component is the host.
        let is_path = self.name.split('/').all(|part| !part.is_empty());
        if !is_path || !self.name.contains('/') || self.name.contains('@') {
            return Err(Error::OciLayoutName { given: self.name });
        }
        check_digest("oci-layout", &self.digest)?;
        let mut attributes = Attributes::of(caps::OCI_LAYOUT);
        attributes.set("oci.session", self.session);
        attributes.set("oci.store", self.store);
        if let Some(limit) = self.layer_limit {
            attributes.set("oci.layerlimit", limit.to_string());
        }
        let identifier = format!("oci-layout://{}@{}", self.name, self.digest);
        Ok(attributes.finish(identifier, Some(self.platform), self.metadata))
    }
}

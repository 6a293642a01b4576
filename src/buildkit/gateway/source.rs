//! What a source is right now: the digest behind a tag, and the image's config.

use std::collections::BTreeMap;

use buildkit_proto::moby::buildkit::v1::frontend as wire;
use buildkit_proto::pb;
use tonic::{Code, Status};

use super::Gateway;
use crate::buildkit::error::Error;
use crate::oci::Platform;

/// Where an image may come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolveMode {
    /// The registry, or the worker's image store if that fails.
    #[default]
    Default,
    /// The registry alone.
    Pull,
    /// The worker's image store if it has the image.
    Local,
}

impl ResolveMode {
    fn wire(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Pull => "pull",
            Self::Local => "local",
        }
    }
}

/// A source to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceQuery {
    /// `docker-image://` and a full reference, `oci-layout://name@sha256:…`, or any other source
    /// of a graph.
    pub identifier: String,
    /// The source's attributes, e.g. `oci.store` and `oci.session`.
    pub attributes: BTreeMap<String, String>,
    /// The platform to pick from an index; without it the daemon's own.
    pub platform: Option<Platform>,
    /// Where an image may come from.
    pub mode: ResolveMode,
    /// What progress displays show; without it the daemon's own words.
    pub log_name: String,
}

/// What a source is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceMeta {
    /// The source's identifier, which a policy may have changed.
    pub identifier: String,
    /// Digest and config, if it is an image.
    pub image: Option<ImageMeta>,
    /// What the reference means, if it is a git source: a commit.
    pub git_checksum: Option<String>,
}

/// What an image is right now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageMeta {
    /// Digest of what the reference points to: an index where there is one.
    pub digest: String,
    /// The platform's image config in OCI's JSON.
    pub config: Vec<u8>,
}

impl Gateway {
    /// Resolves a source without fetching its content.
    ///
    /// # Errors
    /// There is no such source, or its registry refuses.
    pub async fn resolve_source_meta(&self, query: SourceQuery) -> Result<SourceMeta, Error> {
        let image = query.identifier.strip_prefix("docker-image://");
        let (image, platform_of) = (image.map(str::to_owned), query.platform.clone());
        let request = self.request(wire::ResolveSourceMetaRequest {
            source: Some(pb::SourceOp {
                identifier: query.identifier.clone(),
                attrs: query.attributes,
            }),
            platform: query.platform.as_ref().map(platform),
            log_name: query.log_name,
            resolve_mode: query.mode.wire().to_owned(),
            ..wire::ResolveSourceMetaRequest::default()
        });
        let answer = self.bridge().resolve_source_meta(request).await;
        // Daemons before v0.13 have no such call.
        let is_new = |answer: &Result<_, Status>| match answer {
            Err(status) => status.code() == Code::Unimplemented,
            Ok(_) => false,
        };
        if let Some(reference) = image.filter(|_| is_new(&answer)) {
            let image = self.resolve_image_config(&reference, platform_of.as_ref(), query.mode);
            return Ok(SourceMeta {
                identifier: query.identifier,
                image: Some(image.await?),
                git_checksum: None,
            });
        }
        let meta = self.answer(answer).await?;
        let source = meta.source.ok_or(Error::Incomplete {
            call: "LLBBridge.ResolveSourceMeta",
            missing: "source",
        })?;
        Ok(SourceMeta {
            identifier: source.identifier,
            image: meta.image.map(|image| ImageMeta {
                digest: image.digest,
                config: image.config,
            }),
            git_checksum: meta.git.map(|git| git.checksum),
        })
    }

    /// Resolves an image through the older call, which daemons before v0.13 know.
    ///
    /// # Errors
    /// There is no such image, or its registry refuses.
    pub async fn resolve_image_config(
        &self,
        reference: &str,
        platform_of: Option<&Platform>,
        mode: ResolveMode,
    ) -> Result<ImageMeta, Error> {
        let request = self.request(wire::ResolveImageConfigRequest {
            r#ref: reference.to_owned(),
            platform: platform_of.map(platform),
            resolve_mode: mode.wire().to_owned(),
            ..wire::ResolveImageConfigRequest::default()
        });
        let answer = self.bridge().resolve_image_config(request).await;
        let image = self.answer(answer).await?;
        Ok(ImageMeta {
            digest: image.digest,
            config: image.config,
        })
    }
}

fn platform(platform: &Platform) -> pb::Platform {
    pb::Platform {
        architecture: platform.architecture.clone(),
        os: platform.os.clone(),
        variant: platform.variant.clone().unwrap_or_default(),
        ..pb::Platform::default()
    }
}

//! Images of registries: digest and config, as the daemon finds them.

use super::{FunctionError, Inputs};
use crate::buildkit::error::Error as WireError;
use crate::buildkit::gateway::{Gateway, SourceQuery};
use crate::llb::{Image, Metadata, Output};
use crate::oci::{ImageConfig, Platform};

/// Resolves an image of a registry to its digest and config.
pub(super) async fn registry_image(
    gateway: &Gateway,
    inputs: &Inputs,
    reference: &str,
    platform: &Platform,
) -> Result<(Output, ImageConfig), FunctionError> {
    let query = SourceQuery {
        identifier: format!("docker-image://{reference}"),
        platform: Some(platform.clone()),
        mode: inputs.resolve_mode,
        log_name: format!("resolve {reference} {platform}"),
        ..SourceQuery::default()
    };
    let failed = |source| FunctionError::Resolve {
        reference: reference.to_owned(),
        platform: platform.clone(),
        source: Box::new(source),
    };
    let meta = gateway.resolve_source_meta(query).await.map_err(failed)?;
    let Some(found) = meta.image else {
        let missing = WireError::Incomplete {
            call: "LLBBridge.ResolveSourceMeta",
            missing: "image",
        };
        return Err(failed(missing));
    };
    let config = |source| FunctionError::Config {
        reference: reference.to_owned(),
        source,
    };
    let of = ImageConfig::platform_of(&found.config).map_err(config)?;
    if (of.os.as_str(), of.architecture.as_str())
        != (platform.os.as_str(), platform.architecture.as_str())
    {
        let (reference, platform) = (reference.to_owned(), platform.clone());
        return Err(FunctionError::BasePlatform {
            reference,
            platform,
            found: of.to_string(),
        });
    }
    let pinned = match reference.contains('@') {
        true => reference.to_owned(),
        false => format!("{reference}@{}", found.digest),
    };
    let output = Image::new(pinned, platform.clone())
        .metadata(Metadata::named(reference))
        .build()?;
    Ok((
        output,
        ImageConfig::of_base(&found.config, platform).map_err(config)?,
    ))
}

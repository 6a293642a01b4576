//! The build function: a gateway in, a result out.
//!
//! It asks the daemon what only the daemon knows (digests and configs of images), lowers the
//! plan, and solves one graph per platform. References are lazy: what fails, fails when the
//! result is exported, with the failing vertex in the error.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::exports::Shape;
use super::present::{BuiltIn, Sources, Toolchain, copied_files};
use crate::buildkit::error::Error as WireError;
use crate::buildkit::gateway::{
    Gateway, GatewayResult, PlatformImage as Built, Reference, References, ResolveMode, Solve,
    SourceQuery,
};
use crate::content;
use crate::llb::{self, Image, Metadata, Output};
use crate::lower::{self, Binaries, CopiedFiles, ImageInputs, Presented};
use crate::oci::{ImageConfig, Platform};
use crate::plan::{Plan, PlatformImage};
use crate::project::manifest::{Base, Compression};

mod accounts;
mod error;
mod jobs;
mod offline;
mod wanted;

pub use accounts::AccountError;
pub use error::FunctionError;
pub use jobs::Jobs;
pub use offline::offline;
pub use wanted::Wanted;

/// What the function builds from.
pub struct Inputs {
    /// What must happen.
    pub plan: Plan,
    /// The plan's inputs.
    pub sources: Sources,
    /// Time of everything that images add, in seconds since 1970.
    pub epoch: u32,
    /// Where images of registries may come from.
    pub resolve_mode: ResolveMode,
    /// Whether every step runs, whatever the builder's cache holds.
    pub no_cache: bool,
    /// How many compile steps run at once.
    pub jobs: Jobs,
}

/// Builds one image of the plan, or just its binaries.
///
/// # Errors
/// See [`FunctionError`].
pub async fn build(
    gateway: &Gateway,
    inputs: &Inputs,
    wanted: Wanted,
) -> Result<GatewayResult, FunctionError> {
    let cache = match inputs.no_cache {
        true => CacheUse::Ignored,
        false => CacheUse::Asked,
    };
    lowered(gateway, inputs, wanted, cache).await
}

/// Builds several at once, as one result that is there to be cached.
///
/// All roots are merged into one: a daemon that reads a cache with several ends loses edges of the
/// graph where they meet (BuildKit v0.32, `cache/remotecache/v1/cachestorage.go`: what an earlier
/// end has visited is found by a later one only once), and runs again what it has.
///
/// # Errors
/// See [`FunctionError`].
pub async fn build_all(
    gateway: &Gateway,
    inputs: &Inputs,
    wanted: &[Wanted],
) -> Result<GatewayResult, FunctionError> {
    let toolchain = toolchain(gateway, inputs).await?;
    let binaries = lower::compile_all(&inputs.plan, &presented(&inputs.sources, toolchain))?;
    let mut roots: Vec<Output> = Vec::new();
    for wanted in wanted {
        let platforms = wanted.platforms(inputs);
        let jobs = &inputs.jobs;
        jobs.build(gateway, platforms, &binaries, CacheUse::Asked)
            .await?;
        for image in platforms {
            roots.push(match wanted.shape {
                Shape::Image(compression) => {
                    let parts = image_inputs(gateway, inputs, image, compression).await?;
                    lower::image(image, &binaries, &parts)?.root
                }
                Shape::Binaries => lower::binaries(image, &binaries, inputs.epoch)?,
            });
        }
    }
    let root = llb::merge(roots, Metadata::named("all that is cached"));
    let platform = &inputs.plan.build_platform;
    let built = Built {
        reference: solve(gateway, &root, CacheUse::Asked).await?,
        config: ImageConfig::empty(platform).to_json(),
    };
    Ok(GatewayResult::image(platform, built))
}

/// Whether steps may be taken from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CacheUse {
    Asked,
    /// Every step runs before the function returns.
    Ignored,
}

async fn lowered(
    gateway: &Gateway,
    inputs: &Inputs,
    wanted: Wanted,
    cache: CacheUse,
) -> Result<GatewayResult, FunctionError> {
    let toolchain = toolchain(gateway, inputs).await?;
    let binaries = lower::compile_all(&inputs.plan, &presented(&inputs.sources, toolchain))?;
    let platforms = wanted.platforms(inputs);
    let jobs = &inputs.jobs;
    jobs.build(gateway, platforms, &binaries, cache).await?;
    match wanted.shape {
        Shape::Image(compression) => {
            let built = images(gateway, inputs, platforms, &binaries, compression, cache).await?;
            Ok(annotated(built, inputs, wanted.image))
        }
        Shape::Binaries => folders(gateway, inputs, platforms, &binaries, cache).await,
    }
}

/// Returns the inputs of the steps.
fn presented(sources: &Sources, toolchain: Output) -> Presented {
    Presented {
        toolchain,
        helper: sources.helper.clone(),
        module_files: sources.module_files.clone(),
        packages: sources.packages.clone(),
        closures: sources.closures.clone(),
    }
}

async fn images(
    gateway: &Gateway,
    inputs: &Inputs,
    platforms: &[PlatformImage],
    binaries: &Binaries<'_>,
    compression: Compression,
    cache: CacheUse,
) -> Result<GatewayResult, FunctionError> {
    let built = platforms.iter().map(|image| async move {
        let parts = image_inputs(gateway, inputs, image, compression).await?;
        let lowered = lower::image(image, binaries, &parts)?;
        let reference = solve(gateway, &lowered.root, cache).await?;
        let built = Built {
            reference,
            config: lowered.config.to_json(),
        };
        Ok::<_, FunctionError>((image.platform.clone(), built))
    });
    Ok(result(try_join_all(built).await?))
}

/// Adds the annotations of an image.
fn annotated(mut result: GatewayResult, inputs: &Inputs, image: usize) -> GatewayResult {
    let step = inputs.plan.images.get(image);
    for (key, value) in step.iter().flat_map(|step| &step.annotations) {
        let key = format!("annotation.{key}");
        result.metadata.insert(key, value.clone().into_bytes());
    }
    result
}

async fn folders(
    gateway: &Gateway,
    inputs: &Inputs,
    platforms: &[PlatformImage],
    binaries: &Binaries<'_>,
    cache: CacheUse,
) -> Result<GatewayResult, FunctionError> {
    let built = platforms.iter().map(|image| async move {
        let root = lower::binaries(image, binaries, inputs.epoch)?;
        let config = ImageConfig::empty(&image.platform).to_json();
        let built = Built {
            reference: solve(gateway, &root, cache).await?,
            config,
        };
        Ok::<_, FunctionError>((image.platform.clone(), built))
    });
    Ok(result(try_join_all(built).await?))
}

/// Returns the result of all platforms: of one alone it exports as a manifest rather than as an
/// index, and its binaries are not put into a folder of its name.
fn result(built: Vec<(Platform, Built)>) -> GatewayResult {
    let mut built: BTreeMap<Platform, Built> = built.into_iter().collect();
    match (built.len(), built.pop_first()) {
        (1, Some((platform, image))) => GatewayResult::image(&platform, image),
        (_, first) => {
            built.extend(first);
            GatewayResult::images(built)
        }
    }
}

async fn solve(
    gateway: &Gateway,
    root: &Output,
    cache: CacheUse,
) -> Result<Reference, FunctionError> {
    let definition = root.marshal();
    let wanted = match cache {
        CacheUse::Asked => Solve::definition(definition.to_pb()),
        CacheUse::Ignored => Solve::definition(definition.ignoring_cache().to_pb()).evaluated(),
    };
    let solved = gateway.solve(wanted).await?;
    Ok(match solved.references {
        References::Single(reference) => reference,
        References::PerPlatform(references) => references.into_values().next().unwrap_or_default(),
    })
}

async fn toolchain(gateway: &Gateway, inputs: &Inputs) -> Result<Output, FunctionError> {
    match &inputs.sources.toolchain {
        Toolchain::Layout(output) => Ok(output.clone()),
        Toolchain::Image(reference) => {
            let platform = &inputs.plan.build_platform;
            let (output, _) = registry_image(gateway, inputs, reference, platform).await?;
            Ok(output)
        }
    }
}

async fn image_inputs(
    gateway: &Gateway,
    inputs: &Inputs,
    image: &PlatformImage,
    compression: Compression,
) -> Result<ImageInputs, FunctionError> {
    let (base, config) = match &image.base {
        Base::Image(reference) => {
            registry_image(gateway, inputs, &reference.to_string(), &image.platform).await?
        }
        Base::Scratch | Base::Static => {
            own_base(&inputs.sources, image, compression, inputs.epoch)?
        }
    };
    let mut owners = Vec::new();
    for copied in &image.files {
        owners.push(accounts::owner(gateway, &base, &copied.owner).await?);
    }
    assemble(
        &inputs.sources,
        image,
        (base, config),
        &owners,
        compression,
        inputs.epoch,
    )
}

/// Returns a base that needs no registry, with its config.
pub(super) fn own_base(
    sources: &Sources,
    image: &PlatformImage,
    compression: Compression,
    epoch: u32,
) -> Result<(Output, ImageConfig), FunctionError> {
    let mut config = ImageConfig::empty(&image.platform);
    if image.base == Base::Scratch {
        return Ok((Output::scratch(), config));
    }
    config.set_env("SSL_CERT_FILE", crate::base::CERTS_PATH);
    config.add_history(&lower::rfc3339(epoch), "gobuild static base");
    let base = sources.built_in(BuiltIn::Base, &image.platform, packing(compression))?;
    Ok((base, config))
}

/// Puts an image's parts together once its base and the owners of its files are known.
pub(super) fn assemble(
    sources: &Sources,
    image: &PlatformImage,
    (base, config): (Output, ImageConfig),
    owners: &[(u32, u32)],
    compression: Compression,
    epoch: u32,
) -> Result<ImageInputs, FunctionError> {
    let (platform, packed) = (&image.platform, packing(compression));
    let mut extras = Vec::new();
    if !image.certs.is_empty() {
        let part = BuiltIn::Certs(image.certs.clone());
        extras.push((
            sources.built_in(part, platform, packed)?,
            "gobuild certificates".to_owned(),
        ));
    }
    if image.tzdata == Some(true) && image.base != Base::Static {
        let zones = sources.built_in(BuiltIn::TimeZones, platform, packed)?;
        extras.push((zones, "gobuild time zones".to_owned()));
    }
    let files = image.files.iter().zip(owners).map(|(copied, owner)| {
        Ok(CopiedFiles {
            source: copied_files(copied)?,
            owner: *owner,
        })
    });
    let files = files.collect::<Result<_, llb::Error>>()?;
    Ok(ImageInputs {
        base,
        config,
        extras,
        files,
        epoch,
    })
}

/// Resolves an image of a registry to its digest and config.
async fn registry_image(
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

/// Returns how gobuild compresses layers that it makes itself.
fn packing(compression: Compression) -> content::Compression {
    match compression {
        Compression::Zstd => content::Compression::Zstd,
        Compression::Gzip => content::Compression::Gzip,
        Compression::Uncompressed => content::Compression::None,
    }
}

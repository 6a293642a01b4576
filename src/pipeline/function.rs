//! The build function: a gateway in, a result out.
//!
//! It asks the daemon what only the daemon knows (digests and configs of images), lowers the
//! plan, and solves one graph per platform. References are lazy: what fails, fails when the
//! result is exported, with the failing vertex in the error.

use futures_util::future::try_join_all;
use tokio::sync::OnceCell;

use super::exports::Shape;
use super::present::{BuiltIn, PresentError, Sources, Toolchain};
use crate::buildkit::gateway::{
    Gateway, GatewayResult, PlatformImage as Built, Reference, References, ResolveMode, Solve,
};
use crate::llb::{self, Metadata, Output};
use crate::lower::{self, Binaries, CopiedFiles, ImageInputs, Presented};
use crate::oci::{ImageConfig, Platform};
use crate::plan::{Plan, PlatformImage};
use crate::project::manifest::Base;

mod accounts;
mod error;
mod identity;
mod jobs;
mod offline;
mod registry;
mod wanted;

pub use accounts::AccountError;
pub use error::FunctionError;
pub(super) use identity::Identities;
pub use jobs::Jobs;
pub use offline::Offline;
use registry::registry_image;
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

/// The function, for all builds of an invocation: what their graphs have in common is made once.
pub struct Function<'a> {
    inputs: &'a Inputs,
    binaries: OnceCell<Binaries<'a>>,
}

impl<'a> Function<'a> {
    /// Returns the function of a plan and its inputs.
    #[must_use]
    pub fn new(inputs: &'a Inputs) -> Self {
        Self {
            inputs,
            binaries: OnceCell::new(),
        }
    }

    /// Returns what it builds from.
    #[must_use]
    pub fn inputs(&self) -> &'a Inputs {
        self.inputs
    }

    /// Builds one image of the plan, or just its binaries.
    ///
    /// # Errors
    /// See [`FunctionError`].
    pub async fn build(
        &self,
        gateway: &Gateway,
        wanted: Wanted,
    ) -> Result<GatewayResult, FunctionError> {
        let cache = match self.inputs.no_cache {
            true => CacheUse::Ignored,
            false => CacheUse::Asked,
        };
        self.lowered(gateway, wanted, cache).await
    }

    /// Builds what was built a moment ago, from the daemon's cache.
    ///
    /// # Errors
    /// See [`FunctionError`].
    pub async fn build_again(
        &self,
        gateway: &Gateway,
        wanted: Wanted,
    ) -> Result<GatewayResult, FunctionError> {
        self.lowered(gateway, wanted, CacheUse::Asked).await
    }

    /// Builds several at once, as one result that is there to be cached.
    ///
    /// All roots are merged into one: a daemon that reads a cache with several ends loses edges of
    /// the graph where they meet (BuildKit v0.32, `cache/remotecache/v1/cachestorage.go`: what an
    /// earlier end has visited is found by a later one only once), and runs again what it has.
    ///
    /// # Errors
    /// See [`FunctionError`].
    pub async fn build_all(
        &self,
        gateway: &Gateway,
        wanted: &[Wanted],
    ) -> Result<GatewayResult, FunctionError> {
        let inputs = self.inputs;
        let binaries = self.binaries(gateway).await?;
        let parts = wanted.iter().map(|wanted| async move {
            let platforms = wanted.platforms(inputs);
            let jobs = &inputs.jobs;
            jobs.build(gateway, platforms, binaries, CacheUse::Asked)
                .await?;
            let roots = platforms.iter().map(|image| async move {
                Ok::<_, FunctionError>(match wanted.shape {
                    Shape::Image(_) => {
                        let parts = image_inputs(gateway, inputs, image).await?;
                        lower::image(image, binaries, &parts)?.root
                    }
                    Shape::Binaries => lower::binaries(image, binaries, inputs.epoch)?,
                })
            });
            try_join_all(roots).await
        });
        let roots: Vec<Output> = try_join_all(parts).await?.into_iter().flatten().collect();
        let root = llb::merge(roots, Metadata::named("all that is cached"));
        let platform = &inputs.plan.build_platform;
        let built = Built {
            reference: solve(gateway, &root, CacheUse::Asked).await?,
            config: ImageConfig::empty(platform).to_json(),
        };
        Ok(GatewayResult::image(platform, built))
    }

    async fn lowered(
        &self,
        gateway: &Gateway,
        wanted: Wanted,
        cache: CacheUse,
    ) -> Result<GatewayResult, FunctionError> {
        let inputs = self.inputs;
        let binaries = self.binaries(gateway).await?;
        let platforms = wanted.platforms(inputs);
        let jobs = &inputs.jobs;
        jobs.build(gateway, platforms, binaries, cache).await?;
        match wanted.shape {
            Shape::Image(_) => {
                let built = images(gateway, inputs, platforms, binaries, cache).await?;
                Ok(annotated(built, inputs, wanted.image))
            }
            Shape::Binaries => folders(gateway, inputs, platforms, binaries, cache).await,
        }
    }

    /// Lowers all steps up to the binaries; the first build that asks does it for all.
    async fn binaries(&self, gateway: &Gateway) -> Result<&Binaries<'a>, FunctionError> {
        let lowering = || async {
            let toolchain = toolchain(gateway, self.inputs).await?;
            let presented = presented(&self.inputs.sources, toolchain);
            Ok(lower::compile_all(&self.inputs.plan, &presented)?)
        };
        self.binaries.get_or_try_init(lowering).await
    }
}

/// Whether steps may be taken from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CacheUse {
    Asked,
    /// Every step runs before the function returns.
    Ignored,
}

/// Returns the inputs of the steps.
fn presented(sources: &Sources, toolchain: lower::Toolchain) -> Presented {
    Presented {
        circumstances: sources.circumstances.clone(),
        toolchain,
        trust: sources.trust.clone(),
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
    cache: CacheUse,
) -> Result<GatewayResult, FunctionError> {
    let built = platforms.iter().map(|image| async move {
        let parts = image_inputs(gateway, inputs, image).await?;
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
    GatewayResult::of_images(built.into_iter().collect())
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

async fn toolchain(gateway: &Gateway, inputs: &Inputs) -> Result<lower::Toolchain, FunctionError> {
    match &inputs.sources.toolchain {
        Toolchain::Tree(output) => Ok(lower::Toolchain::Tree(output.clone())),
        Toolchain::Image(reference) => {
            let platform = &inputs.plan.build_platform;
            let (output, _) = registry_image(gateway, inputs, reference, platform).await?;
            Ok(lower::Toolchain::Root(output))
        }
    }
}

async fn image_inputs(
    gateway: &Gateway,
    inputs: &Inputs,
    image: &PlatformImage,
) -> Result<ImageInputs, FunctionError> {
    let (base, config) = match &image.base {
        Base::Image(reference) => {
            registry_image(gateway, inputs, &reference.to_string(), &image.platform).await?
        }
        Base::Scratch | Base::Static => own_base(&inputs.sources, image, inputs.epoch)?,
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
        inputs.epoch,
    )
}

/// Returns a base that needs no registry, with its config.
pub(super) fn own_base(
    sources: &Sources,
    image: &PlatformImage,
    epoch: u32,
) -> Result<(Output, ImageConfig), FunctionError> {
    let mut config = ImageConfig::empty(&image.platform);
    if image.base == Base::Scratch {
        return Ok((Output::scratch(), config));
    }
    config.set_env("SSL_CERT_FILE", crate::base::CERTS_PATH);
    config.add_history(&lower::rfc3339(epoch), "gobuild static base");
    Ok((sources.built_in(&BuiltIn::Base)?, config))
}

/// Puts an image's parts together once its base and the owners of its files are known.
pub(super) fn assemble(
    sources: &Sources,
    image: &PlatformImage,
    (base, config): (Output, ImageConfig),
    owners: &[(u32, u32)],
    epoch: u32,
) -> Result<ImageInputs, FunctionError> {
    let mut extras = Vec::new();
    if !image.certs.is_empty() {
        let part = BuiltIn::Certs(image.certs.clone());
        extras.push((sources.built_in(&part)?, "gobuild certificates".to_owned()));
    }
    if image.tzdata == Some(true) && image.base != Base::Static {
        let zones = sources.built_in(&BuiltIn::TimeZones)?;
        extras.push((zones, "gobuild time zones".to_owned()));
    }
    let files = image.files.iter().zip(owners).map(|(copied, owner)| {
        Ok(CopiedFiles {
            source: sources.parts.copied(copied)?,
            owner: *owner,
        })
    });
    let files = files.collect::<Result<_, PresentError>>()?;
    Ok(ImageInputs {
        base,
        config,
        extras,
        files,
        epoch,
    })
}

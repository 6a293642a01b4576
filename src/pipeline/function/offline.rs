//! The graph of one image without a daemon: what `gobuild llb` prints.
//!
//! Only a daemon can resolve images of registries, so they stay as they are written: tags, not
//! digests. Everything else is as in a build.

use super::{FunctionError, assemble, own_base, presented};
use crate::llb::{self, Image, Metadata, Output};
use crate::lower;
use crate::oci::{ImageConfig, Platform};
use crate::pipeline::function::accounts;
use crate::pipeline::present::{Sources, Toolchain};
use crate::plan::{Plan, PlatformImage};
use crate::project::manifest::Base;

/// Returns the root of an image of one platform.
///
/// # Errors
/// A part cannot be presented, or copied files have owners by name, which only the base knows.
pub fn offline(
    plan: &Plan,
    sources: &Sources,
    epoch: u32,
    image: &PlatformImage,
) -> Result<Output, FunctionError> {
    let toolchain = match &sources.toolchain {
        Toolchain::Tree(output) => lower::Toolchain::Tree(output.clone()),
        Toolchain::Image(reference) => {
            lower::Toolchain::Root(written(reference, &plan.build_platform)?)
        }
    };
    let binaries = lower::compile_all(plan, &presented(sources, toolchain))?;
    let base = written_base(sources, image, epoch)?;
    let owners = image
        .files
        .iter()
        .map(|copied| accounts::numeric(&copied.owner));
    let owners = owners.collect::<Result<Vec<_>, _>>()?;
    let parts = assemble(sources, image, base, &owners, epoch)?;
    Ok(lower::image(image, &binaries, &parts)?.root)
}

/// Returns a base as it is written, without what only a daemon knows of its config.
pub(super) fn written_base(
    sources: &Sources,
    image: &PlatformImage,
    epoch: u32,
) -> Result<(Output, ImageConfig), FunctionError> {
    match &image.base {
        Base::Image(reference) => Ok((
            written(&reference.to_string(), &image.platform)?,
            ImageConfig::empty(&image.platform),
        )),
        Base::Scratch | Base::Static => own_base(sources, image, epoch),
    }
}

/// Tells whether a base is the same tomorrow.
pub(super) fn is_pinned(base: &Base) -> bool {
    match base {
        Base::Image(reference) => reference.digest().is_some(),
        Base::Scratch | Base::Static => true,
    }
}

fn written(reference: &str, platform: &Platform) -> Result<Output, llb::Error> {
    Image::new(reference, platform.clone())
        .metadata(Metadata::named(reference))
        .build()
}

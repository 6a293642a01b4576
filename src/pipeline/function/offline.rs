//! Graphs of images without a daemon: what `gobuild llb` prints, and what an image is known by
//! before it is built.
//!
//! Only a daemon can resolve images of registries, so they stay as they are written: tags, not
//! digests, and configs without what their bases say. Everything else is as in a build.

use super::{FunctionError, accounts, assemble, own_base, presented};
use crate::llb::{self, Image, Metadata, Output};
use crate::lower::{self, Binaries, LoweredImage};
use crate::oci::{ImageConfig, Platform};
use crate::pipeline::present::{Sources, Toolchain};
use crate::plan::{Plan, PlatformImage};
use crate::project::manifest::Base;

/// The steps of a plan up to its binaries.
pub struct Offline<'a> {
    sources: &'a Sources,
    epoch: u32,
    binaries: Binaries<'a>,
}

impl<'a> Offline<'a> {
    /// Lowers all steps up to the binaries.
    ///
    /// # Errors
    /// A step cannot be made of the plan.
    pub fn new(plan: &'a Plan, sources: &'a Sources, epoch: u32) -> Result<Self, FunctionError> {
        let toolchain = match &sources.toolchain {
            Toolchain::Tree(output) => lower::Toolchain::Tree(output.clone()),
            Toolchain::Image(reference) => {
                lower::Toolchain::Root(written(reference, &plan.build_platform)?)
            }
        };
        Ok(Self {
            sources,
            epoch,
            binaries: lower::compile_all(plan, &presented(sources, toolchain))?,
        })
    }

    /// Lowers an image of one platform.
    ///
    /// # Errors
    /// A part cannot be presented, or copied files have owners by name, which only the base knows.
    pub fn image(&self, image: &PlatformImage) -> Result<LoweredImage, FunctionError> {
        let base = match &image.base {
            Base::Image(reference) => (
                written(&reference.to_string(), &image.platform)?,
                ImageConfig::empty(&image.platform),
            ),
            Base::Scratch | Base::Static => own_base(self.sources, image, self.epoch)?,
        };
        let owners = image
            .files
            .iter()
            .map(|copied| accounts::numeric(&copied.owner));
        let owners = owners.collect::<Result<Vec<_>, _>>()?;
        let parts = assemble(self.sources, image, base, &owners, self.epoch)?;
        Ok(lower::image(image, &self.binaries, &parts)?)
    }
}

fn written(reference: &str, platform: &Platform) -> Result<Output, llb::Error> {
    Image::new(reference, platform.clone())
        .metadata(Metadata::named(reference))
        .build()
}

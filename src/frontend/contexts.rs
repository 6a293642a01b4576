//! Named contexts: images that stand for those that the manifest names.
//!
//! Source: BuildKit `frontend/dockerui/namedcontext.go`.

use super::options::{OptionError, same_image};
use crate::oci::{Platform, Reference};
use crate::plan::{Plan, ToolchainSource};
use crate::project::manifest::Base;

/// A name and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The image that is replaced.
    name: String,
    /// Only for this platform; for all if none.
    platform: Option<Platform>,
    /// What stands in its place, as given.
    value: String,
}

impl Named {
    /// Reads `NAME[::PLATFORM]` and its value.
    pub(super) fn parse(key: &str, value: &str) -> Result<Self, OptionError> {
        let (name, platform) = match key.split_once("::") {
            Some((name, platform)) => (name, Some(platform)),
            None => (key, None),
        };
        let platform = platform.map(str::parse::<Platform>).transpose();
        Ok(Self {
            name: name.to_owned(),
            platform: platform.map_err(|_| OptionError::Value {
                option: format!("context:{key}"),
                value: value.to_owned(),
                wanted: "the platform is not of the form os/arch[/variant]".to_owned(),
            })?,
            value: value.to_owned(),
        })
    }

    fn is_for(&self, platform: &Platform) -> bool {
        self.platform.as_ref().is_none_or(|own| own == platform)
    }

    fn image(&self) -> Result<Base, OptionError> {
        let refused = |reason| OptionError::Impossible {
            option: format!("context:{}={}", self.name, self.value),
            reason,
        };
        let image = self.value.strip_prefix("docker-image://");
        match image.ok_or_else(|| refused("only docker-image:// can stand for an image"))? {
            "scratch" => Ok(Base::Scratch),
            image => image
                .parse::<Reference>()
                .map(|reference| Base::Image(reference.or_latest()))
                .map_err(|_| refused("that is no name of an image")),
        }
    }
}

/// Puts the images in their places; returns warnings of those that are for nothing.
pub(super) fn apply(named: &[Named], plan: &mut Plan) -> Result<Vec<String>, OptionError> {
    let mut warnings = Vec::new();
    for context in named {
        let mut used = false;
        for image in plan
            .images
            .iter_mut()
            .flat_map(|image| &mut image.platforms)
        {
            let found = match &image.base {
                Base::Image(reference) => same_image(&context.name, reference),
                Base::Static | Base::Scratch => false,
            };
            if found && context.is_for(&image.platform) {
                image.base = context.image()?;
                used = true;
            }
        }
        if let ToolchainSource::Image(reference) = &plan.toolchain.source
            && let Ok(reference) = reference.parse()
            && same_image(&context.name, &reference)
            && context.is_for(&plan.build_platform)
            && let Base::Image(replaced) = context.image()?
        {
            plan.toolchain.source = ToolchainSource::Image(replaced.to_string());
            used = true;
        }
        if !used {
            let name = &context.name;
            warnings.push(format!(
                "the named context {name} has no effect: no base and no toolchain has that name"
            ));
        }
    }
    Ok(warnings)
}

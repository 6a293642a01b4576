//! Why the build function failed.

use super::AccountError;
use crate::buildkit::error::Error as WireError;
use crate::llb;
use crate::lower::LowerError;
use crate::oci::Platform;
use crate::oci::config::ConfigError;
use crate::pipeline::present::PresentError;

/// Why the function failed.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The daemon refused or failed.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// An image of a registry cannot be had.
    #[error("cannot resolve {reference} for {platform}")]
    Resolve {
        /// The image.
        reference: String,
        /// The platform it was asked for.
        platform: Platform,
        /// The daemon's answer.
        source: Box<WireError>,
    },
    /// A base is no image of the platform.
    #[error("the base {reference} has no image for {platform}: it is for {found}")]
    BasePlatform {
        /// The base.
        reference: String,
        /// The platform it was asked for.
        platform: Platform,
        /// What its config says.
        found: String,
    },
    /// A base's config is unreadable.
    #[error("the config of {reference}")]
    Config {
        /// The base.
        reference: String,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// An owner of copied files is not in the base.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Something that gobuild carries cannot be presented.
    #[error(transparent)]
    Present(#[from] PresentError),
    /// The plan cannot be lowered.
    #[error("the build graph")]
    Lower(#[from] LowerError),
    /// A name of the plan does not fit an op.
    #[error("the build graph")]
    Llb(#[from] llb::Error),
}

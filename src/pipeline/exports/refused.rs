//! Outputs that are refused before anything is built.

use std::collections::BTreeSet;
use std::path::Path;

use super::Options;
use crate::oci::exporter::{Destination, Output, OutputKind};
use crate::pipeline::load::Loader;
use crate::plan::Plan;

/// Outputs that contradict each other or the plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// Several images would write one place.
    #[error("{images} images would all be written to {place}")]
    Shared {
        /// How many.
        images: usize,
        /// Where.
        place: String,
    },
    /// Two outputs write one place.
    #[error("two outputs would be written to {place}")]
    Twice {
        /// Where.
        place: String,
    },
    /// Nothing is there to load images into.
    #[error("no place is known to load images into")]
    NoLoader,
    /// What would hold an image has no room for what is attested of it.
    #[error("{place} cannot hold attestations; type=registry, image, oci and local can")]
    NoAttestations {
        /// Where.
        place: String,
    },
    /// Docker archives hold one platform.
    #[error("a docker archive holds one platform, and {image} is built for {platforms}")]
    DockerPlatforms {
        /// The image.
        image: String,
        /// How many platforms it has.
        platforms: usize,
    },
}

/// Refuses outputs that would overwrite each other, or that lack room for what is wanted.
pub(super) fn check(plan: &Plan, outputs: &[Output], options: &Options) -> Result<(), ExportError> {
    if !options.attestations.is_empty() {
        outputs
            .iter()
            .try_for_each(|output| holds(output, options))?;
    }
    let mut places = BTreeSet::new();
    for output in outputs {
        let (place, shareable) = match &output.kind {
            OutputKind::Registry | OutputKind::Image { .. } | OutputKind::Load => continue,
            OutputKind::OciArchive(destination) | OutputKind::DockerArchive(destination) => {
                (describe(destination), false)
            }
            OutputKind::OciFolder(path) | OutputKind::Binaries(path) => (display(path), true),
        };
        if !places.insert(place.clone()) {
            return Err(ExportError::Twice { place });
        }
        if !shareable && plan.images.len() > 1 {
            return Err(ExportError::Shared {
                images: plan.images.len(),
                place,
            });
        }
        if matches!(output.kind, OutputKind::DockerArchive(_)) {
            let several = plan.images.iter().find(|image| image.platforms.len() > 1);
            if let Some(image) = several {
                let (image, platforms) = (image.name.clone(), image.platforms.len());
                return Err(ExportError::DockerPlatforms { image, platforms });
            }
        }
    }
    Ok(())
}

/// Refuses an output that is one manifest: an image with attestations is an index.
fn holds(output: &Output, options: &Options) -> Result<(), ExportError> {
    let place = match &output.kind {
        OutputKind::DockerArchive(_) => "a docker archive".to_owned(),
        OutputKind::Load => match &options.loader {
            Some(loader) if !loader.takes_index() && *loader != Loader::Builder => {
                loader.to_string()
            }
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    Err(ExportError::NoAttestations { place })
}

fn describe(destination: &Destination) -> String {
    match destination {
        Destination::File(path) => display(path),
        Destination::Stdout => "standard output".to_owned(),
    }
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

//! One image: its base, its layers, what its config says.

use std::collections::BTreeMap;

use crate::oci::Platform;
use crate::plan::{BinaryLayer, ImageSettings, PlatformImage};
use crate::project::manifest::{Base, Image, MissingValue, Template, Values};
use crate::project::tree::{Tree, TreePath};

use super::files::{self, FilesError};

/// Folder of an image that binaries are put in.
pub(crate) const BINARIES: &str = "/usr/local/bin";
/// User of images on the built-in base: `nonroot`.
const NONROOT: &str = "65532:65532";

/// Why an image cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A template needs a value that cannot be had.
    #[error(transparent)]
    Value(#[from] MissingValue),
    /// Copied files are not there.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The manifest names bases for other platforms only.
    #[error("`base` names no base for {platform}, and no default")]
    NoBase {
        /// The platform without one.
        platform: Platform,
    },
}

impl ImageError {
    /// Returns the value that a template lacks, if that is the fault.
    #[must_use]
    pub fn missing_value(&self) -> Option<&MissingValue> {
        match self {
            Self::Value(missing) => Some(missing),
            Self::Files(_) | Self::NoBase { .. } => None,
        }
    }
}

/// A binary of the image.
#[derive(Clone, Debug)]
pub(crate) struct Binary {
    /// File name.
    pub(crate) name: String,
    /// Index of the step that compiles it for this platform.
    pub(crate) compile: usize,
}

/// Returns the image of one platform.
///
/// # Errors
/// See [`ImageError`].
pub(crate) fn platform_image(
    tree: &dyn Tree,
    project: &TreePath,
    image: &Image,
    platform: &Platform,
    binaries: &[Binary],
    values: &Values,
) -> Result<PlatformImage, ImageError> {
    let base = image.base.of(platform);
    let base = base.ok_or_else(|| ImageError::NoBase {
        platform: platform.clone(),
    })?;
    // The daemon resolves no name without a tag.
    let base = match base {
        Base::Image(reference) => Base::Image(reference.clone().or_latest()),
        Base::Scratch | Base::Static => base.clone(),
    };
    let files = image
        .files
        .iter()
        .map(|copy| files::layer(tree, project, copy));
    let binaries: Vec<BinaryLayer> = binaries
        .iter()
        .map(|binary| BinaryLayer {
            compile: binary.compile,
            path: format!("{BINARIES}/{}", binary.name),
        })
        .collect();
    Ok(PlatformImage {
        platform: platform.clone(),
        config: settings(image, &base, &binaries, &values.with_platform(platform))?,
        base,
        binaries,
        files: files.collect::<Result<_, _>>()?,
        certs: image
            .certs
            .iter()
            .map(|path| project.join(path.as_str()))
            .collect(),
        tzdata: image.tzdata,
    })
}

fn settings(
    image: &Image,
    base: &Base,
    binaries: &[BinaryLayer],
    values: &Values,
) -> Result<ImageSettings, MissingValue> {
    let first = || {
        binaries
            .iter()
            .take(1)
            .map(|binary| binary.path.clone())
            .collect()
    };
    Ok(ImageSettings {
        user: image
            .user
            .clone()
            .or_else(|| (*base == Base::Static).then(|| NONROOT.to_owned())),
        entrypoint: image.entrypoint.clone().unwrap_or_else(first),
        cmd: image.cmd.clone(),
        env: image.env.clone(),
        workdir: image.workdir.clone(),
        expose: image.expose.clone(),
        volumes: image.volumes.clone(),
        stop_signal: image.stop_signal.clone(),
        labels: expand(&image.labels, values)?,
    })
}

/// Expands the templates of a table.
pub(crate) fn expand(
    table: &BTreeMap<String, Template>,
    values: &Values,
) -> Result<BTreeMap<String, String>, MissingValue> {
    table
        .iter()
        .map(|(key, template)| Ok((key.clone(), template.expand(values)?)))
        .collect()
}

//! Which solves make the outputs that were asked for, and what each writes where.
//!
//! One solve exports one result, so every image has a solve of its own; an image that is also
//! wanted as a docker archive (whose readers know no zstd) or as a folder of binaries has one
//! more for that. All share the session's content and every common vertex.

mod refused;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use self::refused::ExportError;
use super::function::Wanted;
use super::load::Loader;
use crate::buildkit::solve::Exporter;
use crate::oci::exporter::{Destination, Output, OutputKind};
use crate::plan::{ImageStep, Plan, PlatformImage};
use crate::project::manifest::{Base, Compression};

/// One solve of the invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Index of the image in the plan.
    pub image: usize,
    /// What is exported of it.
    pub shape: Shape,
    /// Index of its one platform in the image; none for all of them.
    pub platform: Option<usize>,
    /// The daemon's exporters; their index names them on the session.
    pub exporters: Vec<Exporter>,
    /// What the session receives, by index of the exporter.
    pub receivers: BTreeMap<usize, Receiver>,
    /// Every `name:tag` that the image is exported under.
    pub references: Vec<String>,
    /// Whether a registry gets the image.
    pub pushes: bool,
    /// Whether the daemon's image store is to have it, if there is one.
    pub stores: bool,
    /// How many platforms it has.
    pub platforms: usize,
    /// Whether the exporter tells the image's ID, and there is no digest.
    pub by_id: bool,
    /// What the daemon is to attest of it.
    pub attestations: BTreeMap<String, String>,
}

impl Export {
    fn of(index: usize, image: &ImageStep, shape: Shape) -> Self {
        Self {
            image: index,
            shape,
            platform: None,
            exporters: Vec::new(),
            receivers: BTreeMap::new(),
            references: Vec::new(),
            pushes: false,
            stores: false,
            platforms: image.platforms.len(),
            by_id: false,
            attestations: BTreeMap::new(),
        }
    }

    /// Tells whether the image goes to where images are loaded.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.receivers
            .values()
            .any(|receiver| *receiver == Receiver::Load)
    }

    /// Returns what the build function makes for it.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        Wanted {
            image: self.image,
            shape: self.shape,
            platform: self.platform,
        }
    }
}

/// The result that a solve exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// The image, its new layers compressed so.
    Image(Compression),
    /// Just the binaries.
    Binaries,
}

/// What this side does with what an exporter sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Bytes into a file or to standard output.
    Stream(Destination),
    /// Files into a folder.
    Folder(PathBuf),
    /// Blobs into an OCI layout folder.
    Layout(PathBuf),
    /// Bytes to where images are loaded.
    Load,
}

/// Options that apply to all outputs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where images are loaded, if they are.
    pub loader: Option<Loader>,
    /// Whether registries are spoken to without TLS or with unknown certificates.
    pub insecure_registry: bool,
    /// Compression, in place of the manifest's.
    pub compression: Option<Compression>,
    /// What the daemon is to attest, as attributes of a build.
    pub attestations: BTreeMap<String, String>,
}

/// Returns the solves that make `outputs` of every image; without outputs, each image is made
/// and kept by the daemon alone.
///
/// # Errors
/// See [`ExportError`].
pub fn exports(
    plan: &Plan,
    outputs: &[Output],
    options: Options,
) -> Result<Vec<Export>, ExportError> {
    refused::check(plan, outputs, &options)?;
    let kept = [Output {
        kind: OutputKind::Image { push: false },
        attributes: BTreeMap::new(),
    }];
    let outputs = if outputs.is_empty() { &kept } else { outputs };
    let mut exports = Vec::new();
    for (index, image) in plan.images.iter().enumerate() {
        let compression = options.compression.unwrap_or(image.compression);
        let mut shapes: Vec<Shape> = Vec::new();
        let made = |output: &&Output| output.kind != OutputKind::Load;
        for output in outputs.iter().filter(made) {
            let shape = shape(output, compression);
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        for wanted in shapes {
            let mut export = Export::of(index, image, wanted);
            for output in outputs
                .iter()
                .filter(|output| made(output) && shape(output, compression) == wanted)
            {
                add(&mut export, image, output, &options);
            }
            exports.push(export);
        }
        for output in outputs
            .iter()
            .filter(|output| output.kind == OutputKind::Load)
        {
            exports.push(load(index, image, output, &options)?);
        }
    }
    for export in &mut exports {
        export.attestations = options.attestations.clone();
    }
    Ok(exports)
}

/// Returns the result that an output exports; its own `compression=` wins.
fn shape(output: &Output, compression: Compression) -> Shape {
    let own = output.attributes.get("compression");
    let own = own.and_then(|spelling| {
        FORMATS
            .into_iter()
            .find(|format| self::spelling(*format) == spelling)
    });
    match (&output.kind, own) {
        (OutputKind::Binaries(_), _) => Shape::Binaries,
        (_, Some(own)) => Shape::Image(own),
        // What reads these archives predates zstd.
        (OutputKind::DockerArchive(_), None) if compression == Compression::Zstd => {
            Shape::Image(Compression::Gzip)
        }
        _ => Shape::Image(compression),
    }
}

/// Every way to compress.
const FORMATS: [Compression; 3] = [
    Compression::Zstd,
    Compression::Gzip,
    Compression::Uncompressed,
];

/// Returns a compression as exporters spell it.
fn spelling(compression: Compression) -> &'static str {
    match compression {
        Compression::Zstd => "zstd",
        Compression::Gzip => "gzip",
        Compression::Uncompressed => "uncompressed",
    }
}

/// Returns the attribute of a solve that names the platforms of images. Without it the daemon takes
/// its own for what was asked for, and warns that the result is for others.
#[must_use]
pub fn requested(platforms: &[PlatformImage]) -> BTreeMap<String, String> {
    let platforms = platforms.iter().map(|image| image.platform.to_string());
    let platforms: BTreeSet<String> = platforms.collect();
    let list = platforms.into_iter().collect::<Vec<_>>().join(",");
    BTreeMap::from([("platform".to_owned(), list)])
}

/// Returns how remote caches are compressed unless they say otherwise: as the first image, so that
/// layers that are in both are compressed once.
#[must_use]
pub fn cache_compression(exports: &[Export]) -> &'static str {
    let image = exports.iter().find_map(|export| match export.shape {
        Shape::Image(compression) => Some(compression),
        Shape::Binaries => None,
    });
    spelling(image.unwrap_or(Compression::Zstd))
}

/// Returns the names that an output gives to an image: its own `name=`, else the plan's.
fn references(image: &ImageStep, output: &Output) -> Vec<String> {
    match output.attributes.get("name") {
        Some(names) => names.split(',').map(str::to_owned).collect(),
        None => image.references.clone(),
    }
}

/// Adds one output to a solve.
fn add(export: &mut Export, image: &ImageStep, output: &Output, options: &Options) {
    let index = export.exporters.len();
    let mut attributes = BTreeMap::new();
    if let Shape::Image(compression) = export.shape {
        attributes.insert("compression".to_owned(), spelling(compression).to_owned());
        if forced(image, compression) {
            attributes.insert("force-compression".to_owned(), "true".to_owned());
        }
        let names = references(image, output);
        attributes.insert("name".to_owned(), names.join(","));
        let new = names
            .into_iter()
            .filter(|name| !export.references.contains(name));
        let new: Vec<String> = new.collect();
        export.references.extend(new);
    }
    let (kind, receiver) = match &output.kind {
        OutputKind::Registry | OutputKind::Image { .. } => {
            attributes.insert("oci-mediatypes".to_owned(), "true".to_owned());
            if output.kind.is_pushed() {
                attributes.insert("push".to_owned(), "true".to_owned());
                export.pushes = true;
            }
            export.stores |= output.kind != OutputKind::Registry;
            if options.insecure_registry {
                attributes.insert("registry.insecure".to_owned(), "true".to_owned());
            }
            ("image", None)
        }
        OutputKind::OciArchive(destination) => ("oci", Some(Receiver::Stream(destination.clone()))),
        OutputKind::OciFolder(folder) => {
            attributes.insert("tar".to_owned(), "false".to_owned());
            ("oci", Some(Receiver::Layout(folder.clone())))
        }
        OutputKind::DockerArchive(destination) => {
            attributes.insert("oci-mediatypes".to_owned(), "false".to_owned());
            ("docker", Some(Receiver::Stream(destination.clone())))
        }
        OutputKind::Binaries(folder) => ("local", Some(Receiver::Folder(folder.clone()))),
        OutputKind::Load => {
            let takes_index = options.loader.as_ref().is_some_and(Loader::takes_index);
            attributes.insert("oci-mediatypes".to_owned(), takes_index.to_string());
            let kind = if takes_index { "oci" } else { "docker" };
            (kind, Some(Receiver::Load))
        }
    };
    attributes.extend(output.attributes.clone());
    export.exporters.push(Exporter {
        kind: kind.to_owned(),
        attributes,
    });
    export
        .receivers
        .extend(receiver.map(|receiver| (index, receiver)));
}

/// Returns the solve that makes what is loaded.
///
/// Who takes one platform alone gets the one that it runs. Layers are not compressed for who unpacks
/// them at once; the containerd image store keeps them as they come.
fn load(
    index: usize,
    image: &ImageStep,
    output: &Output,
    options: &Options,
) -> Result<Export, ExportError> {
    let loader = options.loader.as_ref().ok_or(ExportError::NoLoader)?;
    let shape = match loader.takes_index() || *loader == Loader::Builder {
        true => shape(output, options.compression.unwrap_or(image.compression)),
        false => Shape::Image(Compression::Uncompressed),
    };
    let mut export = Export::of(index, image, shape);
    if *loader == Loader::Builder {
        let kept = Output {
            kind: OutputKind::Image { push: false },
            attributes: output.attributes.clone(),
        };
        add(&mut export, image, &kept, options);
        return Ok(export);
    }
    if !loader.takes_index() && image.platforms.len() > 1 {
        let runs = |image: &PlatformImage| Some(&image.platform) == loader.platform();
        let only = image.platforms.iter().position(runs);
        export.platform = Some(only.ok_or_else(|| ExportError::DockerPlatforms {
            image: image.name.clone(),
            platforms: image.platforms.len(),
        })?);
        export.platforms = 1;
    }
    add(&mut export, image, output, options);
    Ok(export)
}

/// Tells whether every layer is to be compressed so, also those that the daemon has otherwise
/// compressed already.
///
/// The daemon keeps a layer as it was first exported, and takes equal layers of two layouts for
/// one. Without force the digest would depend on what it built before. Layers of a registry's
/// base are left as they are, so that registries can mount them, unless something else than the
/// default was asked for.
fn forced(image: &ImageStep, compression: Compression) -> bool {
    let foreign = |image: &PlatformImage| matches!(image.base, Base::Image(_));
    compression != Compression::Zstd || !image.platforms.iter().any(foreign)
}

#[cfg(test)]
mod tests;

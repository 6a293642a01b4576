//! The final layers of an image: base, binaries, files, each a layer of its own.
//!
//! Every path that a layer adds has a fixed time, owner and mode, so that the same content has
//! the same digest whenever and wherever it is built.

use std::collections::BTreeSet;

use crate::llb::{self, CopyFrom, FileOp, Metadata, Mkdir, Output, Owner, Timestamp, merge};
use crate::oci::ImageConfig;
use crate::plan::{CompileStep, FilesLayer, ImageSettings, PlatformImage};
use crate::project::tree::TreePath;

use super::{Binaries, LowerError};

/// Mode of binaries and of folders.
const EXECUTABLE: u32 = 0o755;

/// The vertices and facts that an image of one platform is made of beside its binaries.
#[derive(Clone, Debug)]
pub struct ImageInputs {
    /// The base's root; scratch if there is none.
    pub base: Output,
    /// The base's config, or an empty one.
    pub config: ImageConfig,
    /// Layers between base and binaries (certificates, time zones), with their history lines.
    pub extras: Vec<(Output, String)>,
    /// For each `files` entry, what is copied.
    pub files: Vec<CopiedFiles>,
    /// Time of everything the image adds, in seconds since 1970.
    pub epoch: u32,
}

/// The source of one `files` entry.
#[derive(Clone, Debug)]
pub struct CopiedFiles {
    /// A root that holds the files at their project paths.
    pub source: Output,
    /// User and group id; names are looked up in the base before.
    pub owner: (u32, u32),
}

/// An image of one platform, ready to be exported.
#[derive(Clone, Debug)]
pub struct LoweredImage {
    /// Its root.
    pub root: Output,
    /// Its config.
    pub config: ImageConfig,
}

/// Returns an image of one platform.
///
/// # Errors
/// A path or owner of the plan is one that no op can carry, or a binary is in no step.
pub fn image(
    image: &PlatformImage,
    binaries: &Binaries<'_>,
    inputs: &ImageInputs,
) -> Result<LoweredImage, LowerError> {
    let created = rfc3339(inputs.epoch);
    let timestamp = Timestamp::from_unix_seconds(inputs.epoch);
    let mut config = inputs.config.clone();
    let mut layers = vec![inputs.base.clone()];
    for (layer, history) in &inputs.extras {
        layers.push(layer.clone());
        config.add_history(&created, history);
    }
    for (files, copied) in image.files.iter().zip(&inputs.files) {
        layers.push(files_layer(files, copied, timestamp)?);
        config.add_history(&created, &format!("files {} to {}", files.from, files.to));
    }
    for binary in &image.binaries {
        let (step, compiled) = binaries.get(binary.compile)?;
        layers.push(binary_layer(step, compiled, &binary.path, timestamp)?);
        config.add_history(
            &created,
            &format!("go build {} to {}", step.import_path, binary.path),
        );
    }
    config.set_created(&created);
    apply(&mut config, &image.config);
    let root = merge(
        layers,
        Metadata::named(format!("layers {}", image.platform)),
    );
    Ok(LoweredImage { root, config })
}

/// Returns a root with just the binaries, for a local folder.
///
/// # Errors
/// As [`image`].
pub fn binaries(
    image: &PlatformImage,
    binaries: &Binaries<'_>,
    epoch: u32,
) -> Result<Output, LowerError> {
    let timestamp = Timestamp::from_unix_seconds(epoch);
    let mut folder = Vec::new();
    for binary in &image.binaries {
        let (step, compiled) = binaries.get(binary.compile)?;
        folder.push(binary_layer(
            step,
            compiled,
            &format!("/{}", step.binary),
            timestamp,
        )?);
    }
    Ok(merge(
        folder,
        Metadata::named(format!("binaries {}", image.platform)),
    ))
}

/// Returns a layer with the binary at `path`.
///
/// The copy makes the folders above it, too: in an action of their own they would get their time
/// before the copy, which then changes it to the present.
fn binary_layer(
    step: &CompileStep,
    compiled: &Output,
    path: &str,
    timestamp: Timestamp,
) -> Result<Output, llb::Error> {
    let copy = CopyFrom::new(compiled, format!("/{}", step.binary), path)
        .create_parents()
        .mode(EXECUTABLE)
        .owner(Owner::ids(0, 0))
        .timestamp(timestamp);
    FileOp::new(&Output::scratch(), copy)
        .metadata(Metadata::named(format!(
            "layer {} {}",
            step.binary, step.platform
        )))
        .build()
}

/// Copies a file or a folder's content.
fn files_layer(
    files: &FilesLayer,
    copied: &CopiedFiles,
    timestamp: Timestamp,
) -> Result<Output, llb::Error> {
    let (uid, gid) = copied.owner;
    let mut copy = CopyFrom::new(&copied.source, format!("/{}", files.from), &files.to)
        .create_parents()
        .owner(Owner::ids(uid, gid))
        .timestamp(timestamp);
    if let Some(mode) = files.mode {
        copy = copy.mode(mode);
    }
    if files.directory {
        copy = copy.contents_only();
    }
    let named = Metadata::named(format!("files {} to {}", files.from, files.to));
    let mut layer = FileOp::new(&Output::scratch(), copy).metadata(named);
    // The copy also gives the owner and mode of the files to every folder that it makes. Nobody
    // could enter those, and merged over a base they would give away the base's own.
    let plain = files.mode.is_none() && (uid, gid) == (0, 0);
    if !plain && let Some(folders) = folders(files, Owner::ids(uid, gid))? {
        let folders = CopyFrom::new(&folders, "/", "/")
            .contents_only()
            .timestamp(timestamp);
        layer = layer.then(folders);
    }
    layer.build()
}

/// Returns the folders of a layer of files, and nothing in them; none if there are none.
///
/// Those above the destination are root's. A copied one has the files' owner and may be entered
/// by whoever may read it.
fn folders(files: &FilesLayer, owner: Owner) -> Result<Option<Output>, llb::Error> {
    let above = files.to.rsplit_once('/').map_or("", |(above, _)| above);
    let mut made = Vec::new();
    if !above.is_empty() {
        let mkdir = Mkdir::new(above, EXECUTABLE).parents();
        made.push(mkdir.owner(Owner::ids(0, 0)));
    }
    let mode = files
        .mode
        .map_or(EXECUTABLE, |mode| mode | (mode & 0o444) >> 2);
    for folder in copied_folders(files) {
        let path = match folder.is_root() {
            true => files.to.clone(),
            false => format!("{}/{folder}", files.to.trim_end_matches('/')),
        };
        if path != "/" {
            made.push(Mkdir::new(path, mode).owner(owner.clone()));
        }
    }
    let mut made = made.into_iter();
    let Some(first) = made.next() else {
        return Ok(None);
    };
    let named = Metadata::named(format!("folders of {}", files.to));
    let folders = made.fold(FileOp::new(&Output::scratch(), first), FileOp::then);
    Ok(Some(folders.metadata(named).build()?))
}

/// Returns the folders that a copy of a folder makes, relative to it, each after the one that
/// holds it.
fn copied_folders(files: &FilesLayer) -> BTreeSet<TreePath> {
    let mut folders = BTreeSet::new();
    if !files.directory {
        return folders;
    }
    for path in &files.inputs {
        let mut folder = path.below(&files.from).map(|path| path.parent());
        while let Some(inside) = folder.take_if(|folder| folder.climbs() == 0) {
            let outer = inside.parent();
            if folders.insert(inside) {
                folder = Some(outer);
            }
        }
    }
    folders
}

fn apply(config: &mut ImageConfig, settings: &ImageSettings) {
    config.set_command(&settings.entrypoint, &settings.cmd);
    for (name, value) in &settings.env {
        config.set_env(name, value);
    }
    let texts = [
        ("User", &settings.user),
        ("WorkingDir", &settings.workdir),
        ("StopSignal", &settings.stop_signal),
    ];
    for (member, value) in texts {
        if let Some(value) = value {
            config.set_text(member, value);
        }
    }
    config.add_to_set("ExposedPorts", &settings.expose);
    config.add_to_set("Volumes", &settings.volumes);
    config.add_labels(&settings.labels);
}

/// Returns a time as configs write it; every `u32` of seconds is one.
#[must_use]
pub fn rfc3339(seconds: u32) -> String {
    jiff::Timestamp::from_second(i64::from(seconds))
        .map_or_else(|_| String::new(), |time| time.to_string())
}

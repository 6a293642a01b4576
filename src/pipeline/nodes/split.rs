//! Which node makes what, and what is to be put together afterwards.
//!
//! An export whose platforms one node builds stays as it is. Another becomes one part per platform:
//! pushed by its digest, written into a layout that the parts share, or into the folder that its
//! binaries would have anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::annotations::{self, Annotations};
use crate::buildkit::solve::Exporter;
use crate::oci::exporter::Destination;
use crate::oci::{Platform, Reference};
use crate::pipeline::exports::{Export, Receiver, Shape};
use crate::plan::{ImageStep, Plan};

/// The exports of a build, split over nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// What each node makes.
    pub shares: Vec<Vec<Export>>,
    /// Where the exports are now, in their order.
    pub(super) places: Vec<Place>,
}

/// Where an export is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On one node.
    Whole(At),
    /// On several, a platform each.
    Parts(Vec<(Platform, At)>, Box<Join>),
}

/// An export of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) node: usize,
    pub(super) position: usize,
}

/// What is made of the parts of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Join {
    /// Name of the image in the plan.
    pub(super) name: String,
    /// Every name that it is given.
    pub(super) references: Vec<String>,
    /// Whether it is an image, which has an index.
    pub(super) is_image: bool,
    /// Names that the index is pushed under, and whether TLS may be missing there.
    pub(super) pushes: Vec<(String, bool)>,
    /// Annotations of the index and in it.
    pub(super) annotations: Annotations,
    /// Folder that holds the parts as a layout.
    pub(super) layout: Option<PathBuf>,
    /// Other layouts that the image is copied to.
    pub(super) copies: Vec<PathBuf>,
    /// Archives that are made of the layout.
    pub(super) archives: Vec<Destination>,
}

/// Splits exports over nodes; `node_of` says which one builds for a platform, and `scratch` is a
/// folder for layouts that are only on their way to somewhere else.
#[must_use]
pub fn split(
    plan: &Plan,
    exports: &[Export],
    nodes: usize,
    node_of: impl Fn(&Platform) -> usize,
    scratch: &Path,
) -> Split {
    let mut split = Split {
        shares: vec![Vec::new(); nodes],
        places: Vec::new(),
    };
    for (number, export) in exports.iter().enumerate() {
        let Some(image) = plan.images.get(export.image) else {
            continue;
        };
        let platforms = image.platforms.iter().map(|image| &image.platform);
        let builders: BTreeSet<usize> = platforms.clone().map(&node_of).collect();
        let place = match builders.first() {
            Some(only) if builders.len() == 1 => Place::Whole(split.give(*only, export.clone())),
            _ => {
                let layout = scratch.join(number.to_string());
                let join = join(image, export, layout);
                let parts = platforms.enumerate().map(|(index, platform)| {
                    let part = part(export, index, platform, join.layout.as_deref());
                    (platform.clone(), split.give(node_of(platform), part))
                });
                Place::Parts(parts.collect(), Box::new(join))
            }
        };
        split.places.push(place);
    }
    split
}

impl Split {
    fn give(&mut self, node: usize, export: Export) -> At {
        let share = &mut self.shares[node];
        share.push(export);
        At {
            node,
            position: share.len() - 1,
        }
    }
}

/// Returns what is made of the parts of an export.
fn join(image: &ImageStep, export: &Export, scratch: PathBuf) -> Join {
    let mut join = Join {
        name: image.name.clone(),
        references: export.references.clone(),
        is_image: export.shape != Shape::Binaries,
        pushes: Vec::new(),
        annotations: Annotations::default(),
        layout: None,
        copies: Vec::new(),
        archives: Vec::new(),
    };
    for (index, exporter) in export.exporters.iter().enumerate() {
        join.annotations.add(&exporter.attributes);
        if is_set(exporter, "push") {
            let insecure = is_set(exporter, "registry.insecure");
            let names = exporter.attributes.get("name");
            let names = names.iter().flat_map(|names| names.split(','));
            let pushes = names.map(|name| (name.to_owned(), insecure));
            join.pushes.extend(pushes);
        }
        match export.receivers.get(&index) {
            Some(Receiver::Layout(folder)) if join.layout.is_none() => {
                join.layout = Some(folder.clone());
            }
            Some(Receiver::Layout(folder)) => join.copies.push(folder.clone()),
            Some(Receiver::Stream(to)) => join.archives.push(to.clone()),
            // What is loaded comes from one node.
            Some(Receiver::Folder(_) | Receiver::Load) | None => {}
        }
    }
    if !join.archives.is_empty() {
        join.layout.get_or_insert(scratch);
    }
    join
}

/// Tells whether a boolean attribute is true; without a value it is.
fn is_set(exporter: &Exporter, key: &str) -> bool {
    let value = exporter.attributes.get(key);
    value.is_some_and(|value| matches!(value.as_str(), "" | "1" | "t" | "T" | "true" | "TRUE"))
}

/// Returns the export of one platform.
fn part(export: &Export, index: usize, platform: &Platform, layout: Option<&Path>) -> Export {
    let mut part = Export {
        platform: Some(index),
        platforms: 1,
        // What is entered into indexes under these names is put together first.
        references: Vec::new(),
        exporters: Vec::new(),
        receivers: BTreeMap::new(),
        ..export.clone()
    };
    let mut stored = false;
    for (number, exporter) in export.exporters.iter().enumerate() {
        let mut attributes = annotations::of_part(&exporter.attributes, platform);
        let receiver = match (export.receivers.get(&number), layout) {
            (Some(Receiver::Layout(_) | Receiver::Stream(_)), Some(layout)) => {
                // All that want a layout are served by one.
                if stored {
                    continue;
                }
                stored = true;
                attributes.insert("tar".to_owned(), "false".to_owned());
                Some(Receiver::Layout(layout.to_owned()))
            }
            (Some(Receiver::Folder(folder)), _) => {
                let split = attributes.remove("platform-split");
                let together = split.is_some_and(|split| split == "false");
                Some(Receiver::Folder(match together {
                    true => folder.clone(),
                    false => folder.join(platform.to_string().replace('/', "_")),
                }))
            }
            (receiver, _) => receiver.cloned(),
        };
        if is_set(exporter, "push") {
            by_digest(&mut attributes);
        }
        let position = part.exporters.len();
        part.exporters.push(Exporter {
            kind: exporter.kind.clone(),
            attributes,
        });
        let receiver = receiver.map(|receiver| (position, receiver));
        part.receivers.extend(receiver);
    }
    part
}

/// Makes a push one without tags, once into each repository.
fn by_digest(attributes: &mut BTreeMap<String, String>) {
    let names = attributes.remove("name").unwrap_or_default();
    let repositories: BTreeSet<String> = names
        .split(',')
        .map(|name| match name.parse::<Reference>() {
            Ok(reference) => reference.repository().to_string(),
            // The daemon says what is wrong with it.
            Err(_) => name.to_owned(),
        })
        .collect();
    let repositories: Vec<String> = repositories.into_iter().collect();
    attributes.insert("name".to_owned(), repositories.join(","));
    attributes.insert("push-by-digest".to_owned(), "true".to_owned());
}

#[cfg(test)]
mod tests;

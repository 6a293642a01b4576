//! What tells an image from every other one before it is built.
//!
//! A graph names what it is made from by digests: sources, Go, gobuild's own base. So do references with
//! a digest. What it does not are tags, and the content of project files that are copied, which the
//! daemon asks for when it runs the copy: these are told by the state that they are in.

use std::time::SystemTime;

use oci_spec::image::Digest;
use serde_json::json;

use super::{Inputs, Offline};
use crate::content::digest;
use crate::pipeline::exports::{Export, Shape};
use crate::pipeline::present::Toolchain;
use crate::pipeline::project::ProjectTree;
use crate::pipeline::state::Files;
use crate::project::manifest::Base;

/// What tells the images of an invocation from all others.
pub(in crate::pipeline) struct Identities<'a> {
    inputs: &'a Inputs,
    offline: Offline<'a>,
    files: Files<'a>,
    now: SystemTime,
}

impl<'a> Identities<'a> {
    /// Returns those of all images that are known without a daemon; none if no image is. Project files
    /// are looked at in `tree`, `now`.
    pub(in crate::pipeline) fn new(
        inputs: &'a Inputs,
        tree: &'a ProjectTree,
        now: SystemTime,
    ) -> Option<Self> {
        let is_known = match &inputs.sources.toolchain {
            Toolchain::Tree(_) => true,
            Toolchain::Image(reference) => reference.contains('@'),
        };
        // What cannot be lowered is told where it is built.
        let offline = Offline::new(&inputs.plan, &inputs.sources, inputs.epoch);
        let offline = offline.ok().filter(|_| is_known)?;
        Some(Self {
            inputs,
            offline,
            files: Files::of(tree),
            now,
        })
    }

    /// Returns what tells an export of an image from every other one, if that is known: what has the
    /// same has the same digest.
    pub(in crate::pipeline) fn of(&mut self, export: &Export) -> Option<Digest> {
        let wanted = export.wanted();
        if wanted.shape == Shape::Binaries {
            return None;
        }
        let mut platforms = Vec::new();
        for image in wanted.platforms(self.inputs) {
            if !is_pinned(&image.base) {
                return None;
            }
            let copied = image.files.iter().flat_map(|files| &files.inputs);
            let copied = self.files.fingerprint(copied).ok()?;
            if !copied.is_settled(self.now) {
                return None;
            }
            let lowered = self.offline.image(image).ok()?;
            let (vertex, index) = lowered.root.identity()?;
            let config = String::from_utf8(lowered.config.to_json()).ok()?;
            platforms.push(json!([vertex.to_string(), index, config, copied.state()]));
        }
        let image = self.inputs.plan.images.get(wanted.image)?;
        let exporters = export.exporters.iter();
        let exporters = exporters.map(|exporter| json!([exporter.kind, exporter.attributes]));
        let described = json!({
            "platforms": platforms,
            "annotations": image.annotations,
            "attestations": export.attestations,
            "exporters": exporters.collect::<Vec<_>>(),
        });
        digest(described.to_string().as_bytes()).ok()
    }
}

/// Tells whether a base is the same tomorrow.
fn is_pinned(base: &Base) -> bool {
    match base {
        Base::Image(reference) => reference.digest().is_some(),
        Base::Scratch | Base::Static => true,
    }
}

//! What tells an image from every other one before it is built.
//!
//! A graph names all that it is made from by digests: sources, toolchain, the packages of bases. So
//! do references with a digest. What it does not are tags, and the files of a project that are
//! copied, which the daemon asks for when it runs the copy.

use oci_spec::image::Digest;
use serde_json::json;

use super::offline::{is_pinned, written_base};
use super::{Function, FunctionError, assemble, presented};
use crate::content::digest;
use crate::llb::Output;
use crate::lower;
use crate::oci::ImageConfig;
use crate::pipeline::exports::{Export, Shape};
use crate::pipeline::present::Toolchain;
use crate::plan::PlatformImage;

impl Function<'_> {
    /// Returns what tells an export of an image from every other one, if that is known without a
    /// daemon: what has the same has the same digest.
    pub(in crate::pipeline) async fn identity(&self, export: &Export) -> Option<Digest> {
        let wanted = export.wanted();
        let platforms = wanted.platforms(self.inputs);
        let is_known = |image: &PlatformImage| is_pinned(&image.base) && image.files.is_empty();
        if wanted.shape == Shape::Binaries || !platforms.iter().all(is_known) {
            return None;
        }
        let parts = platforms.iter().map(|image| self.part(image));
        let mut described = Vec::with_capacity(platforms.len());
        for part in parts {
            // What cannot be lowered is told where it is built.
            let (root, config) = part.await.ok()??;
            let (vertex, index) = root.identity()?;
            let config = String::from_utf8(config.to_json()).ok()?;
            described
                .push(json!({ "vertex": vertex.to_string(), "index": index, "config": config }));
        }
        let image = self.inputs.plan.images.get(wanted.image)?;
        let exporters = export.exporters.iter();
        let exporters = exporters.map(|exporter| json!([exporter.kind, exporter.attributes]));
        let described = json!({
            "platforms": described,
            "annotations": image.annotations,
            "exporters": exporters.collect::<Vec<_>>(),
        });
        digest(described.to_string().as_bytes()).ok()
    }

    /// Returns root and config of an image of one platform; none if its toolchain is an image.
    async fn part(
        &self,
        image: &PlatformImage,
    ) -> Result<Option<(Output, ImageConfig)>, FunctionError> {
        let inputs = self.inputs;
        let Toolchain::Tree(toolchain) = &inputs.sources.toolchain else {
            return Ok(None);
        };
        let lowering = || async {
            let toolchain = lower::Toolchain::Tree(toolchain.clone());
            let presented = presented(&inputs.sources, toolchain);
            Ok::<_, FunctionError>(lower::compile_all(&inputs.plan, &presented)?)
        };
        let binaries = self.binaries.get_or_try_init(lowering).await?;
        let base = written_base(&inputs.sources, image, inputs.epoch)?;
        let parts = assemble(&inputs.sources, image, base, &[], inputs.epoch)?;
        let lowered = lower::image(image, binaries, &parts)?;
        Ok(Some((lowered.root, lowered.config)))
    }
}

//! MergeOp: filesystems laid over each other, later ones on top, without copying.
//!
//! Source: BuildKit `client/llb/merge.go`.

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::{Draft, Inputs, Output};

/// Returns the merge of `layers`, the last one on top.
///
/// Scratch adds nothing and is left out; what then remains of fewer than two layers is returned as
/// it is, without a vertex of its own.
#[must_use]
pub fn merge(layers: impl IntoIterator<Item = Output>, metadata: Metadata) -> Output {
    let mut layers: Vec<Output> = layers
        .into_iter()
        .filter(|layer| !layer.is_scratch())
        .collect();
    if layers.len() < 2 {
        return layers.pop().unwrap_or_default();
    }
    let mut inputs = Inputs::default();
    let positions = layers.iter().map(|layer| pb::MergeInput {
        // A layer may occur twice, and each occurrence counts.
        input: inputs.push(layer),
    });
    let op = pb::MergeOp {
        inputs: positions.collect(),
    };
    let mut draft = Draft::new(pb::op::Op::Merge(op), inputs, metadata);
    draft.capabilities.push(caps::MERGE);
    draft.finish()
}

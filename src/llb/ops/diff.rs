//! DiffOp: what one filesystem adds to, changes in and removes from another.
//!
//! Source: BuildKit `client/llb/diff.go`.

use buildkit_proto::pb;

use crate::llb::caps;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::{Draft, Inputs, Output};

/// Returns the changes that lead from `lower` to `upper`.
///
/// The difference to scratch is `upper` itself, without a vertex of its own.
#[must_use]
pub fn diff(lower: &Output, upper: &Output, metadata: Metadata) -> Output {
    if lower.is_scratch() {
        return upper.clone();
    }
    let mut inputs = Inputs::default();
    let op = pb::DiffOp {
        lower: Some(pb::LowerDiffInput {
            input: inputs.push(lower),
        }),
        upper: Some(pb::UpperDiffInput {
            input: inputs.push(upper),
        }),
    };
    let mut draft = Draft::new(pb::op::Op::Diff(op), inputs, metadata);
    draft.capabilities.push(caps::DIFF);
    draft.finish()
}

//! One command per file.

pub(super) mod affected;
pub(super) mod builder;
pub(super) mod cacheprog;
pub(super) mod check;
pub(super) mod completions;
pub(super) mod frontend;
pub(super) mod image;
pub(super) mod llb;
pub(super) mod lock;
pub(super) mod plan;
pub(super) mod resolve;
pub(super) mod step;

//! What Go sources say below their imports, as far as rules ask: names used of other packages, and
//! variables of a package. Tokens are enough for that; nothing is type-checked.

mod tokens;
mod uses;
mod variables;

pub(super) use uses::{Use, first_use, sources};
pub(super) use variables::{Variable, variables};

//! Kubernetes files that name images of a project, and what they say once the images are known.
//!
//! What a file says apart from that stays as it is, comments and layout included: a YAML parser says
//! where values stand, and nothing but these is replaced.

mod images;
mod parser;
mod values;

pub use images::{Image, NotAnImage};
pub use parser::NotYaml;
pub use values::{Manifests, Value};

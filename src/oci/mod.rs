//! OCI vocabulary shared by every stage: platforms, references, image configs; what buildx's flags
//! say of images.
//!
//! Leaf module: it uses nothing of gobuild's own.

pub mod attestation;
pub mod cache;
pub mod config;
pub mod exporter;
pub mod platform;
pub mod reference;

pub use config::ImageConfig;
pub use platform::Platform;
pub use reference::Reference;

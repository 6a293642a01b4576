//! What the user wrote: the tree of files, `goimage.toml`, and the Go modules in it.
//!
//! Everything below is pure: files are reached through [`tree::Tree`] alone. Only
//! [`tree::disk`] touches a real disk.

pub mod golang;
pub mod ignore;
pub mod lock;
pub mod manifest;
mod spot;
pub mod tree;

pub use spot::Spot;

//! Content-addressed inputs of a build: deterministic layers, OCI layouts, and the store that
//! the session's content service reads from.
//!
//! What enters is a list of files ([`LayerBuilder`]); what leaves is a [`Layout`] whose digest
//! depends on names, modes and bytes alone, never on the machine. The daemon keys its cache on
//! that digest and asks for bytes only when it does not hold them, so no file body is kept
//! in memory just to be hashed: a [`Blob`] can be read again from any offset.
//!
//! - `header`: tar records (POSIX.1-2017 `pax`, the ustar subset).
//! - [`LayerBuilder`], [`pack_layers`]: entries → [`Layer`].
//! - [`Layout`]: layers → config and manifest (OCI image-spec 1.1).
//! - [`Store`]: layouts → [`BlobSource`], or a directory for `buildctl --oci-layout`.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that packs files of the disk"
)]

mod blob;
mod builder;
mod compression;
mod deferred;
mod files;
mod header;
mod layer;
mod layout;
mod pack;
mod remembered;
mod store;
mod tree;
mod unpack;
mod whole;

use std::io::Read;

pub use blob::{Blob, FileChanged, SegmentBlob};
pub use builder::{Attributes, LayerBuilder, LayerError};
pub use compression::Compression;
pub use files::{FileCache, content_time};
pub use layer::{Layer, digest};
pub use layout::{Layout, LayoutError};
pub use pack::pack_layers;
pub use remembered::{folder_key, remember, remembered};
pub use store::{STORE_ID, Store, StoreError};
pub use tree::{LayoutTree, Member, MemberKind};
pub use whole::{Whole, write_whole};

/// Blobs by digest, read by the session's content service.
///
/// Methods block; the service calls them from a blocking thread.
pub trait BlobSource: Send + Sync + 'static {
    /// Returns a blob's length in bytes; `None` if this source does not hold it.
    ///
    /// # Errors
    /// The blob is held but cannot be looked at.
    fn size(&self, digest: &str) -> std::io::Result<Option<u64>>;

    /// Returns a reader of a blob from `offset` on; `None` if this source does not hold it.
    ///
    /// # Errors
    /// The blob is held but cannot be opened.
    fn open(&self, digest: &str, offset: u64) -> std::io::Result<Option<Box<dyn Read + Send>>>;
}

//! Writes a layer's entries to a folder, as a container's root would have them.

use std::io;
use std::path::Path;

use super::builder::LayerBuilder;
use super::files::FileCache;

impl LayerBuilder {
    /// Writes all entries below `folder`, with their modes and times (0 becomes 1), and if this
    /// process may set them with their owners.
    ///
    /// # Errors
    /// A source cannot be read, or an entry not be written.
    pub fn unpack(&self, folder: &Path) -> io::Result<()> {
        let blob = self
            .blob(&FileCache::disabled())
            .map_err(io::Error::other)?;
        let mut archive = tar::Archive::new(blob.open(0)?);
        archive.set_preserve_permissions(true);
        archive.set_preserve_mtime(true);
        archive.set_preserve_ownerships(rustix::process::geteuid().is_root());
        archive.unpack(folder)
    }
}

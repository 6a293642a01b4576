//! Writes a layer's entries to a folder, for a step's output.

use std::io;
use std::path::Path;

use super::builder::LayerBuilder;
use super::files::FileCache;

impl LayerBuilder {
    /// Writes all entries below `folder`, with their modes, and if this process may set them with
    /// their owners. Times are of no account: what copies the files sets its own.
    ///
    /// # Errors
    /// A source cannot be read, or an entry not be written.
    pub fn unpack(&self, folder: &Path) -> io::Result<()> {
        let blob = self
            .blob(&FileCache::disabled())
            .map_err(io::Error::other)?;
        let mut archive = tar::Archive::new(blob.open(0)?);
        archive.set_preserve_permissions(true);
        archive.set_preserve_mtime(false);
        archive.set_preserve_ownerships(rustix::process::geteuid().is_root());
        archive.unpack(folder)
    }
}

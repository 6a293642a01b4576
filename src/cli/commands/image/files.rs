//! Files that scripts read: `--metadata-file`, `--iidfile`, `--image-refs`.

use std::path::{Path, PathBuf};

use super::Args;
use crate::content::write_whole;
use crate::error::{Error, Kind};
use crate::pipeline::outcome::{Outcome as Built, images, metadata_file, pinned};

impl Args {
    /// Writes all of them, if it can; returns what went wrong first.
    pub(super) fn write_files(&self, built: &[Built]) -> Result<(), Error> {
        let named = |path: &&PathBuf| !path.as_os_str().is_empty();
        let metadata = self.metadata_file.as_ref().filter(named);
        let metadata = metadata.map(|path| write(path, &metadata_file(built)));
        let references = self.image_refs.as_ref().map(|path| {
            let lines = pinned(built).into_iter().map(|line| line + "\n");
            write(path, &lines.collect::<String>())
        });
        let id = self.iidfile.as_ref().map(|path| write_id(path, built));
        [metadata, references, id].into_iter().flatten().collect()
    }
}

/// Writes the id of the one image that was built.
fn write_id(path: &Path, built: &[Built]) -> Result<(), Error> {
    let images = images(built);
    let id = images.iter().find_map(|image| image.image_id());
    let id = id.ok_or_else(|| {
        let message = "the builder names no image id for --iidfile";
        Error::new(Kind::Other, message)
    });
    write(path, id?)
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &str) -> Result<(), Error> {
    write_whole(path, content.as_bytes()).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(Kind::Other, message)
    })
}

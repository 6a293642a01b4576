//! Files that scripts read: `--metadata-file`, `--iidfile`, `--image-refs`.

use std::path::{Path, PathBuf};

use super::Args;
use crate::content::write_whole;
use crate::error::{Error, Kind};
use crate::pipeline::outcome::{Outcome as Built, metadata_file};

impl Args {
    pub(super) fn write_files(&self, built: &[Built]) -> Result<(), Error> {
        let named = |path: &&PathBuf| !path.as_os_str().is_empty();
        if let Some(path) = self.metadata_file.as_ref().filter(named) {
            write(path, &metadata_file(built))?;
        }
        if let Some(path) = &self.image_refs {
            let lines = built.iter().flat_map(Built::pinned).map(|line| line + "\n");
            write(path, &lines.collect::<String>())?;
        }
        let Some(path) = &self.iidfile else {
            return Ok(());
        };
        let ids: Vec<&str> = built.iter().filter_map(Built::image_id).collect();
        match ids.as_slice() {
            [id] => write(path, id),
            ids => {
                let message = format!("--iidfile holds one image id, and there are {}", ids.len());
                Err(Error::new(Kind::Usage, message))
            }
        }
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &str) -> Result<(), Error> {
    write_whole(path, content.as_bytes()).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Error::new(Kind::Other, message)
    })
}

//! A file that appears only when it is complete.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::content::Whole;

/// An output under way; dropping it leaves nothing behind.
pub(super) struct Output(Kind);

enum Kind {
    /// Written to its place.
    File { file: Whole, path: PathBuf },
    /// Written to an open writer.
    Writer(Box<dyn Write + Send>),
}

/// Why an output cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error("cannot create {path:?}")]
    Create { path: PathBuf, source: io::Error },
    #[error("cannot write {path:?}")]
    Write { path: PathBuf, source: io::Error },
}

impl Output {
    /// Starts an output.
    ///
    /// # Errors
    /// As [`Whole::create`].
    pub(super) fn create(path: &Path) -> Result<Self, OutputError> {
        let path = path.to_owned();
        match Whole::create(&path) {
            Ok(file) => Ok(Self(Kind::File { file, path })),
            Err(source) => Err(OutputError::Create { path, source }),
        }
    }

    /// Returns an output that goes to an open writer.
    pub(super) fn through(writer: Box<dyn Write + Send>) -> Self {
        Self(Kind::Writer(writer))
    }

    /// Returns what to write to.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Kind::File { file, .. } => file,
            Kind::Writer(writer) => writer,
        }
    }

    /// Puts the output in its place, durably.
    ///
    /// # Errors
    /// The disk is full or the place cannot be taken; nothing is left then.
    pub(super) fn keep(self) -> Result<(), OutputError> {
        let Kind::File { file, path } = self.0 else {
            return Ok(());
        };
        let kept = file.keep_durably();
        kept.map_err(|source| OutputError::Write { path, source })
    }
}

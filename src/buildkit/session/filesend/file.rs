//! A file that appears only when it is complete.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// An output under way; dropping it leaves nothing behind.
pub(super) struct Output(Kind);

enum Kind {
    /// Written beside its place.
    Beside { file: NamedTempFile, path: PathBuf },
    /// Written to what stands there: a device or pipe.
    Through(File),
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
    /// Starts an output. A link that stands there is followed, and what it leads to replaced.
    ///
    /// # Errors
    /// A folder stands there, or the folder for it is missing or cannot be written.
    pub(super) fn create(path: &Path) -> Result<Self, OutputError> {
        let create = |source| OutputError::Create {
            path: path.into(),
            source,
        };
        let place = match path.canonicalize() {
            Ok(place) => place,
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.into(),
            Err(error) => return Err(create(error)),
        };
        match place.metadata() {
            Ok(found) if found.is_dir() => {
                return Err(create(io::ErrorKind::IsADirectory.into()));
            }
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(&place);
                return Ok(Self(Kind::Through(file.map_err(create)?)));
            }
            _ => {}
        }
        let folder = match place.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let file = tempfile::Builder::new()
            .prefix(".gobuild-")
            // What a plain open would give; the umask applies.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(create)?;
        Ok(Self(Kind::Beside { file, path: place }))
    }

    /// Returns an output that goes to an open writer.
    pub(super) fn through(writer: Box<dyn Write + Send>) -> Self {
        Self(Kind::Writer(writer))
    }

    /// Returns what to write to.
    pub(super) fn writer(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Kind::Beside { file, .. } => file.as_file_mut(),
            Kind::Through(file) => file,
            Kind::Writer(writer) => writer,
        }
    }

    /// Puts the output in its place, durably.
    ///
    /// # Errors
    /// The disk is full or the place cannot be taken; nothing is left then.
    pub(super) fn keep(self) -> Result<(), OutputError> {
        let Kind::Beside { file, path } = self.0 else {
            return Ok(());
        };
        let write = |source| OutputError::Write {
            path: path.clone(),
            source,
        };
        file.as_file().sync_all().map_err(write)?;
        file.persist(&path).map_err(|error| write(error.error))?;
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(write)
    }
}

//! Files that take their names once they are whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file under way; dropping it leaves nothing behind.
#[derive(Debug)]
pub struct Whole(Kind);

#[derive(Debug)]
enum Kind {
    /// Written beside its place.
    Beside { file: NamedTempFile, place: PathBuf },
    /// Written to what stands there: a device or a pipe.
    Through(File),
}

impl Whole {
    /// Starts a file. A link that stands there is followed, and what it leads to replaced. A device
    /// or a pipe is written to as it is, and may block.
    ///
    /// # Errors
    /// A folder stands there, or the folder for it is missing or cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        let place = match path.canonicalize() {
            Ok(place) => place,
            // An open file of a process, `/dev/fd/63`, is a link to what has no path.
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.into(),
            Err(error) => return Err(error),
        };
        match place.metadata() {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(&place)?;
                return Ok(Self(Kind::Through(file)));
            }
            _ => {}
        }
        let file = temporary(folder(&place))?;
        Ok(Self(Kind::Beside { file, place }))
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// The place cannot be taken; nothing is left then.
    pub fn keep(self) -> io::Result<()> {
        if let Kind::Beside { file, place } = self.0 {
            file.persist(place)?;
        }
        Ok(())
    }

    /// Puts the file in its place, so that it is there even if the machine stops.
    ///
    /// # Errors
    /// The disk is full or the place cannot be taken; nothing is left then.
    pub fn keep_durably(self) -> io::Result<()> {
        let Kind::Beside { file, place } = self.0 else {
            return Ok(());
        };
        file.as_file().sync_all()?;
        file.persist(&place)?;
        File::open(folder(&place))?.sync_all()
    }

    fn file(&mut self) -> &mut File {
        match &mut self.0 {
            Kind::Beside { file, .. } => file.as_file_mut(),
            Kind::Through(file) => file,
        }
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

/// Writes a file whole or not at all, in place of one that is there; see [`Whole::create`].
///
/// # Errors
/// There is no such folder, no room or no permission.
pub fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = Whole::create(path)?;
    file.write_all(content)?;
    file.keep()
}

/// Returns the folder that a path is in.
fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Creates a file that has no name yet.
///
/// Another user may be the one who reads it: the umask decides, as for any new file.
pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new()
        .prefix(".gobuild-")
        .permissions(fs::Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_others_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for content in ["one", "another"] {
            write_whole(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        // As a file that is written in the usual way.
        let usual = folder.path().join("b");
        fs::write(&usual, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&usual));
        assert!(write_whole(&folder.path().join("gone/a"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_leads_to_the_file_that_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link] = ["a", "b"].map(|name| folder.path().join(name));
        fs::write(&file, "one").unwrap();
        std::os::unix::fs::symlink("a", &link).unwrap();
        write_whole(&link, b"another").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "another");
    }

    #[test]
    fn devices_and_pipes_are_written_to_and_stay() {
        use std::io::Read as _;
        use std::os::fd::AsRawFd as _;
        let null = Path::new("/dev/null");
        write_whole(null, b"a").unwrap();
        assert!(!null.symlink_metadata().unwrap().is_file());
        // As a shell names what it reads: `>(cat)`.
        let (mut reader, writer) = io::pipe().unwrap();
        let path = format!("/dev/fd/{}", writer.as_raw_fd());
        write_whole(Path::new(&path), b"whole").unwrap();
        drop(writer);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "whole");
        let folder = tempfile::tempdir().unwrap();
        let error = write_whole(folder.path(), b"").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    }
}

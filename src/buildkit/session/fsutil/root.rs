//! Access to a folder that cannot leave it.
//!
//! Every path is walked element by element from the folder's descriptor with `O_NOFOLLOW`,
//! so no symbolic link on the way is followed, whoever made it and whenever.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub struct Root(OwnedFd);

/// A name in an open directory.
#[derive(Debug)]
pub struct Located<'a> {
    /// The directory.
    pub directory: OwnedFd,
    /// The name in it.
    pub name: &'a str,
}

impl Root {
    /// Opens a folder; the path itself may lead through links.
    ///
    /// # Errors
    /// It does not exist, is no directory, or may not be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// Opens the directory at a clean relative path; the empty path is the folder itself.
    ///
    /// # Errors
    /// An element is missing, a link, or no directory.
    pub fn directory(&self, path: &str) -> io::Result<OwnedFd> {
        let mut current = openat(&self.0, ".", DIRECTORY, Mode::empty())?;
        for element in path.split('/').filter(|element| !element.is_empty()) {
            if element == ".." {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            current = openat(&current, element, DIRECTORY, Mode::empty())?;
        }
        Ok(current)
    }

    /// Returns the directory that holds a clean relative path, and the name in it.
    ///
    /// # Errors
    /// As [`Root::directory`].
    pub fn locate<'a>(&self, path: &'a str) -> io::Result<Located<'a>> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(Located {
            directory: self.directory(parent)?,
            name,
        })
    }

    /// Opens the regular file at a clean relative path for reading.
    ///
    /// # Errors
    /// An element is missing or a link, or no regular file stands there.
    pub fn file(&self, path: &str) -> io::Result<File> {
        let at = self.locate(path)?;
        // Without `NONBLOCK` a pipe that took the file's place would block for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&at.directory, at.name, flags, Mode::empty())?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(file.into())
    }

    /// Returns what stands at a clean relative path, `None` if nothing does or a link or file
    /// is in the way. A link itself is not followed.
    ///
    /// # Errors
    /// The operating system refuses to look.
    pub fn stat(&self, path: &str) -> io::Result<Option<Stat>> {
        absent_as_none((|| {
            let at = self.locate(path)?;
            Ok(statat(&at.directory, at.name, AtFlags::SYMLINK_NOFOLLOW)?)
        })())
    }

    /// Returns the text of the link at a clean relative path.
    ///
    /// # Errors
    /// There is no link, or its text is not UTF-8.
    pub fn link(&self, path: &str) -> io::Result<String> {
        let at = self.locate(path)?;
        let target = readlinkat(&at.directory, at.name, Vec::new())?;
        target
            .into_string()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

/// Turns the errors that mean "nothing is there" into `None`.
fn absent_as_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "x").unwrap();
        symlink(outside.path(), folder.path().join("way")).unwrap();
        symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
        std::fs::create_dir(folder.path().join("real")).unwrap();
        std::fs::write(folder.path().join("real/x"), "y").unwrap();

        let root = Root::open(folder.path()).unwrap();
        assert!(root.file("way/secret").is_err());
        assert!(root.file("file").is_err());
        assert!(root.file("../secret").is_err());
        assert!(root.file("real/../file").is_err());
        assert!(root.file("real").is_err());
        assert!(root.stat("way/secret").unwrap().is_none());
        assert!(root.stat("way").unwrap().is_some());
        assert!(root.stat("gone/x").unwrap().is_none());
        assert!(
            root.link("way")
                .unwrap()
                .ends_with(outside.path().file_name().unwrap().to_str().unwrap())
        );
        assert!(root.file("real/x").is_ok());
    }
}

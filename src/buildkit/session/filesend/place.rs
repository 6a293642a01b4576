//! Entries that are made beside their place and then renamed into it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{
    AtFlags, Mode, OFlags, Timespec, Timestamps, fchmod, futimens, linkat, openat, renameat,
    symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::buildkit::session::fsutil::Root;

/// An entry that is not in its place yet; dropping it removes it.
pub(super) struct Beside {
    directory: OwnedFd,
    temporary: String,
    name: String,
    file: Option<File>,
}

impl Beside {
    /// Creates an empty file for `path`.
    ///
    /// # Errors
    /// The directory cannot be reached without following links, or not be written.
    pub(super) fn file(root: &Root, path: &str) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let (mut beside, file) = Self::make(root, path, |directory, temporary| {
            openat(directory, temporary, flags | OFlags::NOFOLLOW, mode)
        })?;
        beside.file = Some(file.into());
        Ok(beside)
    }

    /// Creates a symbolic link for `path`.
    ///
    /// # Errors
    /// As [`Beside::file`].
    pub(super) fn symlink(root: &Root, path: &str, target: &str) -> io::Result<Self> {
        let made = Self::make(root, path, |directory, temporary| {
            symlinkat(target, directory, temporary)
        })?;
        Ok(made.0)
    }

    /// Creates a hard link for `path` to the file at `original`.
    ///
    /// # Errors
    /// As [`Beside::file`], or the original is gone.
    pub(super) fn link(root: &Root, path: &str, original: &str) -> io::Result<Self> {
        let original = root.locate(original)?;
        let made = Self::make(root, path, |directory, temporary| {
            let from = &original.directory;
            linkat(from, original.name, directory, temporary, AtFlags::empty())
        })?;
        Ok(made.0)
    }

    fn make<T>(
        root: &Root,
        path: &str,
        make: impl Fn(&OwnedFd, &str) -> Result<T, Errno>,
    ) -> io::Result<(Self, T)> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let at = root.locate(path)?;
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let temporary = format!(".gobuild-{}-{number}", std::process::id());
            match make(&at.directory, &temporary) {
                // Left over by a process of the same id that was killed.
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
                Ok(made) => {
                    let name = at.name.to_owned();
                    let beside = Self {
                        directory: at.directory,
                        temporary,
                        name,
                        file: None,
                    };
                    return Ok((beside, made));
                }
            }
        }
    }

    /// Appends to a file.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(data),
            None => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Puts a complete file in its place; `modified` is in nanoseconds since 1970.
    ///
    /// # Errors
    /// A directory stands there, or the disk refuses.
    pub(super) fn place_with(self, permissions: Mode, modified: i64) -> io::Result<()> {
        if let Some(file) = &self.file {
            futimens(file, &timestamps(modified))?;
            fchmod(file, permissions)?;
        }
        self.place()
    }

    /// Puts the entry in its place.
    ///
    /// # Errors
    /// A directory stands there, or the disk refuses.
    pub(super) fn place(self) -> io::Result<()> {
        // Renaming a hard link over another one of the same file does nothing: the drop
        // removes what is left under the temporary name.
        let directory = &self.directory;
        Ok(renameat(directory, &self.temporary, directory, &self.name)?)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Nothing is there any more after a rename; otherwise there is nobody to tell.
        unlinkat(&self.directory, &self.temporary, AtFlags::empty()).ok();
    }
}

/// Returns the times to set for nanoseconds since 1970.
pub(super) fn timestamps(modified: i64) -> Timestamps {
    let time = Timespec {
        tv_sec: modified.div_euclid(1_000_000_000),
        tv_nsec: modified.rem_euclid(1_000_000_000),
    };
    Timestamps {
        last_access: time,
        last_modification: time,
    }
}

//! One cache folder: lookups.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, Timespec, Timestamps};

use super::entry::{self, ENTRY_BYTES, Entry};
use super::name::{Kind, Name};
use crate::cacheprog::id::Id;

/// How old a file's time may be before its next use renews it.
pub(super) const MTIME_INTERVAL: Duration = Duration::from_secs(3600);

/// What may be done with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cacheprog) enum Access {
    /// Nothing is changed, not even times.
    Read,
    /// Entries are added; nothing else is put there, and nobody else uses the folder.
    Fill,
    /// Entries are added, renewed and removed.
    Write,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TierError {
    /// It cannot be opened or made.
    #[error("cannot use the cache folder {}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Its path cannot be told to `go`.
    #[error("the path of the cache folder {} is relative or not UTF-8", path.display())]
    Path {
        /// The folder.
        path: PathBuf,
    },
}

/// A cache folder.
#[derive(Debug)]
pub(in crate::cacheprog) struct Tier {
    pub(super) folder: OwnedFd,
    pub(super) access: Access,
    /// Held shared as long as `go` may use files of the folder.
    pub(super) lock: Option<File>,
    /// Numbers temporary files.
    pub(super) drafts: AtomicU64,
    path: PathBuf,
    /// The path with its last slash, as the inside of a JSON string.
    prefix: Vec<u8>,
}

impl Tier {
    /// Opens a folder; makes it if it may be written.
    ///
    /// # Errors
    /// The folder cannot be opened or made, or `go` could not be told its path.
    pub(in crate::cacheprog) fn open(path: &Path, access: Access) -> Result<Self, TierError> {
        let failed = |source: io::Error| TierError::Folder {
            path: path.to_owned(),
            source,
        };
        let text = path.to_str().filter(|_| path.is_absolute());
        let text = text.ok_or_else(|| TierError::Path {
            path: path.to_owned(),
        })?;
        let quoted = serde_json::Value::from(format!("{}/", text.trim_end_matches('/')));
        let quoted = quoted.to_string().into_bytes();
        if access != Access::Read {
            std::fs::create_dir_all(path).map_err(failed)?;
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty());
        let folder = folder.map_err(|error| failed(error.into()))?;
        let mut tier = Self {
            folder,
            access,
            lock: None,
            drafts: AtomicU64::new(0),
            path: path.to_owned(),
            prefix: quoted[1..quoted.len() - 1].to_vec(),
        };
        if access == Access::Write {
            tier.lock = Some(tier.share().map_err(failed)?);
        }
        Ok(tier)
    }

    /// Returns the folder.
    pub(in crate::cacheprog) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks an action up. Its output is there and has the right size.
    pub(in crate::cacheprog) fn find(&self, action: &Id) -> Option<Entry> {
        let name = Name::new(action, Kind::Action);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name.c_str(), flags, Mode::empty()).ok()?;
        // One byte more would be a file that is too long.
        let mut bytes = [0; ENTRY_BYTES + 1];
        let length = rustix::io::read(&file, &mut bytes).ok()?;
        let entry = entry::parse(&bytes[..length], action)?;
        let data = Name::new(&entry.output, Kind::Data);
        let status = self
            .status(&data)
            .filter(|status| fits(status, entry.size))?;
        if self.access == Access::Write {
            let now = now();
            if is_stale(&status, now) {
                let _ = rustix::fs::utimensat(&self.folder, data.c_str(), &NOW, AtFlags::empty());
            }
            if rustix::fs::fstat(&file).is_ok_and(|status| is_stale(&status, now)) {
                let _ = rustix::fs::futimens(&file, &NOW);
            }
        }
        Some(entry)
    }

    /// Tells whether an output of this size is there.
    pub(in crate::cacheprog) fn has(&self, output: &Id, size: u64) -> bool {
        let status = self.status(&Name::new(output, Kind::Data));
        status.is_some_and(|status| fits(&status, size))
    }

    /// Opens an output.
    ///
    /// # Errors
    /// It is not there, or cannot be opened.
    pub(in crate::cacheprog) fn output(&self, output: &Id) -> io::Result<File> {
        let name = Name::new(output, Kind::Data);
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.folder, name.c_str(), flags, Mode::empty())?;
        Ok(File::from(file))
    }

    /// Reads an output and checks it; `None` if it is not there whole.
    pub(in crate::cacheprog) fn read(&self, output: &Id, size: u64) -> Option<Vec<u8>> {
        let mut file = self.output(output).ok()?;
        let mut body = vec![0; usize::try_from(size).ok()?];
        io::Read::read_exact(&mut file, &mut body).ok()?;
        (Id::of(&body) == *output).then_some(body)
    }

    /// Appends the path of an output, as the inside of a JSON string.
    pub(in crate::cacheprog) fn quote(&self, output: &Id, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.prefix);
        out.extend_from_slice(Name::new(output, Kind::Data).bytes());
    }

    pub(super) fn status(&self, name: &Name) -> Option<Stat> {
        rustix::fs::statat(&self.folder, name.c_str(), AtFlags::empty()).ok()
    }
}

/// Sets both times to the present.
const NOW: Timestamps = Timestamps {
    last_access: Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    },
    last_modification: Timespec {
        tv_sec: 0,
        tv_nsec: rustix::fs::UTIME_NOW,
    },
};

/// Returns the present in seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs() as i64)
}

fn fits(status: &Stat, size: u64) -> bool {
    // A folder would be an executable that `go run` stored; this protocol has none.
    FileType::from_raw_mode(status.st_mode) == FileType::RegularFile
        && u64::try_from(status.st_size) == Ok(size)
}

fn is_stale(status: &Stat, now: i64) -> bool {
    now - status.st_mtime >= MTIME_INTERVAL.as_secs() as i64
}

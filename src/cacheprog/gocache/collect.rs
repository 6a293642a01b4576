//! Entries of several folders → one folder of exactly these.
//!
//! What leaves depends on the entries alone: action files name one fixed time, and all that is
//! made here has one modification time. An output is a clone where the file system can
//! make one, else a second name of the same file, which keeps the time of the original, else a copy.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rustix::fs::{AtFlags, OFlags, Timespec, Timestamps};

use super::entry::Entry;
use super::name::{Kind, Name};
use super::tier::Tier;
use crate::cacheprog::id::Id;

/// Everything that is collected was made then, in 2100. `go` takes an entry's modification time for
/// its last use: it renews old ones, for which a file of a layer would have to be copied whole, and
/// deletes those of five days ago, which in a layer are those that other builds are to find
/// (`cmd/go/internal/cache`, `used` and `Trim`). It leaves alone what is not old yet.
const FIXED: Timestamps = Timestamps {
    last_access: FIXED_TIME,
    last_modification: FIXED_TIME,
};

const FIXED_TIME: Timespec = Timespec {
    tv_sec: 4_102_444_800,
    tv_nsec: 0,
};

/// What was collected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Collected {
    /// Actions.
    pub entries: u64,
    /// Bytes of their outputs.
    pub bytes: u64,
}

/// An entry and where its output is.
#[derive(Debug)]
pub(in crate::cacheprog) struct Source<'a> {
    pub(in crate::cacheprog) action: Id,
    pub(in crate::cacheprog) output: Id,
    pub(in crate::cacheprog) size: u64,
    pub(in crate::cacheprog) tier: &'a Tier,
}

impl Tier {
    /// Adds entries of other folders to this one.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(in crate::cacheprog) fn collect(&self, sources: &[Source<'_>]) -> io::Result<Collected> {
        let next = AtomicUsize::new(0);
        let bytes = AtomicU64::new(0);
        let work = || -> io::Result<()> {
            while let Some(source) = sources.get(next.fetch_add(1, Ordering::Relaxed)) {
                if !self.has(&source.output, source.size) {
                    self.take(source)?;
                    bytes.fetch_add(source.size, Ordering::Relaxed);
                }
                let entry = Entry {
                    output: source.output,
                    size: source.size,
                    time: 0,
                };
                let known = self.find(&source.action);
                if known.is_none_or(|known| known.output != entry.output) {
                    self.record(&source.action, &entry)?;
                    self.date(&Name::new(&source.action, Kind::Action));
                }
            }
            Ok(())
        };
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(8));
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            let own = work();
            let stopped = |_| Err(io::Error::other("a thread ended"));
            let others = others
                .into_iter()
                .map(|other| other.join().unwrap_or_else(stopped));
            others.chain([own]).collect::<io::Result<()>>()
        })?;
        self.date_folders();
        Ok(Collected {
            entries: sources.len() as u64,
            bytes: bytes.into_inner(),
        })
    }

    fn take(&self, source: &Source<'_>) -> io::Result<()> {
        let name = Name::new(&source.output, Kind::Data);
        let text = String::from_utf8_lossy(name.bytes());
        let (folder, file) = text.split_at(2);
        let path = format!(
            "{folder}/gobuild-{}-{}-d",
            std::process::id(),
            self.drafts.fetch_add(1, Ordering::Relaxed)
        );
        let from = source.tier.output(&source.output)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let to = self.make(&path, folder, flags)?;
        debug_assert!(file.starts_with('/'));
        let placed = match rustix::fs::ioctl_ficlone(&to, &from) {
            Ok(()) => Ok(true),
            Err(_) if self.link(source, &name) => Ok(false),
            Err(_) => copy(&from, &to, source.size).map(|()| true),
        };
        match placed {
            Ok(true) => rustix::fs::futimens(&to, &FIXED)
                .and_then(|()| {
                    rustix::fs::renameat(&self.folder, &*path, &self.folder, name.c_str())
                })
                .map_err(io::Error::from),
            other => {
                let _ = rustix::fs::unlinkat(&self.folder, &*path, AtFlags::empty());
                other.map(|_| ())
            }
        }
    }

    fn link(&self, source: &Source<'_>, name: &Name) -> bool {
        let (from, to) = (&source.tier.folder, &self.folder);
        rustix::fs::linkat(from, name.c_str(), to, name.c_str(), AtFlags::empty()).is_ok()
    }

    fn date(&self, name: &Name) {
        let _ = rustix::fs::utimensat(&self.folder, name.c_str(), &FIXED, AtFlags::empty());
    }

    fn date_folders(&self) {
        for number in 0..=255_u8 {
            let name = format!("{number:02x}");
            let _ = rustix::fs::utimensat(&self.folder, &*name, &FIXED, AtFlags::empty());
        }
        let _ = rustix::fs::futimens(&self.folder, &FIXED);
    }
}

fn copy(from: &File, to: &File, size: u64) -> io::Result<()> {
    let copied = io::copy(&mut &*from, &mut &*to)?;
    if copied != size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(())
}

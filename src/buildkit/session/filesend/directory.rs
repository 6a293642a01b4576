//! Puts received files into a folder.
//!
//! What stands in the folder and is not sent stays. Paths are checked as the listing comes
//! in, and every access walks from the folder without following links, so nothing outside is
//! touched whatever the daemon sends or the folder holds. A file is written beside its place
//! and renamed when complete. Everything belongs to the user that runs this, and so setuid
//! and setgid are dropped: they would lend that user's rights to what came out of a build.
//! Hard links wait until all files are there, and directories get their permissions and
//! times last, since both are disturbed by what is put into them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;

use buildkit_proto::fsutil::types::packet::PacketType;
use buildkit_proto::fsutil::types::{Packet, Stat};
use rustix::fs::{AtFlags, FileType, Mode, fchmod, futimens, mkdirat, statat, unlinkat};
use rustix::io::Errno;

use super::place::{Beside, timestamps};
use crate::buildkit::session::fsutil::{FileKind, GoMode, OrderError, PathOrder, Root};

/// How many requested files are open at once; below the sender's queue of 128, so that it
/// never stops reading.
pub(super) const WINDOW: usize = 64;

/// Why files cannot be received.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    #[error(transparent)]
    Order(#[from] OrderError),
    #[error("cannot write {path:?}")]
    Place { path: String, source: io::Error },
    #[error("{path:?} is a link to {target:?}, which is no file sent before")]
    Link { path: String, target: String },
    #[error("{path:?} is a device or pipe, which a folder cannot receive")]
    Special { path: String },
    #[error("content of file {0}, which was not requested")]
    NotRequested(u32),
    #[error("unexpected packet of type {0}")]
    UnexpectedPacket(i32),
    #[error("error from sender: {0}")]
    Sender(String),
    #[error("sender left before the transfer was complete")]
    Gone,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More has to come.
    More,
    /// Everything is in place; the sender does not know yet.
    Complete,
    /// The sender knows.
    Agreed,
}

/// One transfer into a folder.
pub(super) struct DirectoryReceiver {
    root: Root,
    order: PathOrder,
    next_id: u32,
    listed: bool,
    complete: bool,
    /// Regular files to request, in the order they were listed.
    wanted: VecDeque<(u32, Stat)>,
    open: HashMap<u32, (Stat, Beside)>,
    /// Regular files: what a hard link may name.
    regular: HashSet<String>,
    links: Vec<Stat>,
    directories: Vec<Stat>,
}

impl DirectoryReceiver {
    /// Returns a receiver into `root`.
    pub(super) fn new(root: Root) -> Self {
        Self {
            root,
            order: PathOrder::default(),
            next_id: 0,
            listed: false,
            complete: false,
            wanted: VecDeque::new(),
            open: HashMap::new(),
            regular: HashSet::new(),
            links: Vec::new(),
            directories: Vec::new(),
        }
    }

    /// Takes the sender's next packet.
    ///
    /// # Errors
    /// The packet breaks the protocol, or something cannot be written. Files under way are
    /// removed when the receiver is dropped.
    pub(super) fn take(&mut self, packet: Packet) -> Result<Progress, ReceiveError> {
        match PacketType::try_from(packet.r#type) {
            Ok(PacketType::PacketStat) if !self.listed => match packet.stat {
                Some(stat) => self.entry(stat)?,
                None => self.listed = true,
            },
            Ok(PacketType::PacketData) => self.content(packet.id, &packet.data)?,
            Ok(PacketType::PacketFin) if self.complete => return Ok(Progress::Agreed),
            Ok(PacketType::PacketErr) => {
                let message = String::from_utf8_lossy(&packet.data).into_owned();
                return Err(ReceiveError::Sender(message));
            }
            _ => return Err(ReceiveError::UnexpectedPacket(packet.r#type)),
        }
        let has_all = self.listed && self.wanted.is_empty() && self.open.is_empty();
        if !has_all || self.complete {
            return Ok(Progress::More);
        }
        self.finish()?;
        self.complete = true;
        Ok(Progress::Complete)
    }

    /// Opens files up to the window, and returns their ids for the sender.
    ///
    /// # Errors
    /// A file cannot be created.
    pub(super) fn requests(&mut self) -> Result<Vec<u32>, ReceiveError> {
        let mut requests = Vec::new();
        while self.open.len() < WINDOW
            && let Some((id, stat)) = self.wanted.pop_front()
        {
            let file = Beside::file(&self.root, &stat.path).map_err(at(&stat.path))?;
            self.open.insert(id, (stat, file));
            requests.push(id);
        }
        Ok(requests)
    }

    fn entry(&mut self, stat: Stat) -> Result<(), ReceiveError> {
        let kind = GoMode(stat.mode).kind();
        self.order.check(&stat.path, kind == FileKind::Directory)?;
        let id = self.next_id;
        self.next_id += 1;
        match kind {
            FileKind::Directory => {
                self.directory(&stat).map_err(at(&stat.path))?;
                self.directories.push(stat);
            }
            FileKind::Symlink => {
                let place = || Beside::symlink(&self.root, &stat.path, &stat.linkname)?.place();
                place().map_err(at(&stat.path))?;
            }
            FileKind::Special => return Err(ReceiveError::Special { path: stat.path }),
            FileKind::Regular if stat.linkname.is_empty() => {
                self.regular.insert(stat.path.clone());
                self.wanted.push_back((id, stat));
            }
            FileKind::Regular if self.regular.contains(&stat.linkname) => self.links.push(stat),
            FileKind::Regular => {
                return Err(ReceiveError::Link {
                    path: stat.path,
                    target: stat.linkname,
                });
            }
        }
        Ok(())
    }

    /// Makes a directory that this user can fill; a file or link in its place makes way.
    fn directory(&self, stat: &Stat) -> io::Result<()> {
        let at = self.root.locate(&stat.path)?;
        match mkdirat(&at.directory, at.name, Mode::RWXU) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let found = statat(&at.directory, at.name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(found.st_mode) == FileType::Directory {
            let mode = Mode::from_raw_mode(found.st_mode);
            if !mode.contains(Mode::RWXU) {
                fchmod(self.root.directory(&stat.path)?, mode | Mode::RWXU)?;
            }
            return Ok(());
        }
        unlinkat(&at.directory, at.name, AtFlags::empty())?;
        Ok(mkdirat(&at.directory, at.name, Mode::RWXU)?)
    }

    fn content(&mut self, id: u32, data: &[u8]) -> Result<(), ReceiveError> {
        if !data.is_empty() {
            let open = self.open.get_mut(&id);
            let (stat, file) = open.ok_or(ReceiveError::NotRequested(id))?;
            return file.write_all(data).map_err(at(&stat.path));
        }
        let open = self.open.remove(&id);
        let (stat, file) = open.ok_or(ReceiveError::NotRequested(id))?;
        let permissions = GoMode(stat.mode).permissions();
        file.place_with(permissions, stat.mod_time)
            .map_err(at(&stat.path))
    }

    /// Does what has to wait for the last file.
    fn finish(&mut self) -> Result<(), ReceiveError> {
        for stat in std::mem::take(&mut self.links) {
            let place = || Beside::link(&self.root, &stat.path, &stat.linkname)?.place();
            place().map_err(at(&stat.path))?;
        }
        // Children first: a parent may forbid to enter it.
        for stat in self.directories.drain(..).rev() {
            let settle = || {
                let directory = self.root.directory(&stat.path)?;
                futimens(&directory, &timestamps(stat.mod_time))?;
                Ok(fchmod(directory, GoMode(stat.mode).permissions())?)
            };
            settle().map_err(at(&stat.path))?;
        }
        Ok(())
    }
}

/// Returns what turns a system's error into one about `path`.
fn at(path: &str) -> impl FnOnce(io::Error) -> ReceiveError {
    move |source| ReceiveError::Place {
        path: path.to_owned(),
        source,
    }
}

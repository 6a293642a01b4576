//! One cache folder: additions.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::entry::{self, Entry};
use super::name::{Kind, Name};
use super::tier::{Access, Tier};
use crate::cacheprog::id::Id;

const LOCK: &str = "gobuild.lock";
const README: &str = "README";

/// What Go's own README says in short; `go` leaves a README that is there alone.
const README_TEXT: &[u8] =
    b"This directory holds cached build artifacts from the Go build system.\n";

/// An output that is being written under a temporary name. Dropped, it leaves nothing.
#[derive(Debug)]
pub(in crate::cacheprog) struct Draft<'a> {
    tier: &'a Tier,
    output: Id,
    size: u64,
    /// `None` where an empty output is there already.
    file: Option<(File, String)>,
    hash: Sha256,
    written: u64,
    failure: Option<io::Error>,
}

impl Tier {
    /// Begins to write an output.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(in crate::cacheprog) fn draft(&self, output: Id, size: u64) -> io::Result<Draft<'_>> {
        let mut draft = Draft {
            tier: self,
            output,
            size,
            file: None,
            hash: Sha256::new(),
            written: 0,
            failure: None,
        };
        // The one empty output is stored again and again.
        if size > 0 || !self.has(&output, 0) {
            let name = Name::new(&output, Kind::Data);
            let folder = String::from_utf8_lossy(&name.bytes()[..2]).into_owned();
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            draft.file = Some(loop {
                let number = self.drafts.fetch_add(1, Ordering::Relaxed);
                // The end of the name lets `go` remove what a killed process left.
                let path = format!("{folder}/gobuild-{}-{number}-d", std::process::id());
                match self.make(&path, &folder, flags) {
                    // Containers that share the folder number their processes alike.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                    made => break (made?, path),
                }
            });
        }
        Ok(draft)
    }

    /// Writes an output that is at hand whole.
    ///
    /// # Errors
    /// The file cannot be written, or the bytes are not the output.
    pub(in crate::cacheprog) fn land(&self, output: Id, body: &[u8]) -> io::Result<()> {
        let mut draft = self.draft(output, body.len() as u64)?;
        draft.write(body);
        draft.finish()
    }

    /// Writes an action file, in place as Go does: it is written at once and always has the same
    /// length.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(in crate::cacheprog) fn record(&self, action: &Id, entry: &Entry) -> io::Result<()> {
        let name = Name::new(action, Kind::Action);
        let path = String::from_utf8_lossy(name.bytes());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::CLOEXEC;
        let mut file = self.make(&path, &path[..2], flags)?;
        let bytes = entry::format(action, entry);
        let written = file
            .write_all(&bytes)
            .and_then(|()| file.set_len(bytes.len() as u64));
        written.inspect_err(|_| {
            let _ = rustix::fs::unlinkat(&self.folder, name.c_str(), AtFlags::empty());
        })
    }

    /// Returns the time of an entry that is stored now.
    pub(in crate::cacheprog) fn time() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(0))
    }

    /// Tells everyone that files of this folder are in use, and makes the README.
    pub(super) fn share(&self) -> io::Result<File> {
        debug_assert_eq!(self.access, Access::Write);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let lock = self.make(LOCK, "", flags)?;
        // Waits as long as someone removes entries.
        rustix::fs::flock(&lock, FlockOperation::LockShared)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        if let Ok(mut readme) = self.make(README, "", flags) {
            let _ = readme.write_all(README_TEXT);
        }
        Ok(lock)
    }

    /// Opens a file; makes its folder if that is missing.
    pub(super) fn make(&self, path: &str, folder: &str, flags: OFlags) -> io::Result<File> {
        let open = || rustix::fs::openat(&self.folder, path, flags, Mode::from(0o666));
        let file = match open() {
            Err(Errno::NOENT) if !folder.is_empty() => {
                match rustix::fs::mkdirat(&self.folder, folder, Mode::from(0o777)) {
                    Ok(()) | Err(Errno::EXIST) => open()?,
                    Err(error) => return Err(error.into()),
                }
            }
            file => file?,
        };
        Ok(File::from(file))
    }
}

impl Draft<'_> {
    /// Adds bytes. A failure is kept for [`Draft::finish`], so that the source can be read to its
    /// end.
    pub(in crate::cacheprog) fn write(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.written += bytes.len() as u64;
        if let (Some((file, _)), None) = (&mut self.file, &self.failure) {
            self.failure = file.write_all(bytes).err();
        }
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// Something could not be written, or the bytes are not the output.
    pub(in crate::cacheprog) fn finish(mut self) -> io::Result<()> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        let hash = std::mem::replace(&mut self.hash, Sha256::new());
        if self.written != self.size || Id(hash.finalize().into()) != self.output {
            let message = "the body is not what its id says";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let Some((_, path)) = &self.file else {
            return Ok(());
        };
        let name = Name::new(&self.output, Kind::Data);
        let folder = &self.tier.folder;
        rustix::fs::renameat(folder, path.as_str(), folder, name.c_str())?;
        self.file = None;
        Ok(())
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.file {
            let folder = &self.tier.folder;
            let _ = rustix::fs::unlinkat(folder, path.as_str(), AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let (action, output) = (Id([7; 32]), Id::of(b"body"));
        assert_eq!(tier.find(&action), None);
        tier.land(output, b"body").unwrap();
        let entry = Entry {
            output,
            size: 4,
            time: Tier::time(),
        };
        tier.record(&action, &entry).unwrap();
        assert_eq!(tier.find(&action), Some(entry));
        assert_eq!(tier.read(&output, 4).unwrap(), b"body");
        let mut path = Vec::new();
        tier.quote(&output, &mut path);
        assert_eq!(
            std::fs::read(String::from_utf8(path).unwrap()).unwrap(),
            b"body"
        );
        // Read-only, it is the same; a shorter file is a miss.
        let reader = Tier::open(root.path(), Access::Read).unwrap();
        assert_eq!(reader.find(&action), Some(entry));
        let file = root
            .path()
            .join(format!("{}/{output}-d", &output.to_string()[..2]));
        std::fs::write(file, b"bod").unwrap();
        assert_eq!(reader.find(&action), None);
        assert_eq!(reader.read(&output, 4), None);
    }

    #[test]
    fn wrong_bytes_leave_nothing() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let output = Id::of(b"body");
        assert!(tier.land(output, b"bodY").is_err());
        let mut short = tier.draft(output, 4).unwrap();
        short.write(b"bo");
        assert!(short.finish().is_err());
        drop(tier.draft(output, 4).unwrap());
        let folder = root.path().join(&output.to_string()[..2]);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    }

    #[test]
    fn nobody_writes_into_the_file_of_another_container() {
        let root = tempfile::tempdir().unwrap();
        // Both number their files alike, as processes of one number in two containers.
        let [one, other] = [(); 2].map(|()| Tier::open(root.path(), Access::Write).unwrap());
        let output = Id::of(b"body");
        let mut first = one.draft(output, 4).unwrap();
        first.write(b"bo");
        other.land(output, b"body").unwrap();
        first.write(b"dy");
        first.finish().unwrap();
        assert_eq!(one.read(&output, 4).unwrap(), b"body");
        let folder = root.path().join(&output.to_string()[..2]);
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    }

    #[test]
    fn the_empty_output_is_stored_once() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let empty = Id::of(b"");
        tier.land(empty, b"").unwrap();
        assert!(tier.has(&empty, 0));
        assert!(tier.draft(empty, 0).unwrap().file.is_none());
        assert!(tier.draft(Id::of(b"x"), 0).unwrap().finish().is_err());
    }

    #[test]
    fn a_path_that_go_cannot_be_told_is_refused() {
        let error = Tier::open(std::path::Path::new("relative"), Access::Write).unwrap_err();
        assert!(matches!(error, super::super::TierError::Path { .. }));
    }
}

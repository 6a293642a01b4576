//! One cache folder: removals.
//!
//! Two rules, at the end of a run. Go's own: once a day, whatever was not used for five days goes
//! (`go` itself does not do it while a GOCACHEPROG is set). And a limit of bytes: the least
//! recently used goes first, never what this run used. Both need the lock alone: every other run
//! on the folder holds it shared, and has told `go` of files that must stay.

use std::collections::HashSet;
use std::io::{self, Read as _, Seek as _, Write as _};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags};

use super::name::{self, Kind};
use super::tier::{MTIME_INTERVAL, Tier, now};
use crate::cacheprog::id::Id;

/// Go's times, in seconds.
const TRIM_INTERVAL: i64 = 24 * 3600;
const TRIM_LIMIT: i64 = 5 * 24 * 3600;

const TRIM: &str = "trim.txt";
const SIZE: &str = "gobuild-size.txt";

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Files that must stay.
pub(in crate::cacheprog) type Kept = HashSet<(Id, Kind)>;

struct Candidate {
    modified: i64,
    bytes: u64,
    path: String,
    id: Option<(Id, Kind)>,
    is_folder: bool,
}

impl Tier {
    /// Removes what is too old, and what is too much for `limit` bytes; `added` bytes are new.
    /// Most calls find that nothing is due and look at no file.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub(in crate::cacheprog) fn tidy(
        &self,
        limit: Option<u64>,
        added: u64,
        kept: impl FnOnce() -> Kept,
    ) -> io::Result<Removed> {
        let estimate = self.estimate().map(|bytes| bytes.saturating_add(added));
        let is_full = limit.is_some_and(|limit| estimate.is_none_or(|bytes| bytes > limit));
        if !is_full && !self.is_trim_due()? {
            if let (true, Some(bytes)) = (added > 0, estimate) {
                self.note(SIZE, bytes)?;
            }
            return Ok(Removed::default());
        }
        let Some(lock) = &self.lock else {
            return Ok(Removed::default());
        };
        if rustix::fs::flock(lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            // The last one to finish does it. A failed change may have lost the shared lock.
            rustix::fs::flock(lock, FlockOperation::NonBlockingLockShared)?;
            return Ok(Removed::default());
        }
        let removed = self.sweep(limit, &kept());
        rustix::fs::flock(lock, FlockOperation::LockShared)?;
        removed
    }

    fn sweep(&self, limit: Option<u64>, kept: &Kept) -> io::Result<Removed> {
        let is_trim = self.claim_trim()?;
        let mut candidates = self.scan();
        candidates.sort_by_key(|candidate| candidate.modified);
        let mut total: u64 = candidates.iter().map(|candidate| candidate.bytes).sum();
        let cutoff = now() - TRIM_LIMIT - MTIME_INTERVAL.as_secs() as i64;
        let mut removed = Removed::default();
        for candidate in &candidates {
            let is_old = is_trim && candidate.modified < cutoff;
            let is_much = candidate.id.is_some() && limit.is_some_and(|limit| total > limit);
            let is_kept = candidate.id.is_some_and(|id| kept.contains(&id));
            if (is_old || is_much) && !is_kept && self.remove(candidate) {
                removed.files += 1;
                removed.bytes += candidate.bytes;
                total -= candidate.bytes;
            }
        }
        self.note(SIZE, total)?;
        Ok(removed)
    }

    /// Lists the files of all entries, and what killed processes left.
    fn scan(&self) -> Vec<Candidate> {
        let mut found = Vec::new();
        for number in 0..=255_u8 {
            let name = format!("{number:02x}");
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let Ok(folder) = rustix::fs::openat(&self.folder, &*name, flags, Mode::empty()) else {
                continue;
            };
            let Ok(entries) = Dir::read_from(&folder) else {
                continue;
            };
            for entry in entries.flatten() {
                let file = entry.file_name();
                let bytes = file.to_bytes();
                let text = file.to_str().ok();
                let text = text.filter(|text| text.ends_with("-a") || text.ends_with("-d"));
                let status = rustix::fs::statat(&folder, file, AtFlags::SYMLINK_NOFOLLOW);
                if let (Some(text), Ok(status)) = (text, status) {
                    found.push(Candidate {
                        modified: status.st_mtime,
                        bytes: u64::try_from(status.st_size).unwrap_or(0),
                        path: format!("{name}/{text}"),
                        id: name::parse(bytes),
                        is_folder: FileType::from_raw_mode(status.st_mode) == FileType::Directory,
                    });
                }
            }
        }
        found
    }

    fn remove(&self, candidate: &Candidate) -> bool {
        if candidate.is_folder {
            return std::fs::remove_dir_all(self.path().join(&candidate.path)).is_ok();
        }
        rustix::fs::unlinkat(&self.folder, &*candidate.path, AtFlags::empty()).is_ok()
    }

    fn estimate(&self) -> Option<u64> {
        let text = std::fs::read_to_string(self.path().join(SIZE)).ok()?;
        text.trim().parse().ok()
    }

    fn note(&self, file: &str, number: u64) -> io::Result<()> {
        std::fs::write(self.path().join(file), format!("{number}"))
    }

    fn is_trim_due(&self) -> io::Result<bool> {
        match std::fs::read_to_string(self.path().join(TRIM)) {
            Ok(text) => Ok(is_due(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Notes that unused entries are removed now, unless someone else has just done it.
    fn claim_trim(&self) -> io::Result<bool> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        let mut file = self.make(TRIM, "", flags)?;
        rustix::fs::flock(&file, FlockOperation::LockExclusive)?;
        let mut text = String::new();
        (&file).take(64).read_to_string(&mut text)?;
        let due = is_due(&text);
        if due {
            let text = now().to_string();
            file.rewind()?;
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)?;
        }
        Ok(due)
    }
}

/// Tells whether a day has passed since the time in `trim.txt`; a time in the future is a fault.
fn is_due(text: &str) -> bool {
    let Ok(last) = text.trim().parse::<i64>() else {
        return true;
    };
    let since = now().saturating_sub(last);
    since >= TRIM_INTERVAL || since <= -(MTIME_INTERVAL.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::super::entry::Entry;
    use super::super::tier::Access;
    use super::*;

    /// Stores an entry of 1,000 bytes that was last used `hours` ago.
    fn store(tier: &Tier, number: u8, hours: u64) -> Id {
        let body = vec![number; 1000];
        let (action, output) = (Id([number; 32]), Id::of(&body));
        tier.land(output, &body).unwrap();
        let (size, time) = (1000, 0);
        let entry = Entry { output, size, time };
        tier.record(&action, &entry).unwrap();
        let time = SystemTime::now() - Duration::from_secs(3600 * hours);
        for (id, kind) in [(action, "a"), (output, "d")] {
            let file = path(tier.path(), &id, kind);
            let file = std::fs::File::options().write(true).open(file).unwrap();
            file.set_modified(time).unwrap();
        }
        action
    }

    fn path(root: &Path, id: &Id, kind: &str) -> std::path::PathBuf {
        root.join(format!("{}/{id}-{kind}", &id.to_string()[..2]))
    }

    #[test]
    fn the_least_recently_used_goes_first_and_what_is_used_stays() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let oldest = store(&tier, 1, 50);
        let old = store(&tier, 2, 40);
        let new = store(&tier, 3, 30);
        let kept = || {
            let output = Id::of(&[1; 1000]);
            Kept::from([(oldest, Kind::Action), (output, Kind::Data)])
        };
        // An entry has 1,000 bytes of output and about 170 of its action file.
        let removed = tier.tidy(Some(2400), 0, kept).unwrap();
        assert_eq!(removed.files, 2);
        assert!(tier.find(&oldest).is_some());
        assert!(tier.find(&old).is_none());
        assert!(tier.find(&new).is_some());
        // It is known how much there is, and what was trimmed today is not looked at again.
        let removed = tier.tidy(Some(2400), 1, || unreachable!()).unwrap();
        assert_eq!(removed, Removed::default());
        store(&tier, 4, 1);
        let removed = tier.tidy(Some(2400), 1000, Kept::new).unwrap();
        assert!(removed.files >= 1, "{removed:?}");
        // Both of the others were found just now, and so renewed.
        assert!(tier.find(&Id([4; 32])).is_none());
        assert!(tier.find(&oldest).is_some());
        assert!(tier.find(&new).is_some());
    }

    #[test]
    fn without_a_limit_go_s_five_days_hold() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let gone = store(&tier, 1, 24 * 6);
        let stays = store(&tier, 2, 24 * 4);
        std::fs::write(root.path().join(TRIM), (now() - 3600).to_string()).unwrap();
        assert_eq!(tier.tidy(None, 0, Kept::new).unwrap().files, 0);
        std::fs::write(root.path().join(TRIM), (now() - 90_000).to_string()).unwrap();
        assert_eq!(tier.tidy(None, 0, Kept::new).unwrap().files, 2);
        assert!(tier.find(&gone).is_none());
        assert!(tier.find(&stays).is_some());
        let text = std::fs::read_to_string(root.path().join(TRIM)).unwrap();
        assert!(!is_due(&text), "{text}");
    }

    #[test]
    fn nothing_goes_while_another_run_uses_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let tier = Tier::open(root.path(), Access::Write).unwrap();
        let other = Tier::open(root.path(), Access::Write).unwrap();
        let action = store(&tier, 1, 50);
        assert_eq!(tier.tidy(Some(1), 0, Kept::new).unwrap().files, 0);
        assert!(other.find(&action).is_some());
        drop(other);
        assert_eq!(tier.tidy(Some(1), 0, Kept::new).unwrap().files, 2);
    }
}

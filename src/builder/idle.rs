//! Ends the managed daemon when nobody has built with it for a while.
//!
//! Every use of the daemon holds a shared lock on one file of its folder until its process ends,
//! however it ends. A watcher, a process of its own that begins with the daemon, takes that lock
//! for itself before it ends the daemon: then nobody builds, and a build that is about to begin
//! waits for the lock, finds no daemon, and starts one.

use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use std::os::unix::process::CommandExt as _;

use super::error::ManagedError;
use super::home::Home;
use super::managed::Managed;

/// How often the watcher looks, at most and at least.
const POLL: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(5));

/// When the daemon ends by itself.
#[derive(Clone, Debug)]
pub struct Idle {
    /// How long nobody may have built.
    pub after: Duration,
    /// The command that calls [`Managed::watch`] with the process id and milliseconds that follow it.
    pub watcher: Vec<OsString>,
}

/// A use of the daemon: as long as it lives the daemon does not end by itself.
#[derive(Debug)]
pub struct InUse(File);

impl InUse {
    /// Begins a use; waits for a daemon that is ending.
    pub(super) fn begin(home: &Home) -> Result<Self, ManagedError> {
        let path = home.usage();
        let fail = |action| ManagedError::file(action, &path);
        let file = open(&path).map_err(fail("open"))?;
        file.lock_shared().map_err(fail("lock"))?;
        // Uses that are over before the watcher looks are seen by this.
        file.set_modified(SystemTime::now())
            .map_err(fail("touch"))?;
        Ok(Self(file))
    }

    /// Goes on until this process ends.
    pub fn until_exit(self) {
        std::mem::forget(self.0);
    }
}

fn open(path: &PathBuf) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// Starts the watcher of a daemon that has just been started. Without one the daemon stays.
pub(super) fn start_watcher(idle: &Idle, pid: u32) {
    let [program, args @ ..] = idle.watcher.as_slice() else {
        return;
    };
    let watcher = Command::new(program)
        .args(args)
        .arg(pid.to_string())
        .arg(idle.after.as_millis().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    if let Err(error) = watcher {
        tracing::warn!(%error, "the managed builder will not end by itself");
    }
}

impl Managed {
    /// Waits until the daemon `pid` has not been used for a while, and ends it; returns early when
    /// it has ended. `is_building` tells of builds that hold no lock, such as those of other clients.
    ///
    /// # Errors
    /// A file of the folder cannot be used, or the daemon does not end.
    pub fn watch(
        &self,
        pid: u32,
        after: Duration,
        is_building: impl Fn() -> bool,
    ) -> Result<(), ManagedError> {
        let path = self.home().usage();
        let poll = (after / 8).clamp(POLL.0, POLL.1);
        let (mut used, mut seen) = (Instant::now(), None);
        while self.pid() == Some(pid) {
            thread::sleep(poll);
            let failed = ManagedError::file;
            let file = open(&path).map_err(failed("lock", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    used = Instant::now();
                    continue;
                }
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
            }
            let modified = file.metadata().and_then(|data| data.modified()).ok();
            if modified != seen {
                (seen, used) = (modified, Instant::now());
            }
            if used.elapsed() < after {
                continue;
            }
            if is_building() {
                used = Instant::now();
                continue;
            }
            // The lock is held until the daemon has ended.
            return self.stop_if(pid).map(drop);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    const IDLE: Duration = Duration::from_millis(100);

    /// Returns the folder of a daemon that is none: a process that bears its mark.
    fn daemon() -> (tempfile::TempDir, Managed, Child) {
        let folder = tempfile::tempdir().unwrap();
        let managed = Managed::new(folder.path().to_owned());
        let child = Command::new("sh")
            .args(["-c", "read line"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::fs::write(managed.home().process(), child.id().to_string()).unwrap();
        // A process that has just begun to run bears no mark yet.
        let marked = (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            managed.pid() == Some(child.id())
        });
        assert!(marked, "the process did not begin");
        (folder, managed, child)
    }

    #[test]
    fn an_unused_daemon_ends() {
        let (_folder, managed, mut child) = daemon();
        InUse::begin(managed.home()).unwrap();
        managed.watch(child.id(), IDLE, || false).unwrap();
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn one_in_use_does_not_until_the_use_is_over() {
        let (_folder, managed, mut child) = daemon();
        let in_use = InUse::begin(managed.home()).unwrap();
        let (pid, watched) = (child.id(), managed.clone());
        let watcher = thread::spawn(move || watched.watch(pid, IDLE, || false));
        thread::sleep(5 * IDLE);
        assert_eq!(child.try_wait().unwrap(), None);
        drop(in_use);
        watcher.join().unwrap().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn other_clients_builds_are_waited_for() {
        let (_folder, managed, mut child) = daemon();
        let asked = std::cell::Cell::new(0);
        let is_building = || {
            asked.set(asked.get() + 1);
            asked.get() < 3
        };
        managed.watch(child.id(), IDLE, is_building).unwrap();
        assert_eq!(asked.get(), 3);
        child.wait().unwrap();
    }

    #[test]
    fn a_daemon_that_was_replaced_is_left_alone() {
        let (_folder, managed, mut child) = daemon();
        managed.watch(child.id() + 1, IDLE, || false).unwrap();
        assert_eq!(child.try_wait().unwrap(), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

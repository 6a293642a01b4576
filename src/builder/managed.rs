//! A buildkitd of the user's own.
//!
//! Everything it has lives in one folder: state, socket, log, process id, and a `buildkitd.toml`
//! that is written once and belongs to the user from then on. Starting is guarded by a file lock,
//! so that builds which begin at the same moment share one daemon; when it ends by itself is
//! [`idle`]'s business.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::error::ManagedError;
use super::home::Home;
use super::idle::{self, Idle, InUse};
use super::launch;

/// How long a daemon may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
/// A unix socket's path must fit the kernel's `sun_path`.
const LONGEST_SOCKET_PATH: usize = 107;

/// The managed daemon of one data folder.
#[derive(Clone, Debug)]
pub struct Managed {
    home: Home,
    idle: Option<Idle>,
}

/// A daemon that runs, and is used.
#[derive(Debug)]
pub struct Started {
    /// Where it listens, `unix://…`.
    pub address: String,
    /// Whether it was started now.
    pub now: bool,
    /// Keeps it from ending by itself.
    pub in_use: InUse,
}

/// Whether the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It runs under this process id.
    Running(u32),
    /// It does not run.
    Stopped,
}

impl Managed {
    /// Returns the daemon that lives in `folder`.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            home: Home(folder),
            idle: None,
        }
    }

    /// Lets it end by itself when it is started from now on.
    #[must_use]
    pub fn with_idle(self, idle: Option<Idle>) -> Self {
        Self { idle, ..self }
    }

    /// Returns after how long without a build the running daemon ends; none if it stays.
    #[must_use]
    pub fn idle(&self) -> Option<Duration> {
        let millis = fs::read_to_string(self.home.idle()).ok()?;
        millis.trim().parse().map(Duration::from_millis).ok()
    }

    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Returns the folder that holds all it has.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.home.folder()
    }

    /// Returns where it listens, `unix://…`.
    #[must_use]
    pub fn address(&self) -> String {
        self.home.address()
    }

    /// Returns its log file.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.home.log()
    }

    /// Returns whether it runs.
    #[must_use]
    pub fn status(&self) -> Status {
        self.pid().map_or(Status::Stopped, Status::Running)
    }

    /// Returns the process id on file if that process is still this daemon.
    pub(super) fn pid(&self) -> Option<u32> {
        let pid: u32 = fs::read_to_string(self.home.process())
            .ok()?
            .trim()
            .parse()
            .ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mark = self.folder().as_os_str().as_encoded_bytes();
        command
            .windows(mark.len())
            .any(|window| window == mark)
            .then_some(pid)
    }

    /// Makes sure that it runs and listens, and does until the use that is returned ends.
    ///
    /// # Errors
    /// There is no buildkitd to start, or it does not come up: then with the end of its log.
    pub fn start(&self) -> Result<Started, ManagedError> {
        let file = ManagedError::file;
        if self.home.socket().as_os_str().len() > LONGEST_SOCKET_PATH {
            return Err(ManagedError::LongPath(self.home.socket()));
        }
        fs::create_dir_all(self.folder()).map_err(file("create", self.folder()))?;
        let in_use = InUse::begin(&self.home)?;
        let _lock = self.lock()?;
        let running = |now| Started {
            address: self.address(),
            now,
            in_use,
        };
        if self.pid().is_some() && self.answers() {
            return Ok(running(false));
        }
        self.stop_locked()?;
        self.launch()?;
        Ok(running(true))
    }

    /// Starts it and waits until it listens; the caller holds the lock.
    fn launch(&self) -> Result<(), ManagedError> {
        let file = ManagedError::file;
        let mut child = launch::launch(&self.home)?;
        let path = self.home.process();
        fs::write(&path, child.id().to_string()).map_err(file("write", &path))?;
        let begin = Instant::now();
        while !self.answers() {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(self.failed(format!("ended at once ({status})")));
            }
            if begin.elapsed() > PATIENCE {
                self.stop_locked()?;
                return Err(self.failed(format!("did not listen within {} s", PATIENCE.as_secs())));
            }
            std::thread::sleep(POLL);
        }
        // It says what the running daemon does, so one of an earlier daemon must not stay.
        let _ = fs::remove_file(self.home.idle());
        if let Some(idle) = &self.idle {
            let path = self.home.idle();
            let millis = idle.after.as_millis().to_string();
            fs::write(&path, millis).map_err(file("write", &path))?;
            idle::start_watcher(idle, child.id());
        }
        Ok(())
    }

    /// Ends it; returns whether it ran.
    ///
    /// # Errors
    /// It cannot be ended.
    pub fn stop(&self) -> Result<bool, ManagedError> {
        if !self.folder().exists() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        self.stop_locked()
    }

    /// Ends it if it is still this process; returns whether it was.
    pub(super) fn stop_if(&self, pid: u32) -> Result<bool, ManagedError> {
        let _lock = self.lock()?;
        match self.pid() == Some(pid) {
            true => self.stop_locked(),
            false => Ok(false),
        }
    }

    /// Waits for others who start or stop it; the lock is released with the file.
    fn lock(&self) -> Result<File, ManagedError> {
        let path = self.home.lock();
        let fail = |action| ManagedError::file(action, &path);
        let lock = File::create(&path).map_err(fail("create"))?;
        lock.lock().map_err(fail("lock"))?;
        Ok(lock)
    }

    fn stop_locked(&self) -> Result<bool, ManagedError> {
        let Some(pid) = self.pid() else {
            return Ok(false);
        };
        let id = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let Some(id) = id else { return Ok(false) };
        let begin = Instant::now();
        for (signal, patience) in [(Signal::TERM, PATIENCE), (Signal::KILL, 2 * PATIENCE)] {
            // The process may have ended between the look and the signal.
            let _ = kill_process(id, signal);
            while begin.elapsed() < patience {
                if self.pid() != Some(pid) {
                    let _ = fs::remove_file(self.home.process());
                    return Ok(true);
                }
                std::thread::sleep(POLL);
            }
        }
        Err(self.failed(format!("(process {pid}) does not end")))
    }

    fn answers(&self) -> bool {
        UnixStream::connect(self.home.socket()).is_ok()
    }

    fn failed(&self, what: String) -> ManagedError {
        ManagedError::Failed {
            what,
            log: self.home.log(),
            tail: tail(&self.home.log()).unwrap_or_default(),
        }
    }
}

/// Returns the last lines of a log.
fn tail(path: &Path) -> io::Result<String> {
    const LINES: usize = 10;
    const BYTES: u64 = 8 * 1024;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_process_id_is_not_taken_for_the_daemon() {
        let folder = tempfile::tempdir().unwrap();
        let managed = Managed::new(folder.path().to_owned());
        assert_eq!(managed.status(), Status::Stopped);
        // This very process lives, but is not a daemon of that folder.
        fs::write(managed.home.process(), std::process::id().to_string()).unwrap();
        assert_eq!(managed.status(), Status::Stopped);
        assert!(!managed.stop().unwrap());
    }

    #[test]
    fn a_folder_too_deep_for_a_socket_is_refused() {
        let folder = PathBuf::from(format!("/tmp/{}", "x".repeat(120)));
        assert!(matches!(
            Managed::new(folder).start(),
            Err(ManagedError::LongPath(_))
        ));
    }
}

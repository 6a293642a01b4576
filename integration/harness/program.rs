//! The gobuild program itself, in an [environment](super::environment) of the tests' own.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::environment::environment;

/// How long a run may take before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(10);

/// A command line of gobuild.
pub(crate) struct Gobuild {
    command: Command,
}

impl Gobuild {
    /// Returns the program without arguments, run in `folder`, with `home` as the user's home.
    pub(crate) fn new(folder: &Path, home: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gobuild"));
        command.current_dir(folder).env_clear().envs(environment());
        command
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_DATA_HOME", home.join(".data"))
            .env("XDG_STATE_HOME", home.join(".state"))
            .env("XDG_RUNTIME_DIR", home.join(".run"))
            // A test that forgets to name a builder must not start one.
            .env("BUILDKIT_HOST", "unix:///nowhere/buildkitd.sock")
            // Only toolchains are cached there, by their version and digest: tests share them.
            .env(
                "XDG_CACHE_HOME",
                Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// Adds an output with a destination, such as `oci` and a path.
    pub(crate) fn output(self, kind: &str, destination: &Path) -> Self {
        self.arg("--output")
            .arg(format!("type={kind},dest={}", destination.display()))
    }

    /// Sets a variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Unsets a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Has it read a file.
    pub(crate) fn stdin(mut self, path: &Path) -> Self {
        self.command.stdin(File::open(path).unwrap());
        self
    }

    /// Runs in another folder.
    pub(crate) fn current_dir(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Runs as the foreground of a terminal of its own does: in a process group of its own.
    pub(crate) fn in_foreground(mut self) -> Self {
        self.command.process_group(0);
        self
    }

    /// Runs to the end.
    pub(crate) fn run(self) -> Run {
        self.start().wait()
    }

    /// Runs to the end, which must be a success.
    pub(crate) fn succeeds(self) -> Run {
        let run = self.run();
        assert!(run.status.success(), "{run}");
        run
    }

    /// Runs to the end, which must be this exit code.
    pub(crate) fn fails_with(self, code: i32) -> Run {
        let run = self.run();
        assert_eq!(run.status.code(), Some(code), "{run}");
        run
    }

    /// Starts it and returns at once.
    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let stdout = drain(child.stdout.take().unwrap());
        let stderr = drain(child.stderr.take().unwrap());
        Running {
            child,
            command: format!("{:?}", self.command),
            stdout,
            stderr,
        }
    }
}

/// A gobuild that runs.
pub(crate) struct Running {
    child: Child,
    command: String,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Running {
    /// Does what Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
    }

    /// Does what Ctrl-C in its terminal does: every process of the foreground is told.
    pub(crate) fn interrupt_foreground(&self) {
        let group = Pid::from_child(&self.child);
        kill_process_group(group, Signal::INT).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn wait(mut self) -> Run {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill().unwrap();
            }
            thread::sleep(POLL);
        };
        let bytes = self.stdout.join().unwrap();
        let stderr = self.stderr.join().unwrap();
        Run {
            command: self.command,
            status,
            stdout: String::from_utf8_lossy(&bytes).into_owned(),
            bytes,
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }
}

/// How a gobuild ended. Displayed, it is everything there is to know for a failed test.
pub(crate) struct Run {
    command: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard output of commands that print no text.
    pub(crate) bytes: Vec<u8>,
    /// Standard error.
    pub(crate) stderr: String,
}

impl Run {
    /// Panics unless standard error holds each of these texts.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not said\n{self}");
        }
        self
    }

    /// Panics if standard error holds one of these texts.
    #[track_caller]
    pub(crate) fn says_nothing_of(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(!self.stderr.contains(text), "{text:?} is said\n{self}");
        }
        self
    }

    /// Returns how often standard error holds a text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.stderr.matches(text).count()
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}", self.command, self.status)?;
        writeln!(
            f,
            "--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

/// Reads a pipe to its end on a thread, so that the other pipe cannot block the program.
fn drain(mut pipe: impl std::io::Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

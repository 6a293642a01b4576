//! The bench's own buildkitd, which gobuild and the Dockerfiles share.
//!
//! [`Builder::empty`] is what "emptied" means in every case: the daemon is ended, all it kept is
//! removed (results, cache mounts, pulled and made blobs), and it is started again. Its garbage
//! collection is off, so that no case depends on how full this machine's disk is.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::lab::put_aside;

/// How long a daemon may take to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);

/// A running daemon; it ends with the value.
pub(crate) struct Builder {
    folder: PathBuf,
    child: Child,
}

impl Builder {
    /// Starts an empty daemon that finds images of docker.io in `registry`.
    pub(crate) fn start(folder: &Path, registry: &str) -> Self {
        fs::create_dir_all(folder).unwrap();
        let config = format!(
            "root = \"{root}\"\n[worker.oci]\nsnapshotter = \"overlayfs\"\nnetworkMode = \"host\"\n\
             gc = false\n[worker.containerd]\nenabled = false\n[registry.\"docker.io\"]\n\
             mirrors = [\"{registry}\"]\n[registry.\"{registry}\"]\nhttp = true\n",
            root = folder.join("root").display(),
        );
        fs::write(folder.join("buildkitd.toml"), config).unwrap();
        let child = launch(folder);
        let mut builder = Self {
            folder: folder.to_owned(),
            child,
        };
        builder.wait_until_it_answers();
        builder
    }

    /// Returns its address.
    pub(crate) fn address(&self) -> String {
        address(&self.folder)
    }

    /// Forgets everything it ever built, pulled or mounted.
    pub(crate) fn empty(&mut self) {
        self.end();
        put_aside(&self.folder.join("root"));
        self.child = launch(&self.folder);
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&mut self) {
        let begin = Instant::now();
        loop {
            let asked = Command::new("buildctl")
                .args(["--addr", &self.address(), "debug", "workers"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .expect("buildctl must be on PATH");
            if asked.success() {
                return;
            }
            let ended = self.child.try_wait().unwrap().is_some();
            assert!(
                !ended && begin.elapsed() < PATIENCE,
                "buildkitd does not answer\n{}",
                fs::read_to_string(self.folder.join("log")).unwrap_or_default()
            );
            thread::sleep(POLL);
        }
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to tell it.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if begin.elapsed() > PATIENCE {
                let _ = self.child.kill();
            }
            thread::sleep(POLL);
        }
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        self.end();
    }
}

fn address(folder: &Path) -> String {
    format!("unix://{}", folder.join("buildkitd.sock").display())
}

fn launch(folder: &Path) -> Child {
    Command::new("buildkitd")
        .arg("--config")
        .arg(folder.join("buildkitd.toml"))
        .args(["--addr", &address(folder)])
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("log")).unwrap())
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("buildkitd must be on PATH")
}

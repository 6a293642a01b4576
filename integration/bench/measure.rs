//! Runs what is timed: commands in, wall time, CPU time and peak memory out.
//!
//! CPU time and memory are those of the programs that were started and of the children they waited
//! for (`wait4`), so compilers count for `go` and `ko`, whose children they are, and not for clients
//! of a daemon. Memory is the peak of the largest single process. A program that fails ends the
//! bench, and what it said is shown.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use wait4::Wait4 as _;

use crate::stop;

/// What a run took.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// From the start of the first program to the end of the last one, in seconds.
    pub(crate) wall: f64,
    /// User and system time of all programs, in seconds.
    pub(crate) cpu: f64,
    /// Peak resident memory in bytes; of several programs, the sum of their peaks.
    pub(crate) memory: u64,
}

/// Runs commands side by side to their ends. `log` is a folder for what they say.
///
/// # Panics
/// Panics with the output of the command that failed.
pub(crate) fn run(commands: Vec<Command>, log: &Path) -> Usage {
    fs::create_dir_all(log).unwrap();
    let mut prepared: Vec<(Command, std::path::PathBuf)> = Vec::new();
    for (number, mut command) in commands.into_iter().enumerate() {
        let path = log.join(number.to_string());
        let file = File::create(&path).unwrap();
        command
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .stdin(Stdio::null())
            .process_group(0);
        prepared.push((command, path));
    }
    let begin = Instant::now();
    let running: Vec<Child> = prepared
        .iter_mut()
        .map(|(command, _)| {
            let child = command.spawn();
            child.unwrap_or_else(|error| panic!("{command:?}: {error} (it must be on PATH)"))
        })
        .collect();
    stop::running(running.iter().map(Pid::from_child).collect());
    let ends: Vec<_> = running
        .into_iter()
        .map(|child| child.wait4().unwrap())
        .collect();
    let wall = begin.elapsed();
    stop::running(Vec::new());
    let mut usage = Usage {
        wall: wall.as_secs_f64(),
        cpu: 0.0,
        memory: 0,
    };
    for (end, (command, path)) in ends.iter().zip(&prepared) {
        assert!(
            end.status.success(),
            "{command:?}: {}\n{}",
            end.status,
            fs::read_to_string(path).unwrap_or_default()
        );
        let cpu: Duration = end.rusage.utime + end.rusage.stime;
        usage.cpu += cpu.as_secs_f64();
        usage.memory += end.rusage.maxrss;
    }
    usage
}

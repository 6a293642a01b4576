//! What a run was made on: cores, memory, programs and their versions.

use std::fmt;
use std::fs;

use serde::Serialize;

use crate::lab::GOBUILD;
use crate::tool;

/// A machine and its programs.
#[derive(Serialize)]
pub(crate) struct Machine {
    cores: usize,
    /// In GiB.
    memory: u64,
    kernel: String,
    programs: Vec<String>,
}

impl Machine {
    /// Looks around.
    pub(crate) fn seen() -> Self {
        let first = |text: String| text.lines().next().unwrap_or_default().trim().to_owned();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: memory(),
            kernel: first(tool::run("uname", &["-sr"])),
            programs: vec![
                first(tool::run(GOBUILD, &["--version"])),
                first(tool::run("go", &["version"])),
                first(tool::run("buildkitd", &["--version"])),
                format!("ko {}", first(tool::run("ko", &["version"]))),
            ],
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cores, {} GiB, {}; {}.",
            self.cores,
            self.memory,
            self.kernel,
            self.programs.join("; ")
        )
    }
}

/// Returns the memory that the kernel manages, in GiB.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_048_576
}

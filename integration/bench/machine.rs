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
                format!("buildkitd {}", version_of("buildkitd")),
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

/// Returns the version of the module that a program was built from: its own flag knows none unless
/// its maker sets one.
fn version_of(program: &str) -> String {
    let script = format!("go version -m \"$(command -v {program})\"");
    let text = tool::run("sh", &["-c", &script]);
    let fields = text.lines().map(|line| line.split_whitespace());
    let modules =
        fields.filter_map(|mut fields| (fields.next()? == "mod").then(|| fields.nth(1))?);
    modules.map(str::to_owned).next().unwrap_or_default()
}

/// Returns the memory that the kernel manages, in GiB.
fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1_048_576
}

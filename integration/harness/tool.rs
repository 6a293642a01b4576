//! Programs that are not of gobuild's making: crane, buildctl, runimage, go.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a tool in `folder` and returns what it printed; panics with all it said if it failed.
pub(crate) fn run_in(folder: &Path, program: &str, args: &[impl AsRef<OsStr>]) -> String {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder);
    text(&output(command))
}

/// Runs a tool and returns what it printed; panics with all it said if it failed.
pub(crate) fn run(program: &str, args: &[impl AsRef<OsStr>]) -> String {
    let mut command = Command::new(program);
    command.args(args);
    text(&output(command))
}

/// Runs a command to its success.
pub(crate) fn output(mut command: Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error} (it must be on PATH)"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        text(&output),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

//! Runs the host's `go` command.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{Host, ToolchainError};

/// Runs `go` with `arguments` in `folder`, as the toolchain it is: it neither switches versions
/// nor reads a workspace there unless `environment` says so.
///
/// # Errors
/// [`ToolchainError::GoMissing`], the command cannot be started, or a signal ended it.
pub(super) fn run<A: AsRef<OsStr>>(
    host: &Host,
    folder: &Path,
    arguments: &[A],
    environment: &[(&str, &str)],
) -> Result<Output, ToolchainError> {
    let output = Command::new(&host.go)
        .args(arguments)
        .current_dir(folder)
        .env("GOTOOLCHAIN", "local")
        .env("PWD", folder)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ToolchainError::GoMissing,
            _ => failed(arguments, source),
        })?;
    // What it has said of its failure by then is no answer.
    match output.status.signal() {
        Some(signal) => Err(ToolchainError::Ended {
            command: line(arguments),
            signal,
        }),
        None => Ok(output),
    }
}

/// Returns the error of a go command that did not do what was asked.
pub(super) fn failed<A: AsRef<OsStr>>(arguments: &[A], source: io::Error) -> ToolchainError {
    ToolchainError::Go {
        command: line(arguments),
        source,
    }
}

fn line<A: AsRef<OsStr>>(arguments: &[A]) -> String {
    let mut command = String::from("go");
    for argument in arguments {
        command.push(' ');
        command.push_str(&argument.as_ref().to_string_lossy());
    }
    command
}

/// Returns what a failed command wrote to its error stream, on one line.
pub(super) fn complaint(output: &Output) -> io::Error {
    let text = String::from_utf8_lossy(&output.stderr);
    let text = text.trim();
    if text.is_empty() {
        io::Error::other(output.status.to_string())
    } else {
        io::Error::other(text.to_owned())
    }
}

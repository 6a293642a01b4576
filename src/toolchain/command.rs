//! Runs the host's `go` command.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{Host, ToolchainError};

/// Runs `go` with `arguments` in `folder`, as the toolchain it is: it neither switches versions
/// nor reads a workspace there unless `environment` says so.
///
/// # Errors
/// [`ToolchainError::GoMissing`], or the command cannot be started.
pub(super) fn run<A: AsRef<OsStr>>(
    host: &Host,
    folder: &Path,
    arguments: &[A],
    environment: &[(&str, &str)],
) -> Result<Output, ToolchainError> {
    Command::new(&host.go)
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
        })
}

/// Returns the error of a go command that did not do what was asked.
pub(super) fn failed<A: AsRef<OsStr>>(arguments: &[A], source: io::Error) -> ToolchainError {
    let mut command = String::from("go");
    for argument in arguments {
        command.push(' ');
        command.push_str(&argument.as_ref().to_string_lossy());
    }
    ToolchainError::Go { command, source }
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

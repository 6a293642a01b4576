//! Starts the managed buildkitd as a process that outlives the build.

use std::env;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::config;
use super::error::ManagedError;
use super::home::Home;

/// Starts the daemon; its output goes to the log.
pub(super) fn launch(home: &Home) -> Result<Child, ManagedError> {
    let file = ManagedError::file;
    let config_file = home.config();
    if !config_file.exists() {
        fs::write(&config_file, config::TEXT).map_err(file("write", &config_file))?;
    }
    let log = File::create(home.log()).map_err(file("create", &home.log()))?;
    let errors = log.try_clone().map_err(file("open", &home.log()))?;
    let daemon = find("buildkitd").ok_or(ManagedError::NoBinary)?;
    let root = rustix::process::geteuid().is_root();
    let mut command = command(&daemon, root)?;
    if !root {
        // runc keeps its state there; a user without a login session has no such folder.
        let runtime = home.runtime();
        fs::create_dir_all(&runtime).map_err(file("create", &runtime))?;
        command.env("XDG_RUNTIME_DIR", runtime);
    }
    command
        .arg("--config")
        .arg(config_file)
        .arg("--root")
        .arg(home.state())
        .arg("--addr")
        .arg(home.address())
        // Its default is a folder that belongs to root and to a buildkitd of the system.
        .arg("--otel-socket-path")
        .arg(home.traces())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // A Ctrl-C meant for the build must not reach the daemon.
        .process_group(0);
    let program = command.get_program().to_string_lossy().into_owned();
    command
        .spawn()
        .map_err(|source| ManagedError::Spawn { program, source })
}

/// Returns the command up to the daemon's own flags.
fn command(daemon: &Path, root: bool) -> Result<Command, ManagedError> {
    if root {
        return Ok(Command::new(daemon));
    }
    let rootlesskit = find("rootlesskit").ok_or(ManagedError::NoRootless)?;
    let mut command = Command::new(rootlesskit);
    // The flags of BuildKit's own docs/rootless.md, on the host's network.
    command.args(["--net=host", "--copy-up=/etc", "--copy-up=/run"]);
    command.arg(daemon).arg("--rootless");
    Ok(command)
}

/// Returns a program's place on PATH.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

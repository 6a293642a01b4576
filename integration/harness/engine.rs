//! The Docker Engine that `with-daemon.sh` started, and what it holds.
//!
//! It is the one of the distribution, an old one without the containerd image store. Tests share it
//! and name what they leave in it after themselves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::daemon::free_port;
use super::program::Gobuild;
use super::tool;

const SHARED: &str = "GOBUILD_TEST_DOCKER";

/// Returns the address of the engine.
pub(crate) fn host() -> String {
    std::env::var(SHARED)
        .unwrap_or_else(|_| panic!("{SHARED} must hold the address of a Docker Engine"))
}

/// Waits until no other test builds on the engine: two builds at once may end it (`panic: failed to
/// get edge` of BuildKit before v0.10).
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static BUILDS: Mutex<()> = Mutex::new(());
    BUILDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs docker and returns what it printed, without the end of the line.
pub(crate) fn docker(args: &[&str]) -> String {
    let mut command = command();
    command.args(args);
    let printed = tool::output(command).stdout;
    String::from_utf8(printed).unwrap().trim_end().to_owned()
}

/// Runs docker, which may fail, as where what it removes is not there.
pub(crate) fn docker_may_fail(args: &[&str]) {
    let quiet = command()
        .args(args)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    quiet.expect("docker must be on PATH");
}

fn command() -> Command {
    let mut command = Command::new("docker");
    command
        .env("DOCKER_HOST", host())
        .env_remove("DOCKER_CONTEXT");
    command
}

/// Returns what a container of an image prints.
pub(crate) fn run(image: &str) -> String {
    docker(&["run", "--rm", "--network", "none", image])
}

/// Returns the ID of an image; empty if the engine has none of that name.
pub(crate) fn id(image: &str) -> String {
    docker(&["images", "--no-trunc", "--quiet", image])
}

/// Points gobuild at the engine, as users do.
pub(crate) fn with_engine(gobuild: Gobuild) -> Gobuild {
    gobuild.env("DOCKER_HOST", host())
}

/// An engine of a test's own that demands client certificates; it is ended with the value.
pub(crate) struct SecureEngine {
    child: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl SecureEngine {
    /// Starts one on a loopback port.
    pub(crate) fn start(certificates: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = format!("tcp://127.0.0.1:{}", free_port());
        let inside = |flag: &str, name: &str| {
            [
                flag.to_owned(),
                folder.path().join(name).display().to_string(),
            ]
        };
        let certificate = |flag: &str, name: &str| {
            [
                flag.to_owned(),
                certificates.join(name).display().to_string(),
            ]
        };
        let child = Command::new("dockerd")
            .args([
                "--host",
                &host,
                "--tlsverify",
                "--bridge",
                "none",
                "--iptables=false",
            ])
            .args(inside("--data-root", "data"))
            .args(inside("--exec-root", "exec"))
            .args(inside("--pidfile", "pid"))
            .args(certificate("--tlscacert", "ca.pem"))
            .args(certificate("--tlscert", "server.pem"))
            .args(certificate("--tlskey", "server-key.pem"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dockerd must be on PATH");
        let engine = Self {
            child,
            host,
            _folder: folder,
        };
        let folder = certificates.display().to_string();
        for _ in 0..150 {
            let version = Command::new("docker")
                .args(["--host", &engine.host, "--tlsverify", "version"])
                .env("DOCKER_CERT_PATH", &folder)
                .output();
            if version.unwrap().status.success() {
                return engine;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("dockerd with TLS does not answer");
    }

    /// Returns its address.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for SecureEngine {
    fn drop(&mut self) {
        // It ends its containerd itself if it is asked politely.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A buildkitd in a container of the engine; it is removed with the value.
pub(crate) struct BuildkitContainer {
    name: String,
}

impl BuildkitContainer {
    /// Makes an image of the pinned buildkitd and of what it needs, and runs it.
    ///
    /// It is not `--privileged`: that asks for every capability, and a test machine may lack one.
    pub(crate) fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path();
        for program in ["buildkitd", "buildctl", "runc"] {
            install(tree, program);
        }
        for name in ["tmp", "etc", "run"] {
            fs::create_dir_all(tree.join(name)).unwrap();
        }
        let archive = tempfile::NamedTempFile::new().unwrap();
        let file = archive.path().display().to_string();
        tool::run(
            "tar",
            &["-C", &tree.display().to_string(), "-cf", &file, "."],
        );
        let mut import = command();
        import.args(["import", "--change", "ENV PATH=/bin"]);
        import.args([&file, &format!("test/{name}")]);
        tool::output(import);
        let privileges = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH"];
        let mut args = vec!["run", "--detach", "--network", "host", "--name", name];
        args.extend(
            privileges
                .iter()
                .flat_map(|capability| ["--cap-add", capability]),
        );
        for unconfined in ["seccomp", "apparmor", "systempaths"] {
            args.push(match unconfined {
                "seccomp" => "--security-opt=seccomp=unconfined",
                "apparmor" => "--security-opt=apparmor=unconfined",
                _ => "--security-opt=systempaths=unconfined",
            });
        }
        args.extend([
            "--device-cgroup-rule",
            "a *:* rwm",
            "--volume",
            "/var/lib/buildkit",
            "--volume",
            "/sys/fs/cgroup:/sys/fs/cgroup",
        ]);
        let image = format!("test/{name}");
        args.extend([&image, "buildkitd", "--oci-worker-net", "host"]);
        docker_may_fail(&["rm", "--force", "--volumes", name]);
        docker(&args);
        let container = Self {
            name: name.to_owned(),
        };
        container.wait();
        container
    }

    /// Waits until the daemon answers, as long as its own harness would.
    fn wait(&self) {
        let asks = ["exec", &self.name, "buildctl", "debug", "workers"];
        for _ in 0..150 {
            let answer = command().args(asks).output().unwrap();
            if answer.status.success() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!(
            "buildkitd does not answer: {}",
            docker(&["logs", &self.name])
        );
    }
}

impl Drop for BuildkitContainer {
    fn drop(&mut self) {
        docker_may_fail(&["rm", "--force", "--volumes", &self.name]);
    }
}

/// Copies a program on PATH to `/bin` of a tree, and the libraries that it is linked with.
fn install(tree: &Path, program: &str) {
    let path = tool::run("sh", &["-c", &format!("command -v {program}")]);
    let path = Path::new(path.trim());
    let place = tree.join("bin");
    fs::create_dir_all(&place).unwrap();
    fs::copy(path, place.join(program)).unwrap();
    // A static program has none, and ldd fails.
    let linked = Command::new("ldd").arg(path).output().unwrap().stdout;
    for word in String::from_utf8(linked).unwrap().split_whitespace() {
        if let Some(library) = word.strip_prefix('/') {
            let place = tree.join(library);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(word, place).unwrap();
        }
    }
}

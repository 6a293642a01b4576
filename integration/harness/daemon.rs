//! Daemons for tests.
//!
//! `GOBUILD_TEST_BUILDKIT` holds the address of a buildkitd that tests share and must not disturb.
//! A test that kills its daemon or configures it starts one of its own, from the `buildkitd` on
//! PATH. Nothing is skipped: without a daemon the tests fail and say what to set.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use gobuild::buildkit::client::Client;
use gobuild::buildkit::transport::{Address, TlsFiles};

pub(crate) use super::port::free_port;

const SHARED: &str = "GOBUILD_TEST_BUILDKIT";

/// How long a daemon of a test's own may take to answer.
const START: Duration = Duration::from_secs(30);

/// Returns the address of the shared daemon.
pub(crate) fn address() -> String {
    std::env::var(SHARED)
        .unwrap_or_else(|_| panic!("{SHARED} must hold the address of a buildkitd"))
}

/// Connects to the shared daemon.
pub(crate) async fn shared() -> Client {
    let address: Address = address().parse().unwrap();
    Client::connect(&address, None).await.unwrap()
}

/// A daemon of a test's own; it is killed with the value.
pub(crate) struct Private {
    child: Child,
    address: Address,
    root: tempfile::TempDir,
}

impl Private {
    /// Starts a daemon on a socket.
    pub(crate) fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let socket = root.path().join("buildkitd.sock");
        Self::launch(root, Address::Unix(socket), &[])
    }

    /// Starts a daemon on a loopback port, without TLS.
    pub(crate) fn start_on_port() -> Self {
        Self::launch(tempfile::tempdir().unwrap(), loopback(), &[])
    }

    /// Starts a daemon on a loopback port that demands client certificates.
    pub(crate) fn start_with_tls(certificates: &Path) -> Self {
        let path = |name: &str| certificates.join(name).display().to_string();
        let flags = [
            ["--tlscacert".to_owned(), path("ca.pem")],
            ["--tlscert".to_owned(), path("server.pem")],
            ["--tlskey".to_owned(), path("server-key.pem")],
        ];
        Self::launch(tempfile::tempdir().unwrap(), loopback(), &flags.concat())
    }

    fn launch(root: tempfile::TempDir, address: Address, flags: &[String]) -> Self {
        let config = root.path().join("buildkitd.toml");
        let text = "[worker.oci]\nenabled = true\nnetworkMode = \"host\"\n[worker.containerd]\nenabled = false\n";
        std::fs::write(&config, text).unwrap();
        let log = std::fs::File::create(root.path().join("log")).unwrap();
        let child = Command::new("buildkitd")
            .arg("--config")
            .arg(config)
            .arg("--root")
            .arg(root.path().join("state"))
            .args(["--addr", &address.to_string()])
            .args(flags)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("buildkitd must be on PATH");
        Self {
            child,
            address,
            root,
        }
    }

    /// Returns where the daemon listens.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Connects as soon as the daemon answers.
    pub(crate) async fn connect(&self, tls: Option<&TlsFiles>) -> Client {
        let deadline = Instant::now() + START;
        loop {
            match Client::connect(&self.address, tls).await {
                Ok(client) => return client,
                Err(error) if Instant::now() > deadline => panic!("{error:?}\n{}", self.log()),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Kills the daemon without a warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn log(&self) -> String {
        let path: PathBuf = self.root.path().join("log");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // It may be dead already, by the test's own hand.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns an address that nobody listens on yet.
fn loopback() -> Address {
    Address::Tcp {
        host: "127.0.0.1".to_owned(),
        port: free_port(),
    }
}

//! Registries: the one that all tests share, and those of a test's own that demand a login.

use std::env;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::daemon::free_port;

const SHARED: &str = "GOBUILD_TEST_REGISTRY";
const START: Duration = Duration::from_secs(15);

/// The one account of a [`Guarded`] registry.
pub(crate) const USER: &str = "user";
/// Its password.
pub(crate) const PASSWORD: &str = "right";
/// Its password as bcrypt stores it.
const HASH: &str = "$2b$05$abcdefghijklmnopqrstuu8xaCxxL82bnl.UY74PMksDxIJShppPC";

/// Returns `host:port` of the shared registry.
pub(crate) fn shared() -> String {
    env::var(SHARED).unwrap_or_else(|_| panic!("{SHARED} must hold host:port of a registry"))
}

/// Returns the `config.json` that `docker login` leaves.
pub(crate) fn login(host: &str, password: &str) -> String {
    let auth = STANDARD.encode(format!("{USER}:{password}"));
    serde_json::json!({ "auths": { host: { "auth": auth } } }).to_string()
}

/// A registry that demands a login; it is killed with the value.
pub(crate) struct Guarded {
    child: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl Guarded {
    /// Starts a registry.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = format!("127.0.0.1:{}", free_port());
        let accounts = folder.path().join("htpasswd");
        fs::write(&accounts, format!("{USER}:{HASH}\n")).unwrap();
        let config = folder.path().join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: warn }}\nstorage:\n  filesystem: {{ rootdirectory: {} }}\n\
             http: {{ addr: \"{host}\" }}\nauth:\n  htpasswd: {{ realm: test, path: {} }}\n",
            folder.path().join("data").display(),
            accounts.display(),
        );
        fs::write(&config, text).unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Command::new("registry")
            .arg("serve")
            .arg(config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("registry must be on PATH");
        let begin = Instant::now();
        while std::net::TcpStream::connect(&host).is_err() {
            let log = || fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            assert!(
                begin.elapsed() < START,
                "the registry does not listen\n{}",
                log()
            );
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            host,
            _folder: folder,
        }
    }

    /// Returns its `host:port`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

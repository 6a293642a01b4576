//! The bench's own registry, and how many bytes of blobs it gave away.
//!
//! Its access log, in the format of the Apache web server, says what was pulled.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::port::free_port;

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A running registry; it ends with the value.
pub(crate) struct Registry {
    child: Child,
    host: String,
    log: PathBuf,
}

impl Registry {
    /// Starts an empty registry on a loopback port.
    pub(crate) fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let host = format!("127.0.0.1:{}", free_port());
        let config = folder.join("registry.yml");
        let text = format!(
            "version: 0.1\nlog: {{ level: warn, accesslog: {{ disabled: false }} }}\nstorage:\n  \
             filesystem: {{ rootdirectory: {} }}\n  delete: {{ enabled: true }}\n\
             http: {{ addr: \"{host}\" }}\n",
            folder.join("data").display(),
        );
        fs::write(&config, text).unwrap();
        let log = folder.join("log");
        let file = File::create(&log).unwrap();
        let mut child = Command::new("registry")
            .arg("serve")
            .arg(config)
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("registry must be on PATH");
        let begin = Instant::now();
        while std::net::TcpStream::connect(&host).is_err() {
            let ended = child.try_wait().unwrap().is_some();
            assert!(
                !ended && begin.elapsed() < PATIENCE,
                "the registry does not listen\n{}",
                fs::read_to_string(&log).unwrap_or_default()
            );
            thread::sleep(POLL);
        }
        Self { child, host, log }
    }

    /// Returns its `host:port`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Returns how many bytes of blobs it has given away so far, of this repository and those below.
    pub(crate) fn pulled(&self, repository: &str) -> u64 {
        let request = format!("\"GET /v2/{repository}/");
        let log = fs::read_to_string(&self.log).unwrap();
        let sizes = log.lines().filter_map(|line| {
            let rest = line.split_once(&request)?.1;
            // …blobs/sha256:… HTTP/1.1" 200 12345 "referer" "agent"
            let (path, answer) = rest.split_once("\" ")?;
            if !path.contains("blobs/") {
                return None;
            }
            let mut fields = answer.split(' ');
            let (status, size) = (fields.next()?, fields.next()?);
            status
                .starts_with('2')
                .then(|| size.parse::<u64>().ok())
                .flatten()
        });
        sizes.sum()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

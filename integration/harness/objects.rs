//! An S3-compatible server of a test's own, and a slow road to it.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::port::free_port;

const START: Duration = Duration::from_secs(30);

/// The account of the server.
pub(crate) const KEY: &str = "test-key";
/// Its password.
pub(crate) const SECRET: &str = "test-secret";
/// Its one bucket.
pub(crate) const BUCKET: &str = "bucket";

/// A server; it is killed with the value.
pub(crate) struct Objects {
    child: Child,
    address: String,
    folder: tempfile::TempDir,
}

impl Objects {
    /// Starts a server with an empty bucket.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("data").join(BUCKET)).unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let child = Command::new("versitygw")
            .args(["--quiet", "--keep-alive", "--port", &address])
            .args(["--access", KEY, "--secret", SECRET])
            .arg("--iam-dir")
            .arg(folder.path())
            .arg("posix")
            .arg(folder.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("versitygw must be on PATH");
        let deadline = Instant::now() + START;
        while TcpStream::connect(&address).is_err() {
            assert!(Instant::now() < deadline, "versitygw does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            child,
            address,
            folder,
        }
    }

    /// Returns `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns the files of the bucket whose path holds a text.
    pub(crate) fn files(&self, text: &str) -> Vec<PathBuf> {
        let mut open = vec![self.folder.path().join("data").join(BUCKET)];
        let mut found = Vec::new();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                let entries = std::fs::read_dir(path).unwrap();
                open.extend(entries.map(|entry| entry.unwrap().path()));
            } else if path.to_string_lossy().contains(text) {
                found.push(path);
            }
        }
        found
    }
}

impl Drop for Objects {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A TCP proxy on which every chunk takes a while, each way. It counts the requests it carries.
pub(crate) struct Road {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Road {
    /// Starts a proxy to an address.
    pub(crate) fn to(target: &str, delay: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let (target, counter) = (target.to_owned(), Arc::clone(&requests));
        // It ends with the process: nothing tells a listener to stop.
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let (target, counter) = (target.clone(), Arc::clone(&counter));
                thread::spawn(move || carry(near, &target, delay, counter));
            }
        });
        Self { address, requests }
    }

    /// Returns `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Returns how many requests went by since the last call.
    pub(crate) fn requests(&self) -> usize {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn carry(near: TcpStream, target: &str, delay: Duration, requests: Arc<AtomicUsize>) {
    // A connection takes as long as a chunk there and back.
    thread::sleep(2 * delay);
    let Ok(far) = TcpStream::connect(target) else {
        return;
    };
    let (near_back, far_back) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let back = thread::spawn(move || delayed(far_back, near_back, delay, |_| ()));
    delayed(near, far, delay, |bytes| {
        let starts = [&b"GET /"[..], b"PUT /", b"DELETE /", b"HEAD /", b"POST /"];
        if starts.iter().any(|start| bytes.starts_with(start)) {
            requests.fetch_add(1, Ordering::SeqCst);
        }
    });
    back.join().unwrap();
}

/// Copies one direction; chunks are under way at the same time, as on a long line.
fn delayed(mut from: TcpStream, to: TcpStream, delay: Duration, see: impl Fn(&[u8])) {
    let (sender, chunks) = channel();
    let writer = thread::spawn(move || deliver(chunks, to));
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        see(&buffer[..length]);
        let due = Instant::now() + delay;
        if sender.send((due, buffer[..length].to_vec())).is_err() {
            break;
        }
    }
    drop(sender);
    writer.join().unwrap();
}

fn deliver(chunks: Receiver<(Instant, Vec<u8>)>, mut to: TcpStream) {
    for (due, chunk) in chunks {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

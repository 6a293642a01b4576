//! Ports for servers of a run's own.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Ports that the kernel gives to nobody who asks for any, and that `with-daemon.sh` does not use.
const FIRST: u16 = 10_000;
const COUNT: u16 = 9_000;

/// How many of them were handed out.
static GIVEN: AtomicU16 = AtomicU16::new(0);

/// Returns a loopback port that nobody listens on yet, and that is returned once.
pub(crate) fn free_port() -> u16 {
    // Another process of the tests starts elsewhere.
    let start = u16::try_from(std::process::id() % u32::from(COUNT)).unwrap();
    for _ in 0..COUNT {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed) % COUNT;
        let port = FIRST + (start + given) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

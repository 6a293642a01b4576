//! Ports for servers of a run's own.

/// Returns a loopback port that nobody listens on yet.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

//! Byte streams to a daemon, one file per address scheme, and the one HTTP/2 connection on them.
//!
//! An [`Address`] (and [`TlsFiles`]) enters, a [`Connection`] leaves. A connection is dialled
//! once and never again: sessions and builds are bound to it, so a silent reconnect would only
//! turn a lost daemon into errors that are harder to read.
//!
//! Source: BuildKit `client/client.go`; HTTP/2 is spoken with prior knowledge.

#![expect(clippy::disallowed_methods, reason = "the edge that opens connections")]

mod address;
mod command;
mod docker_container;
mod docker_engine;
pub(super) mod docker_host;
pub(super) mod http1;
mod kube_pod;
mod parts;
mod podman_container;
mod ssh;
mod stdio;
mod tcp;
mod tls;
mod unix;
pub(crate) mod unverified;
mod watched;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};

pub use self::address::{Address, AddressError};
use self::command::Launch;
pub use self::docker_container::DockerContainer;
pub use self::docker_engine::DockerEngine;
pub use self::docker_host::DockerHost;
pub use self::kube_pod::KubePod;
pub use self::podman_container::PodmanContainer;
pub use self::ssh::Ssh;
pub use self::tls::{TlsError, TlsFiles};
use self::watched::{End, Watched};

/// How long a daemon may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a program may take to reach a daemon: it may have to log in, or to cross the ocean.
const PROGRAM_TIMEOUT: Duration = Duration::from_secs(30);

/// Receive windows, so that an exported image is not throttled by round trips.
const STREAM_WINDOW: u32 = 8 << 20;
const CONNECTION_WINDOW: u32 = 32 << 20;

/// A daemon that cannot be reached.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to buildkitd at {address}")]
pub struct ConnectError {
    /// Where it was looked for.
    pub address: Address,
    /// What stood in the way.
    #[source]
    pub cause: ConnectCause,
}

/// What stands in the way of a connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectCause {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Nobody answered in time.
    #[error("no answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The program that leads to the daemon fails.
    #[error("{0}")]
    Program(String),
    /// The credentials cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address of a Docker Engine makes no sense.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Something listens there that does not answer as a Docker Engine does.
    #[error("the Docker Engine does not answer: {0}")]
    NotEngine(String),
    /// The engine has no BuildKit, or none for us.
    #[error("the Docker Engine has no BuildKit: it answers {0} to /grpc")]
    NoBuildkit(http::StatusCode),
    /// The address' scheme has no TLS.
    #[error("TLS credentials are given, but only tcp:// addresses use them")]
    TlsNotUsed,
    /// The TLS or HTTP/2 handshake failed.
    #[error("handshake failed")]
    Handshake(#[source] tonic::transport::Error),
    /// Something listens there that does not answer as buildkitd does.
    #[error("the server does not answer as buildkitd: {0}")]
    NotBuildkit(String),
}

/// A live connection to one daemon.
#[derive(Clone, Debug)]
pub struct Connection {
    peer: Arc<str>,
    channel: Channel,
    end: watch::Receiver<End>,
}

impl Connection {
    /// Dials a daemon once.
    ///
    /// # Errors
    /// Nobody listens there, or the handshake fails.
    pub async fn open(address: &Address, tls: Option<&TlsFiles>) -> Result<Self, ConnectError> {
        let (channel, end) = dial(address, tls).await.map_err(|cause| ConnectError {
            address: address.clone(),
            cause,
        })?;
        Ok(Self {
            peer: address.to_string().into(),
            channel,
            end,
        })
    }

    /// Speaks HTTP/2 as a client on a stream that is open already, such as the standard streams of
    /// a frontend; `peer` names the other side in errors.
    ///
    /// # Errors
    /// The stream ends before HTTP/2 has begun.
    pub async fn over<T>(peer: &str, stream: T) -> Result<Self, ConnectCause>
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (channel, end) = watched(local(), stream).await?;
        Ok(Self {
            peer: peer.into(),
            channel,
            end,
        })
    }

    /// Speaks to the daemon that started this process as a frontend, on the standard streams.
    ///
    /// # Errors
    /// The streams are no pipes of a daemon.
    pub async fn of_frontend() -> Result<Self, ConnectCause> {
        Self::over("the standard streams", stdio::streams()?).await
    }

    /// Returns who is at the other side: an address, or a name.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Returns a handle for gRPC clients; all of them share the connection.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Returns why the connection ended, if it did.
    #[must_use]
    pub fn ended(&self) -> Option<Arc<str>> {
        self.end.borrow().clone()
    }

    /// Waits for the connection's end and returns why it came.
    pub async fn end(&self) -> Arc<str> {
        let mut end = self.end.clone();
        match end.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The stream tells its end when dropped; a sender gone without one cannot be.
            Err(_) => "the connection was dropped".into(),
        }
    }
}

/// A connection: gRPC's end of it, and why it ended.
type Dialled = (Channel, watch::Receiver<End>);

/// An authority is mandatory in HTTP/2; buildkitd does not look at it.
fn local() -> Endpoint {
    Endpoint::from_static("http://localhost")
}

/// Connects through a program, which has failed or is through once the daemon's first byte comes.
async fn through(launch: &Launch, patience: Duration) -> Result<Dialled, ConnectCause> {
    let (piped, first, complaint) = command::run(launch)?;
    let (watched, mut end) = Watched::new(piped);
    let shaken = async {
        let channel = handshake(local(), watched).await?;
        // The program's failure closes the channel of the first byte.
        let _ = first.await;
        Ok(channel)
    };
    let ended = |end: &watch::Receiver<End>| end.borrow().as_deref().map(str::to_owned);
    let failed = tokio::select! {
        // What ended the stream says more than what HTTP/2 makes of it.
        biased;
        _ = end.wait_for(Option::is_some) => None,
        shaken = tokio::time::timeout(patience, shaken) => Some(shaken),
    };
    match failed {
        Some(Ok(Ok(channel))) if end.borrow().is_none() => Ok((channel, end)),
        Some(Err(_)) => {
            let headline = format!("no answer from {launch} within {} s", patience.as_secs());
            Err(ConnectCause::Program(complaint.after(&headline)))
        }
        Some(Ok(Err(cause))) if end.borrow().is_none() => Err(cause),
        _ => Err(ConnectCause::Program(ended(&end).unwrap_or_default())),
    }
}

async fn dial(address: &Address, tls: Option<&TlsFiles>) -> Result<Dialled, ConnectCause> {
    let launch = match address {
        Address::Tcp { host, port } => {
            let authority = address.to_string();
            let authority = authority.trim_start_matches("tcp://");
            return in_time(network(authority, host, *port, tls)).await;
        }
        Address::DockerEngine(engine) => return docker_engine::dial(engine, tls).await,
        _ if tls.is_some() => return Err(ConnectCause::TlsNotUsed),
        Address::Unix(path) => {
            return in_time(async { watched(local(), unix::dial(path).await?).await }).await;
        }
        Address::DockerContainer(container) => container.launch(),
        Address::PodmanContainer(container) => container.launch(),
        Address::KubePod(pod) => pod.launch(),
        Address::Ssh(ssh) => ssh.launch(),
    };
    through(&launch, PROGRAM_TIMEOUT).await
}

async fn in_time(
    dialling: impl Future<Output = Result<Dialled, ConnectCause>>,
) -> Result<Dialled, ConnectCause> {
    tokio::time::timeout(CONNECT_TIMEOUT, dialling)
        .await
        .unwrap_or(Err(ConnectCause::TimedOut(CONNECT_TIMEOUT)))
}

/// Connects to a port, with TLS where there are credentials.
async fn network(
    authority: &str,
    host: &str,
    port: u16,
    tls: Option<&TlsFiles>,
) -> Result<Dialled, ConnectCause> {
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{authority}"))
        .map_err(ConnectCause::Handshake)?;
    if let Some(files) = tls {
        let config = files.load(host)?;
        endpoint = endpoint
            .tls_config(config)
            .map_err(ConnectCause::Handshake)?;
    }
    watched(endpoint, tcp::dial(host, port).await?).await
}

/// Starts HTTP/2 on a stream whose end is told.
async fn watched<T>(endpoint: Endpoint, stream: T) -> Result<Dialled, ConnectCause>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (stream, end) = Watched::new(stream);
    Ok((handshake(endpoint, stream).await?, end))
}

/// Starts HTTP/2 on a stream that is used this once.
async fn handshake<T>(endpoint: Endpoint, stream: Watched<T>) -> Result<Channel, ConnectCause>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let once = Arc::new(Mutex::new(Some(stream)));
    let connector = tower::service_fn(move |_| {
        let stream = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the daemon is gone");
        std::future::ready(stream.map(TokioIo::new).ok_or_else(gone))
    });
    endpoint
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector(connector)
        .await
        .map_err(ConnectCause::Handshake)
}

//! Where a Docker Engine's API listens, as `DOCKER_HOST` and Docker contexts spell it, and the byte
//! stream to it.
//!
//! Each stream is dialled anew: HTTP/1.1 and HTTP/2 need one each. Sources: docker/cli
//! `cli/connhelper/connhelper.go` (`ssh`), moby `client/client.go` (schemes).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::command::{self, Launch};
use super::parts::Parts;
use super::{Address, AddressError, ConnectCause, TlsFiles, tcp, tls, unix};

const FORM: &str = "unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST";

/// Where an engine listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DockerHost {
    /// A socket on this machine.
    Unix(PathBuf),
    /// A port, with TLS where there are credentials.
    Tcp {
        /// Name or IP address, an IPv6 one without its brackets.
        host: String,
        /// Port number.
        port: u16,
    },
    /// A machine that ssh reaches, on which `docker system dial-stdio` leads to the engine.
    Ssh {
        /// The address as it was given.
        address: String,
        /// Arguments of ssh.
        args: Vec<String>,
    },
}

/// A connection to an engine.
pub(crate) type Stream = Box<dyn Bytes>;

/// Bytes both ways.
pub(crate) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// What is spoken on a stream; TLS asks before it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

impl FromStr for DockerHost {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let (scheme, rest) = given.split_once("://").unwrap_or(("", given));
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "tcp" | "http" | "https" => {
                let rest = rest.trim_end_matches('/');
                match format!("tcp://{rest}").parse() {
                    Ok(Address::Tcp { host, port }) => Ok(Self::Tcp { host, port }),
                    _ => Err(malformed(given, "a host and a port are needed")),
                }
            }
            "ssh" => ssh(given),
            _ => Err(malformed(given, "gobuild knows no other way to an engine")),
        }
    }
}

fn malformed(given: &str, why: &str) -> AddressError {
    AddressError::Malformed {
        given: given.to_owned(),
        form: FORM,
        why: why.to_owned(),
    }
}

/// Reads `ssh://[USER@]HOST[:PORT][/SOCKET]`. The far machine's shell reads the command, so the
/// socket's path has no character that a shell takes for its own.
fn ssh(given: &str) -> Result<DockerHost, AddressError> {
    let parts = Parts::of(given, FORM)?;
    parts.query(&[])?;
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:,=".contains(&byte);
    if !parts.path().bytes().all(clean) {
        return Err(parts.refuse("the socket's path has characters of a shell"));
    }
    let mut args = vec!["-T".to_owned()];
    if let Some(user) = parts.user()? {
        args.extend(["-l".to_owned(), user]);
    }
    if let Some(port) = parts.port() {
        args.extend(["-p".to_owned(), port.to_string()]);
    }
    args.extend(["--".to_owned(), parts.host()?, "docker".to_owned()]);
    if !parts.path().is_empty() {
        args.push(format!("--host=unix://{}", parts.path()));
    }
    args.extend(["system".to_owned(), "dial-stdio".to_owned()]);
    Ok(DockerHost::Ssh {
        address: given.to_owned(),
        args,
    })
}

impl fmt::Display for DockerHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::Ssh { address, .. } => f.write_str(address),
        }
    }
}

impl DockerHost {
    /// Opens a stream. Credentials are for TCP alone, as with docker.
    pub(crate) async fn dial(
        &self,
        credentials: Option<&TlsFiles>,
        protocol: Protocol,
    ) -> Result<Stream, ConnectCause> {
        match self {
            Self::Unix(path) => Ok(Box::new(unix::dial(path).await?)),
            Self::Tcp { host, port } => {
                let stream = tcp::dial(host, *port).await?;
                let Some(files) = credentials else {
                    return Ok(Box::new(stream));
                };
                let mut config = tls::client_config(files)?;
                config.alpn_protocols = match protocol {
                    Protocol::Http1 => vec![b"http/1.1".to_vec()],
                    Protocol::Http2 => vec![b"h2".to_vec()],
                };
                let name = files.server_name.as_deref().unwrap_or(host);
                let name = ServerName::try_from(name.to_owned())
                    .map_err(|error| ConnectCause::Io(std::io::Error::other(error)))?;
                let connector = TlsConnector::from(Arc::new(config));
                Ok(Box::new(connector.connect(name, stream).await?))
            }
            Self::Ssh { args, .. } => {
                // A process group in the background is stopped when it reads the terminal.
                let launch = Launch::new("ssh")
                    .args(args.iter().cloned())
                    .env("SSH_ASKPASS_REQUIRE", "force");
                let (piped, _, _) = command::run(&launch)?;
                Ok(Box::new(piped))
            }
        }
    }

    /// Returns how long it may take until the engine answers.
    pub(crate) fn patience(&self) -> std::time::Duration {
        match self {
            Self::Ssh { .. } => super::PROGRAM_TIMEOUT,
            Self::Unix(_) | Self::Tcp { .. } => super::CONNECT_TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_those_of_docker() {
        for (given, shown) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://far.test:2376", "tcp://far.test:2376"),
            ("http://[::1]:2375/", "tcp://[::1]:2375"),
            (
                "ssh://me@far.test:22/run/docker.sock",
                "ssh://me@far.test:22/run/docker.sock",
            ),
        ] {
            assert_eq!(given.parse::<DockerHost>().unwrap().to_string(), shown);
        }
        for given in [
            "",
            "docker.sock",
            "unix://docker.sock",
            "tcp://far",
            "fd://",
            "ssh://h/$(x)",
        ] {
            let error = given.parse::<DockerHost>().unwrap_err().to_string();
            assert!(error.contains(FORM), "{error}");
        }
    }

    #[test]
    fn ssh_runs_the_command_that_docker_runs() {
        let argv = |given: &str| match given.parse().unwrap() {
            DockerHost::Ssh { args, .. } => args.join(" "),
            other => panic!("{other}"),
        };
        insta::assert_snapshot!(
            ["ssh://far.test", "ssh://me@far.test:2222/run/user/7/docker.sock"].map(argv).join("\n"),
            @r"
        -T -- far.test docker system dial-stdio
        -T -l me -p 2222 -- far.test docker --host=unix:///run/user/7/docker.sock system dial-stdio
        "
        );
    }
}

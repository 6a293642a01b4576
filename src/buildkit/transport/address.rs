//! Where a daemon listens, as `--addr` and `BUILDKIT_HOST` spell it.
//!
//! Source: BuildKit `client/client.go` and `client/connhelper`; each scheme is one variant, so a
//! new one cannot be forgotten where addresses are dialled.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{DockerContainer, DockerEngine, KubePod, PodmanContainer, Ssh};

/// The address of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// `unix:///path`: a socket on this machine.
    Unix(PathBuf),
    /// `tcp://host:port`: plain, or TLS when credentials are given.
    Tcp {
        /// Name or IP address, an IPv6 one without its brackets.
        host: String,
        /// Port number.
        port: u16,
    },
    /// `docker-container://name`: a container of a Docker Engine.
    DockerContainer(DockerContainer),
    /// `docker-engine://context`: the BuildKit inside a Docker Engine.
    DockerEngine(DockerEngine),
    /// `podman-container://name`: a container of Podman.
    PodmanContainer(PodmanContainer),
    /// `kube-pod://pod`: a pod of a Kubernetes cluster.
    KubePod(KubePod),
    /// `ssh://host`: a machine that ssh reaches.
    Ssh(Ssh),
}

/// The schemes, for people.
const KNOWN: &str = "unix, tcp, docker-container, docker-engine, podman-container, kube-pod, ssh";

/// Why an address was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// The text has no `scheme://`.
    #[error("address {given:?} has no scheme (unix:///path or tcp://host:port)")]
    NoScheme {
        /// The text as given.
        given: String,
    },
    /// The scheme is none of ours.
    #[error("address {given:?} has the unknown scheme {scheme:?} (known: {KNOWN})")]
    UnknownScheme {
        /// The text as given.
        given: String,
        /// What stood before `://`.
        scheme: String,
    },
    /// A `unix://` address without an absolute path.
    #[error("address {given:?} does not name an absolute socket path (unix:///path)")]
    NoPath {
        /// The text as given.
        given: String,
    },
    /// An address of a program's scheme that names nothing there.
    #[error("address {given:?} is not of the form {form}: {why}")]
    Malformed {
        /// The text as given.
        given: String,
        /// What it should look like.
        form: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A `tcp://` address that is not `host:port`.
    #[error("address {given:?} is not of the form tcp://host:port")]
    NoHostPort {
        /// The text as given.
        given: String,
    },
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        let Some((scheme, rest)) = given.split_once("://") else {
            return Err(AddressError::NoScheme {
                given: given.to_owned(),
            });
        };
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" => Err(AddressError::NoPath {
                given: given.to_owned(),
            }),
            "tcp" => host_port(rest).ok_or_else(|| AddressError::NoHostPort {
                given: given.to_owned(),
            }),
            "docker-container" => DockerContainer::parse(given).map(Self::DockerContainer),
            "docker-engine" => DockerEngine::parse(given).map(Self::DockerEngine),
            "podman-container" => PodmanContainer::parse(given).map(Self::PodmanContainer),
            "kube-pod" => KubePod::parse(given).map(Self::KubePod),
            "ssh" => Ssh::parse(given).map(Self::Ssh),
            other => Err(AddressError::UnknownScheme {
                given: given.to_owned(),
                scheme: other.to_owned(),
            }),
        }
    }
}

fn host_port(rest: &str) -> Option<Address> {
    let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
    let port = port.parse().ok().filter(|&port| port != 0)?;
    let bare = match host.strip_prefix('[') {
        Some(open) => open.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let clean = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
    (!bare.is_empty() && bare.bytes().all(clean)).then(|| Address::Tcp {
        host: bare.to_owned(),
        port,
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Self::DockerContainer(container) => container.fmt(f),
            Self::DockerEngine(engine) => engine.fmt(f),
            Self::PodmanContainer(container) => container.fmt(f),
            Self::KubePod(pod) => pod.fmt(f),
            Self::Ssh(ssh) => ssh.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_survive_the_round_trip() {
        for given in [
            "unix:///run/buildkit/buildkitd.sock",
            "tcp://127.0.0.1:1234",
            "tcp://buildkitd.example.com:8372",
            "tcp://[::1]:1234",
            "docker-container://buildx_buildkit_default0?context=far",
            "docker-engine://far?host=unix:///run/docker.sock",
            "podman-container://buildkitd",
            "kube-pod://buildkitd-0?namespace=ci",
            "ssh://me@[::1]:22/run/buildkitd.sock",
        ] {
            assert_eq!(given.parse::<Address>().unwrap().to_string(), given);
        }
    }

    #[test]
    fn malformed_addresses_say_what_is_wrong() {
        let refusal = |given: &str| given.parse::<Address>().unwrap_err().to_string();
        insta::assert_snapshot!(
            ["", "/run/bk.sock", "unix://bk.sock", "tcp://host", "tcp://:1", "tcp://::1:1",
             "tcp://h:0", "tcp://a b:1", "ftp://x"].map(refusal).join("\n"),
            @r#"
        address "" has no scheme (unix:///path or tcp://host:port)
        address "/run/bk.sock" has no scheme (unix:///path or tcp://host:port)
        address "unix://bk.sock" does not name an absolute socket path (unix:///path)
        address "tcp://host" is not of the form tcp://host:port
        address "tcp://:1" is not of the form tcp://host:port
        address "tcp://::1:1" is not of the form tcp://host:port
        address "tcp://h:0" is not of the form tcp://host:port
        address "tcp://a b:1" is not of the form tcp://host:port
        address "ftp://x" has the unknown scheme "ftp" (known: unix, tcp, docker-container, docker-engine, podman-container, kube-pod, ssh)
        "#
        );
    }
}

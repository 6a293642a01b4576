//! Flags that several commands share, and what the environment adds to them.

mod project;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::rendering;
use crate::builder::buildx;
use crate::builder::choose::{self, Choice, Wishes};
use crate::buildkit::session::auth::{CredentialStore, Locations};
use crate::buildkit::transport::TlsFiles;
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::toolchain::Host;

pub(super) use project::{PathArgs, ProjectArgs, Travel};

/// Which builder
#[derive(Debug, Args)]
pub(super) struct BuilderArgs {
    /// Builder of docker buildx, default or a Docker context for its engine, or managed for the daemon that gobuild starts [env:
    /// BUILDX_BUILDER] [default: the one of docker buildx use]
    #[arg(long, value_name = "NAME", conflicts_with = "addr")]
    builder: Option<String>,
    /// Address of the builder: unix://PATH, tcp://HOST:PORT, docker-container://NAME,
    /// docker-engine://[CONTEXT], podman-container://NAME, kube-pod://POD or ssh://[USER@]HOST [env:
    /// BUILDKIT_HOST] [default: buildx's, the Docker Engine among them, else a socket where
    /// buildkitd usually listens, else a daemon that gobuild starts]
    #[arg(long, value_name = "ADDRESS")]
    addr: Option<String>,
    /// CA certificate for tcp:// (PEM) [default: plain TCP, without TLS]
    #[arg(long, value_name = "FILE")]
    tlscacert: Option<PathBuf>,
    /// Client certificate for tcp:// (PEM)
    #[arg(long, value_name = "FILE", requires = "tlskey")]
    tlscert: Option<PathBuf>,
    /// Key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tlscert")]
    tlskey: Option<PathBuf>,
    /// Folder that holds ca.pem, cert.pem and key.pem
    #[arg(long, value_name = "DIR", conflicts_with_all = ["tlscacert", "tlscert"])]
    tlsdir: Option<PathBuf>,
    /// Name that the builder's certificate must have [default: the host of --addr]
    #[arg(long, value_name = "NAME")]
    tlsservername: Option<String>,
}

impl BuilderArgs {
    /// Returns the daemon to use.
    pub(super) fn choice(&self) -> Result<Choice, Error> {
        let wishes = Wishes {
            addr: self.addr.clone(),
            builder: self.builder.clone(),
            buildx_builder: std::env::var("BUILDX_BUILDER").ok(),
            buildkit_host: std::env::var("BUILDKIT_HOST").ok(),
            runtime_dir: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        };
        let store = buildx().read();
        choose::choose(&wishes, &store, |socket| socket.exists())
            .map_err(|error| rendering::choice(&error))
    }

    /// Returns the credentials for `tcp://`; none for a plain connection.
    pub(super) fn tls(&self) -> Result<Option<TlsFiles>, Error> {
        let mut files = match &self.tlsdir {
            Some(folder) => {
                TlsFiles::in_directory(folder).map_err(|error| Error::of(Kind::Usage, &error))?
            }
            None => TlsFiles {
                ca: self.tlscacert.clone(),
                identity: self.tlscert.clone().zip(self.tlskey.clone()),
                server_name: None,
                unverified: false,
            },
        };
        files.server_name = self.tlsservername.clone();
        Ok((files != TlsFiles::default()).then_some(files))
    }
}

/// Returns where the store of buildx is.
pub(super) fn buildx() -> buildx::Place {
    let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let path = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || Some(PathBuf::from(path("HOME")?).join(".docker"));
    buildx::Place {
        buildx_config: path("BUILDX_CONFIG").map(PathBuf::from),
        docker_config: path("DOCKER_CONFIG").map(PathBuf::from).or_else(home),
        docker_host: text("DOCKER_HOST"),
        docker_context: text("DOCKER_CONTEXT"),
        docker_certificates: text("DOCKER_TLS_VERIFY").and_then(|_| {
            let folder = path("DOCKER_CERT_PATH").or_else(|| path("DOCKER_CONFIG"));
            folder.map(PathBuf::from).or_else(home)
        }),
    }
}

/// Returns the time of everything that images add: `SOURCE_DATE_EPOCH`, else 0.
pub(super) fn epoch() -> Result<u32, Error> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(text) if !text.is_empty() => text.parse().map_err(|_| {
            let message = format!("SOURCE_DATE_EPOCH={text} is not a number of seconds since 1970");
            Error::new(Kind::Usage, message)
        }),
        _ => Ok(0),
    }
}

/// Returns the `go` command and the cache folder of this machine.
pub(super) fn host() -> Result<Host, Error> {
    Ok(Host::new(
        folder("XDG_CACHE_HOME", ".cache")?.join("gobuild"),
    ))
}

/// Returns what Docker, Podman and their helpers know to log in to registries with.
pub(super) fn credentials() -> Result<Arc<CredentialStore>, Error> {
    let store = CredentialStore::load(Locations::from_environment());
    let store = store.map_err(|error| Error::of(Kind::Other, &error))?;
    Ok(Arc::new(store))
}

/// Returns the bearer token for a remote build cache.
pub(super) fn remote_token() -> Option<String> {
    let token = std::env::var("GOBUILD_CACHEPROG_TOKEN").ok();
    token.filter(|token| !token.is_empty())
}

/// Returns standard input and output without the buffers around them; pipes are made as large as
/// an unprivileged process may.
pub(super) fn pipes() -> Result<(std::fs::File, std::fs::File), Error> {
    use std::os::fd::AsFd as _;
    const CAPACITY: usize = 1 << 20;
    let own = |fd: std::os::fd::BorrowedFd<'_>| {
        let _ = rustix::pipe::fcntl_setpipe_size(fd, CAPACITY);
        fd.try_clone_to_owned()
            .map(std::fs::File::from)
            .map_err(|error| Error::of(Kind::Other, &error).under("cannot use a standard stream"))
    };
    Ok((
        own(std::io::stdin().as_fd())?,
        own(std::io::stdout().as_fd())?,
    ))
}

/// Returns a base folder of the XDG specification.
pub(super) fn folder(variable: &str, below_home: &str) -> Result<PathBuf, Error> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let found = absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)));
    found.ok_or_else(|| Error::new(Kind::Other, format!("neither {variable} nor HOME is set")))
}

/// Returns the platform that steps run on where no daemon is asked: Linux on this machine's
/// architecture.
pub(super) fn host_platform() -> Platform {
    Platform::linux(std::env::consts::ARCH)
}

/// Returns the runtime that talks to daemons.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Other, format!("cannot start threads: {error}")))
}

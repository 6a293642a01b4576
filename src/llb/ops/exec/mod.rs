//! ExecOp: a process in a container.
//!
//! What enters is a root filesystem, arguments and mounts; what leaves is one output for each
//! mount that is writable and not discarded, found by its destination. Mount order, input order
//! and output numbers are the Go client's, whatever order the mounts were added in: buildkitd
//! numbers results by mount position. Source: BuildKit `client/llb/exec.go`,
//! `solver/llbsolver/ops/opsutils/validate.go`, `frontend/gateway/container/container.go`.

mod encode;
mod mounts;

pub use mounts::{Bind, Cache, ContentCache, Secret, Sharing, SshAgent, Tmpfs};

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::llb::digest::Digest;
use crate::llb::error::Error;
use crate::llb::metadata::Metadata;
use crate::llb::vertex::Output;
use crate::oci::Platform;

use mounts::Mount;

/// Where the root filesystem is mounted.
const ROOT: &str = "/";

/// What a process sees of the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// A network of its own with a way out.
    #[default]
    Sandbox,
    /// The daemon's network; needs the `network.host` entitlement.
    Host,
    /// Loopback only.
    None,
}

/// What a process may do to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// As in a plain container.
    #[default]
    Sandbox,
    /// Everything; needs the `security.insecure` entitlement.
    Insecure,
}

/// Proxy settings that reach the process without being part of the cache key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyEnv {
    /// `HTTP_PROXY`.
    pub http: String,
    /// `HTTPS_PROXY`.
    pub https: String,
    /// `FTP_PROXY`.
    pub ftp: String,
    /// `NO_PROXY`.
    pub no_proxy: String,
    /// `ALL_PROXY`.
    pub all: String,
}

/// A resource limit of the process.
#[derive(Clone, Debug)]
struct Ulimit {
    name: String,
    soft: i64,
    hard: i64,
}

/// A process to run.
#[derive(Clone, Debug)]
#[must_use]
pub struct Exec {
    platform: Platform,
    args: Vec<String>,
    env: Vec<(String, String)>,
    cwd: String,
    user: String,
    hostname: String,
    network: Network,
    security: Security,
    proxy: Option<ProxyEnv>,
    extra_hosts: Vec<(String, IpAddr)>,
    ulimits: Vec<Ulimit>,
    valid_exit_codes: Vec<i32>,
    filters: Vec<String>,
    mounts: Vec<(String, Mount)>,
    secrets: Vec<Secret>,
    ssh: Vec<SshAgent>,
    metadata: Metadata,
}

impl Exec {
    /// Returns a process on a root filesystem, e.g. `Exec::new(&image, platform, ["true"])`; a
    /// plain output is mounted writable. `platform` is the one the process runs on.
    pub fn new<S: Into<String>>(
        root: impl Into<Bind>,
        platform: Platform,
        args: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            platform,
            args: args.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            cwd: ROOT.to_owned(),
            user: String::new(),
            hostname: String::new(),
            network: Network::default(),
            security: Security::default(),
            proxy: None,
            extra_hosts: Vec::new(),
            ulimits: Vec::new(),
            valid_exit_codes: Vec::new(),
            filters: Vec::new(),
            mounts: vec![(ROOT.to_owned(), Mount::Bind(root.into()))],
            secrets: Vec::new(),
            ssh: Vec::new(),
            metadata: Metadata::default(),
        }
    }

    /// Sets an environment variable. The order is part of the vertex; a variable set again moves
    /// to the end.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.env.retain(|(known, _)| *known != name);
        self.env.push((name, value.into()));
        self
    }

    /// Sets the working directory, `/` otherwise.
    pub fn cwd(mut self, directory: impl Into<String>) -> Self {
        self.cwd = directory.into();
        self
    }

    /// Sets the user, as a name or id, with `:group` if wanted.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = user.into();
        self
    }

    /// Sets the host name.
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.hostname = name.into();
        self
    }

    /// Sets what the process sees of the network.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Sets what the process may do to the kernel.
    pub fn security(mut self, security: Security) -> Self {
        self.security = security;
        self
    }

    /// Sets the proxies.
    pub fn proxy(mut self, proxy: ProxyEnv) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Adds a line to the process's `/etc/hosts`.
    pub fn extra_host(mut self, name: impl Into<String>, address: IpAddr) -> Self {
        self.extra_hosts.push((name.into(), address));
        self
    }

    /// Sets a resource limit, by its name without `RLIMIT_`, e.g. `nofile`.
    pub fn ulimit(mut self, name: impl Into<String>, soft: i64, hard: i64) -> Self {
        self.ulimits.push(Ulimit {
            name: name.into(),
            soft,
            hard,
        });
        self
    }

    /// Sets the exit codes that count as success, 0 alone otherwise.
    pub fn valid_exit_codes(mut self, codes: impl IntoIterator<Item = i32>) -> Self {
        self.valid_exit_codes = codes.into_iter().collect();
        self
    }

    /// Adds a worker filter in containerd's syntax.
    pub fn filter(mut self, filter: impl Into<String>) -> Self {
        self.filters.push(filter.into());
        self
    }

    /// Mounts a filesystem at an absolute path.
    pub fn bind(self, destination: impl Into<String>, bind: Bind) -> Self {
        self.mount(destination, Mount::Bind(bind))
    }

    /// Mounts a directory that stays on the daemon from build to build.
    pub fn cache(self, destination: impl Into<String>, cache: Cache) -> Self {
        self.mount(destination, Mount::Cache(cache))
    }

    /// Mounts an empty filesystem in memory.
    pub fn tmpfs(self, destination: impl Into<String>, tmpfs: Tmpfs) -> Self {
        self.mount(destination, Mount::Tmpfs(tmpfs))
    }

    /// Hands a secret of the session to the process.
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Hands an ssh agent of the session to the process. Unless the environment says otherwise,
    /// `SSH_AUTH_SOCK` names the first one.
    pub fn ssh(mut self, agent: SshAgent) -> Self {
        self.ssh.push(agent);
        self
    }

    /// Sets name, progress group and the like.
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    fn mount(mut self, destination: impl Into<String>, mount: Mount) -> Self {
        self.mounts.push((destination.into(), mount));
        self
    }

    /// Builds the vertex.
    ///
    /// # Errors
    /// There are no arguments, a path is relative, two mounts share a destination, or an option
    /// contradicts another.
    pub fn build(mut self) -> Result<ExecOutputs, Error> {
        self.mounts.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (position, agent) in self.ssh.iter_mut().enumerate() {
            agent.default_target(position);
        }
        self.validate()?;
        Ok(encode::encode(self))
    }

    fn validate(&self) -> Result<(), Error> {
        if self.args.is_empty() {
            return Err(Error::NoArguments);
        }
        if !self.cwd.starts_with('/') {
            return Err(Error::WorkingDirectory {
                given: self.cwd.clone(),
            });
        }
        let names = self.env.iter().map(|(name, _)| name.as_str());
        let secret_names = self.secrets.iter().filter_map(Secret::variable);
        for name in names.chain(secret_names) {
            if name.is_empty() || name.contains(['=', '\0']) {
                return Err(Error::EnvironmentName {
                    given: name.to_owned(),
                });
            }
        }
        for (destination, mount) in &self.mounts {
            mount.validate(destination)?;
        }
        let mut destinations: Vec<&str> = Vec::new();
        destinations.extend(self.mounts.iter().map(|(path, _)| path.as_str()));
        destinations.extend(self.secrets.iter().filter_map(Secret::target));
        destinations.extend(self.ssh.iter().map(SshAgent::target));
        validate_destinations(destinations)
    }
}

/// Checks that destinations are absolute and distinct.
fn validate_destinations(mut destinations: Vec<&str>) -> Result<(), Error> {
    if let Some(relative) = destinations.iter().find(|path| !path.starts_with('/')) {
        return Err(Error::MountDestination {
            given: (*relative).to_owned(),
        });
    }
    destinations.sort_unstable();
    match destinations.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::DuplicateMount {
            destination: pair[0].to_owned(),
        }),
        None => Ok(()),
    }
}

/// What a process leaves behind.
#[derive(Clone, Debug)]
pub struct ExecOutputs {
    first: Output,
    indexes: BTreeMap<String, u32>,
}

impl ExecOutputs {
    /// Returns what is at a writable mount after the process ended.
    ///
    /// # Errors
    /// There is no mount at `destination`, or it is read-only, discarded, a cache or a tmpfs.
    pub fn output(&self, destination: &str) -> Result<Output, Error> {
        match self.indexes.get(destination) {
            Some(index) => Ok(self.first.sibling(*index)),
            None => Err(Error::NoOutput {
                destination: destination.to_owned(),
            }),
        }
    }

    /// Returns the root filesystem after the process ended.
    ///
    /// # Errors
    /// The root is mounted read-only or discarded.
    pub fn root(&self) -> Result<Output, Error> {
        self.output(ROOT)
    }

    /// Returns the digest of the vertex.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.first.digest()
    }
}

//! Flags that several commands share, and what the environment adds to them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::load::{self, Place};
use super::rendering;
use crate::builder::buildx;
use crate::builder::choose::{self, Choice, Wishes};
use crate::buildkit::session::auth::{CredentialStore, Locations};
use crate::buildkit::transport::TlsFiles;
use crate::error::{Error, Kind};
use crate::oci::{Platform, Reference};
use crate::pipeline::location::{self, Location};
use crate::pipeline::project::{self, Project, ProjectError};
use crate::plan::{Caching, Lacking, Naming, Plan, PlanError, Request, paths};
use crate::project::manifest::CacheMode;
use crate::toolchain::{Helper, Host};

/// Which project
#[derive(Debug, Args)]
pub(super) struct PathArgs {
    /// Project folder, or folders of its main packages (./cmd/api, ./cmd/...) [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name of the manifest [default: goimage.toml in the project folder]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Which project, which of its programs, for which platforms
#[derive(Debug, Args)]
pub(super) struct ProjectArgs {
    #[command(flatten)]
    pub(super) place: PathArgs,
    /// Set target platforms, comma-separated or repeated [env: DOCKER_DEFAULT_PLATFORM] [default:
    /// the manifest's, else the platform that steps run on]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Build only the image of this name; repeatable [default: all]
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Name the image, in place of the manifest's name and tags; one image only; repeatable
    #[arg(short, long, value_name = "[REGISTRY/]NAME[:TAG]")]
    tag: Vec<Reference>,
    /// Put a registry and path before every image name that has no registry
    #[arg(
        long,
        value_name = "PREFIX",
        env = "KO_DOCKER_REPO",
        hide_env_values = true
    )]
    repository: Option<String>,
    /// Fail if goimage.lock lacks an image or a Go that the build needs
    #[arg(long)]
    locked: bool,
}

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

impl PathArgs {
    /// Reads the project.
    pub(super) fn project(&self, epoch: u32) -> Result<Project, Error> {
        let location = self.location()?;
        let root = location.root.clone();
        self.read(location, epoch).map_err(|error| {
            let of_manifest = matches!(error, ProjectError::Manifest(_) | ProjectError::Lock(_));
            rendering::project(&error).below(&self.folder(&root, of_manifest))
        })
    }

    /// Reads the project at a location.
    pub(super) fn read(&self, location: Location, epoch: u32) -> Result<Project, ProjectError> {
        let dated = std::env::var_os("SOURCE_DATE_EPOCH").is_some_and(|value| !value.is_empty());
        let date = dated.then(|| crate::lower::rfc3339(epoch));
        project::read(location, self.file.clone(), date)
    }

    /// Returns where the project is.
    pub(super) fn location(&self) -> Result<Location, Error> {
        let go_work = std::env::var("GOWORK").unwrap_or_default();
        location::locate(&self.paths, &go_work).map_err(|error| Error::of(Kind::Project, &error))
    }

    /// Returns the manifest as it was named, if it was.
    pub(super) fn manifest(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns what names in errors are relative to: a manifest that was named is as it was named.
    fn folder(&self, root: &Path, of_manifest: bool) -> PathBuf {
        match std::env::current_dir() {
            Ok(current) if of_manifest && self.file.is_some() => current,
            _ => root.to_owned(),
        }
    }
}

impl ProjectArgs {
    /// Tells whether only some images were named.
    pub(super) fn selects_images(&self) -> bool {
        !self.target.is_empty()
    }

    /// Returns the place that images are named for, as ko names them.
    pub(super) fn named_place(&self) -> Option<Place> {
        load::place_of(self.repository.as_deref()?)
    }

    /// Returns how images are named.
    pub(super) fn naming(&self) -> Naming {
        Naming {
            tags: self.tag.iter().cloned().map(Reference::or_latest).collect(),
            repository: self
                .repository
                .clone()
                .filter(|repository| !repository.is_empty()),
            targets: self.target.clone(),
        }
    }

    /// Returns the platforms that were named. An empty variable names none.
    pub(super) fn platforms(&self) -> Result<Vec<Platform>, Error> {
        let variable = std::env::var("DOCKER_DEFAULT_PLATFORM").unwrap_or_default();
        if !self.platform.is_empty() || variable.is_empty() {
            return Ok(self.platform.clone());
        }
        let platforms = variable
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>();
        platforms.map_err(|error| {
            Error::of(Kind::Usage, &error).under("DOCKER_DEFAULT_PLATFORM names no platform")
        })
    }

    /// Returns the platforms to build for; none for that of the builder.
    pub(super) fn targets(&self, project: &Project) -> Result<Vec<Platform>, Error> {
        let named = self.platforms()?;
        Ok(match named.is_empty() {
            true => project.manifest.build.platforms.clone(),
            false => named,
        })
    }

    /// Plans the project for steps that run on `build_platform`, with what its lock file pins.
    pub(super) fn plan(
        &self,
        project: &Project,
        build_platform: &Platform,
        travel: Travel,
        warn: impl FnOnce(String),
    ) -> Result<Plan, Error> {
        let planned = self.with_request(project, build_platform, travel, crate::plan::plan)?;
        let mut plan = planned.map_err(|error| {
            let of_manifest = error.key().is_some();
            rendering::plan(&error, project.document.as_ref(), &project.location.project)
                .below(&self.place.folder(&project.location.root, of_manifest))
        })?;
        self.pin(project, &mut plan, warn)?;
        Ok(plan)
    }

    /// Pins a plan to what the lock file knows; an entry that is missing is an error if everything is
    /// to be locked, and a warning if there is a lock file.
    pub(super) fn pin(
        &self,
        project: &Project,
        plan: &mut Plan,
        warn: impl FnOnce(String),
    ) -> Result<(), Error> {
        let file = project.lock_file.file_name().unwrap_or_default();
        let file = file.to_string_lossy();
        match plan.pin_to(&file, project.lock.as_ref(), self.locked) {
            Ok(None) => {}
            Ok(Some(lacking)) => warn(format!("{lacking}; {}", Lacking::HINT)),
            Err(lacking) => {
                let error = Error::of(Kind::Project, &lacking);
                return Err(error.hinted(Lacking::HINT.to_owned()));
            }
        }
        Ok(())
    }

    /// Hands on what a plan is made from.
    pub(super) fn with_request<T>(
        &self,
        project: &Project,
        build_platform: &Platform,
        travel: Travel,
        plan: impl FnOnce(Request<'_>) -> Result<T, PlanError>,
    ) -> Result<Result<T, PlanError>, Error> {
        let naming = self.naming();
        let platforms = self.platforms()?;
        let caching = caching(project, build_platform, travel);
        Ok(plan(Request {
            tree: project.tree.as_ref(),
            project: &project.location.project,
            manifest: &project.manifest,
            workspace: &project.workspace,
            values: &project.values,
            selection: &project.location.selection,
            platforms: &platforms,
            build_platform,
            naming: &naming,
            caching: &caching,
        }))
    }
}

/// What is exchanged with other machines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Travel {
    /// Whether a remote cache is read or written.
    pub(super) cache: bool,
    /// Whether steps ask the client for compiled packages.
    pub(super) packages: bool,
}

/// Returns how steps that run on `build_platform` keep what they compile.
fn caching(project: &Project, build_platform: &Platform, travel: Travel) -> Caching {
    let helper = Helper::of_this_process(build_platform);
    Caching {
        helper: helper.map(|helper| helper.command(paths::HELPER)),
        layers: match project.manifest.build.cache {
            // Packages that come from a store need not be in a layer, too.
            CacheMode::Auto => travel.cache && !travel.packages,
            CacheMode::Mount => false,
            CacheMode::Layer => true,
        },
        relay: travel.packages,
    }
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

//! The choice order: `--addr` or `--builder` > `BUILDX_BUILDER` > `BUILDKIT_HOST` > buildx's
//! current builder > a default socket > the managed daemon.
//!
//! Where buildx's current builder is the Docker Engine's own BuildKit, which nobody chose, the engine
//! is used if it answers, and the next one if not.
//!
//! What was passed over is kept with the choice, to be told if nothing answers.
//!
//! Source of the default socket: BuildKit `util/appdefaults/appdefaults_linux.go`.

use std::fmt;
use std::path::{Path, PathBuf};

use super::buildx::{NodeError, NodePlace, Store};
use crate::buildkit::transport::{Address, DockerEngine, TlsFiles};

/// Socket of a buildkitd that the system runs.
const SYSTEM_SOCKET: &str = "/run/buildkit/buildkitd.sock";

/// Name of the daemon that gobuild starts itself, among those of buildx.
pub const MANAGED: &str = "managed";

/// What the choice is made from.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `--addr`.
    pub addr: Option<String>,
    /// `--builder`.
    pub builder: Option<String>,
    /// `BUILDX_BUILDER`.
    pub buildx_builder: Option<String>,
    /// `BUILDKIT_HOST`.
    pub buildkit_host: Option<String>,
    /// `XDG_RUNTIME_DIR`, where a rootless buildkitd listens.
    pub runtime_dir: Option<PathBuf>,
}

/// A daemon to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Where it listens; none for the managed daemon, which may have to be started.
    pub address: Option<String>,
    /// Credentials that its builder has noted.
    pub tls: Option<TlsFiles>,
    /// What named it.
    pub origin: Origin,
    /// All daemons of a builder that has several; the first one is the daemon above.
    pub nodes: Vec<NodePlace>,
    /// What was looked at before, a line each; empty for a daemon that was asked for.
    pub passed: Vec<String>,
    /// Who builds if this one does not answer; none if nobody may take its place.
    pub otherwise: Option<Box<Choice>>,
}

/// What named a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--addr`.
    Flag,
    /// `BUILDKIT_HOST`.
    Variable,
    /// A builder of buildx, and what named that.
    Builder(String, NamedBy),
    /// The Docker Engine of the context in use, which nobody chose.
    DockerEngine,
    /// A socket where daemons usually listen.
    DefaultSocket,
    /// It was asked for by name, or nothing else was there.
    Managed,
}

/// What named a builder of buildx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// `--builder`.
    Flag,
    /// `BUILDX_BUILDER`.
    Variable,
    /// `docker buildx use`.
    Use,
}

/// Why no daemon is chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// No builder has that name.
    #[error("there is no builder {name:?} (of {by}) in {}", folder.display())]
    Unknown {
        /// The name.
        name: String,
        /// What named it.
        by: NamedBy,
        /// Where builders are kept.
        folder: PathBuf,
        /// The builders that there are.
        known: Vec<String>,
    },
    /// A file of the store cannot be read.
    #[error("{0}")]
    Store(String),
    /// The builder cannot be used.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "--builder",
            Self::Variable => "BUILDX_BUILDER",
            Self::Use => "docker buildx use",
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("--addr"),
            Self::Variable => f.write_str("BUILDKIT_HOST"),
            Self::Builder(name, by) => write!(f, "{name} of {by}"),
            Self::DockerEngine => f.write_str("Docker Engine"),
            Self::DefaultSocket => f.write_str("default socket"),
            Self::Managed => f.write_str("managed builder"),
        }
    }
}

/// Returns the daemon to use.
///
/// A daemon that was asked for by name is never replaced by another one; `exists` tells whether
/// a socket file is there, and `store` is what `docker buildx` knows.
///
/// # Errors
/// The builder that was named, or that is buildx's current one, cannot be used.
pub fn choose(
    wishes: &Wishes,
    store: &Store,
    exists: impl Fn(&Path) -> bool,
) -> Result<Choice, ChoiceError> {
    named(wishes, store, exists)?.located(store)
}

fn named(
    wishes: &Wishes,
    store: &Store,
    exists: impl Fn(&Path) -> bool,
) -> Result<Choice, ChoiceError> {
    let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
    if let Some(address) = given(&wishes.addr) {
        return Ok(Choice::at(address, Origin::Flag));
    }
    let named = given(&wishes.builder).map(|name| (name, NamedBy::Flag));
    let variable = || Some((given(&wishes.buildx_builder)?, NamedBy::Variable));
    if let Some((name, by)) = named.or_else(variable) {
        return builder(&name, by, store);
    }
    if let Some(address) = given(&wishes.buildkit_host) {
        return Ok(Choice::at(address, Origin::Variable));
    }
    let mut passed = vec!["no --addr, --builder, BUILDX_BUILDER or BUILDKIT_HOST".to_owned()];
    if let Some(name) = store.current().map_err(ChoiceError::Store)? {
        return Ok(Choice {
            passed,
            ..builder(name, NamedBy::Use, store)?
        });
    }
    let folder = store.folder.display();
    passed.push(format!("docker buildx use: no builder in {folder}"));
    if let Err(why) = engine(store, &exists) {
        passed.push(format!("Docker Engine: {why}"));
        return Ok(unnamed(wishes, exists, passed));
    }
    let engine = DockerEngine::default().to_string();
    let mut rest = passed.clone();
    rest.push("Docker Engine: no answer, or no BuildKit".to_owned());
    Ok(Choice {
        passed,
        otherwise: Some(Box::new(unnamed(wishes, exists, rest))),
        ..Choice::at(engine, Origin::DockerEngine)
    })
}

/// Tells why the engine of the context in use cannot be there, if that is known.
fn engine(store: &Store, exists: impl Fn(&Path) -> bool) -> Result<(), String> {
    let (engine, _) = store
        .engine(&DockerEngine::default())
        .map_err(|error| error.to_string())?;
    let host = engine.host.unwrap_or_default();
    match host.strip_prefix("unix://").map(Path::new) {
        Some(socket) if !exists(socket) => Err(format!("no {}", socket.display())),
        _ => Ok(()),
    }
}

/// Returns the daemon that is there without anybody's doing, or that can be started.
fn unnamed(wishes: &Wishes, exists: impl Fn(&Path) -> bool, mut passed: Vec<String>) -> Choice {
    let rootless = wishes.runtime_dir.iter();
    let rootless = rootless.map(|folder| folder.join("buildkit/buildkitd.sock"));
    for socket in std::iter::once(PathBuf::from(SYSTEM_SOCKET)).chain(rootless) {
        let address = format!("unix://{}", socket.display());
        if exists(&socket) {
            return Choice {
                passed,
                ..Choice::at(address, Origin::DefaultSocket)
            };
        }
        passed.push(format!("default socket: no {}", socket.display()));
    }
    Choice {
        passed,
        ..Choice::managed()
    }
}

/// Returns the daemon of a builder.
fn builder(name: &str, by: NamedBy, store: &Store) -> Result<Choice, ChoiceError> {
    if name == MANAGED && by != NamedBy::Use {
        return Ok(Choice::managed());
    }
    let Some(builder) = store.get(name) else {
        let name = name.to_owned();
        if store.is_engine(&name) {
            let engine = DockerEngine {
                context: Some(name.clone()),
                host: None,
            };
            return Ok(Choice::at(engine.to_string(), Origin::Builder(name, by)));
        }
        return Err(ChoiceError::Unknown {
            name,
            by,
            folder: store.folder.clone(),
            known: store.builders.keys().cloned().collect(),
        });
    };
    let builder = builder.as_ref();
    let builder = builder.map_err(|why| ChoiceError::Store(why.clone()))?;
    let places = builder.places()?;
    let (first, several) = (&places[0], places.len() > 1);
    let origin = Origin::Builder(name.to_owned(), by);
    Ok(Choice {
        tls: first.tls.clone(),
        ..Choice::at(first.address.to_string(), origin)
    }
    .with(if several { places } else { Vec::new() }))
}

impl Choice {
    fn at(address: String, origin: Origin) -> Self {
        Self {
            address: Some(address),
            tls: None,
            origin,
            nodes: Vec::new(),
            passed: Vec::new(),
            otherwise: None,
        }
    }

    fn with(self, nodes: Vec<NodePlace>) -> Self {
        Self { nodes, ..self }
    }

    fn managed() -> Self {
        Self {
            address: None,
            tls: None,
            origin: Origin::Managed,
            nodes: Vec::new(),
            passed: Vec::new(),
            otherwise: None,
        }
    }

    /// Completes the address of a Docker Engine with where its context says that it listens.
    fn located(mut self, store: &Store) -> Result<Self, ChoiceError> {
        let given = self.address.as_deref().unwrap_or_default();
        if !given.starts_with(DockerEngine::SCHEME) {
            return Ok(self);
        }
        // What is malformed is refused where addresses are read.
        if let Ok(Address::DockerEngine(engine)) = given.parse() {
            let (engine, tls) = store.engine(&engine)?;
            self.address = Some(engine.to_string());
            self.tls = self.tls.or(tls);
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;

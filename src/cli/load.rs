//! Where `--load` loads images: what was asked for, else what is there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::settings;
use crate::buildkit::engine::{Engine, EngineError};
use crate::buildkit::transport::{DockerEngine, DockerHost};
use crate::error::{Error, Kind};
use crate::oci::exporter::{Output, OutputKind};
use crate::pipeline::abilities::Abilities;
use crate::pipeline::load::Loader;

/// Returns the place that a repository stands for, as ko has it.
pub(super) fn place_of(repository: &str) -> Option<Place> {
    match repository {
        "kind.local" => Some(Place::Kind),
        "ko.local" => Some(Place::Auto),
        _ => None,
    }
}

/// What `--load` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Place {
    /// Docker if it answers, else podman
    Auto,
    /// The Docker Engine of DOCKER_HOST or the Docker context
    Docker,
    /// Podman's service, else the program podman
    Podman,
    /// The kind cluster KIND_CLUSTER_NAME
    Kind,
}

/// Returns the output that `--load` stands for.
pub(super) fn loaded() -> Output {
    Output {
        kind: OutputKind::Load,
        attributes: BTreeMap::new(),
    }
}

/// Returns where images are loaded, if they are: `place`, else the one that they are `named` for.
pub(super) async fn loader(
    place: Option<Place>,
    named: Option<Place>,
    outputs: &[Output],
    abilities: &Abilities,
) -> Result<Option<Loader>, Error> {
    if outputs.iter().all(|output| output.kind != OutputKind::Load) {
        return Ok(None);
    }
    let place = match place {
        None | Some(Place::Auto) => named.unwrap_or(Place::Auto),
        Some(place) => place,
    };
    // As with buildx, what an engine builds is loaded by being built.
    if abilities.keeps_images() && matches!(place, Place::Auto | Place::Docker) {
        return Ok(Some(Loader::Builder));
    }
    find(place).await.map(Some)
}

/// Finds what is asked for.
async fn find(place: Place) -> Result<Loader, Error> {
    match place {
        Place::Docker => docker().await,
        Place::Podman => {
            let mut tried = Vec::new();
            podman(&mut tried)
                .await
                .ok_or_else(|| nobody("podman is not there", &tried))
        }
        Place::Kind => match on_path("kind") {
            true => Ok(Loader::Kind {
                cluster: text("KIND_CLUSTER_NAME"),
            }),
            false => {
                let error = Error::new(Kind::Other, "kind is not on PATH");
                Err(error.hinted("install kind, or load elsewhere: --load=docker".to_owned()))
            }
        },
        Place::Auto => {
            let docker = match docker().await {
                Ok(loader) => return Ok(loader),
                Err(error) => error.render(),
            };
            let docker = docker.trim_start_matches("error: ").lines();
            let docker: Vec<&str> = docker.filter(|line| !line.starts_with("hint: ")).collect();
            let mut tried = vec![docker.join(": ").replace(":   ", ": ")];
            let found = podman(&mut tried).await;
            found.ok_or_else(|| nobody("there is nothing to load images into", &tried))
        }
    }
}

fn nobody(message: &str, tried: &[String]) -> Error {
    let lines = tried.iter().map(|line| format!("  {line}\n"));
    Error::new(Kind::Other, message)
        .showing(format!("tried:\n{}", lines.collect::<String>()))
        .hinted("start docker or podman, set DOCKER_HOST, or write a file: --output type=docker,dest=FILE".to_owned())
}

async fn docker() -> Result<Loader, Error> {
    let store = settings::buildx().read();
    let (engine, tls) = store
        .engine(&DockerEngine::default())
        .map_err(|error| Error::of(Kind::Other, &error))?;
    let host = engine.host.unwrap_or_default().parse::<DockerHost>();
    let host = host.map_err(|error| Error::of(Kind::Usage, &error))?;
    let name = Engine::DOCKER;
    let engine = Engine { name, host, tls };
    answering(engine).await.map_err(|error| {
        Error::of(Kind::Other, &error).hinted(
            "is Docker running there? DOCKER_HOST and DOCKER_CONTEXT name another one".to_owned(),
        )
    })
}

/// Podman's service, which speaks the engine's API, or else the program.
async fn podman(tried: &mut Vec<String>) -> Option<Loader> {
    for host in podman_hosts() {
        let engine = Engine {
            name: Engine::PODMAN,
            host,
            tls: None,
        };
        match answering(engine).await {
            Ok(loader) => return Some(loader),
            Err(error) => tried.push(error.to_string()),
        }
    }
    if on_path("podman") {
        return Some(Loader::Podman);
    }
    tried.push("podman is not on PATH".to_owned());
    None
}

/// Returns where a service of podman may listen: sockets only if they are there.
fn podman_hosts() -> Vec<DockerHost> {
    if let Some(host) = text("CONTAINER_HOST") {
        // `podman load` reads the variable as well, and knows more schemes.
        return host.parse().into_iter().collect();
    }
    let rootless = text("XDG_RUNTIME_DIR").map(PathBuf::from);
    let folders = rootless.into_iter().chain([PathBuf::from("/run")]);
    let sockets = folders.map(|folder| folder.join("podman/podman.sock"));
    sockets
        .filter(|socket| socket.exists())
        .map(DockerHost::Unix)
        .collect()
}

async fn answering(engine: Engine) -> Result<Loader, EngineError> {
    let info = engine.info().await?;
    Ok(Loader::Engine(Box::new(engine), info))
}

fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_program(&folder.join(program)))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

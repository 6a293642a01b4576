//! Loading images into what runs containers on this machine: a Docker Engine, Podman, a cluster of
//! kind.
//!
//! The builder's archive goes there as it comes, without a file between; kind alone reads files.
//! An image that is there already, under all its names, is not sent.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that runs podman and kind"
)]

use std::io::{self, Write as _};
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::buildkit::engine::{Archive, ArchiveWriter, Engine, EngineError, EngineInfo};
use crate::oci::{Platform, Reference};

/// Where images are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loader {
    /// The builder is a Docker Engine, and what it builds is there.
    Builder,
    /// A Docker Engine, or Podman's service.
    Engine(Box<Engine>, EngineInfo),
    /// The program `podman`.
    Podman,
    /// The nodes of a cluster of kind.
    Kind {
        /// The cluster; none for kind's own default.
        cluster: Option<String>,
    },
}

/// Why an image is not loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The engine does not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A program cannot be run.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A program fails.
    #[error("{program} failed: {said}")]
    Failed {
        /// The program and its first arguments.
        program: &'static str,
        /// What it said.
        said: String,
    },
    /// The archive cannot be written to a file.
    #[error("cannot write the archive to a file for kind")]
    File(#[source] io::Error),
    /// The task that loads is gone.
    #[error("loading ended early")]
    Lost,
}

impl Loader {
    /// Tells whether it takes an image with all of its platforms, as an OCI archive.
    #[must_use]
    pub fn takes_index(&self) -> bool {
        matches!(self, Self::Engine(_, info) if info.has_containerd_store)
    }

    /// Returns the platform that containers have there; none if that is not known.
    #[must_use]
    pub fn platform(&self) -> Option<&Platform> {
        match self {
            Self::Engine(_, info) => Some(&info.platform),
            _ => None,
        }
    }

    /// Tells whether all of these names stand for the image of this ID there. Who cannot say has
    /// nothing.
    pub async fn has(&self, names: &[String], id: &str) -> bool {
        let Self::Engine(engine, _) = self else {
            return false;
        };
        for name in names {
            let whole = name.parse::<Reference>().map(Reference::or_latest);
            let whole = whole.map_or_else(|_| name.clone(), |whole| whole.to_string());
            match engine.image_id(&whole).await {
                Ok(Some(there)) if there == id => {}
                other => {
                    tracing::debug!(name, id, ?other, "not there");
                    return false;
                }
            }
        }
        true
    }

    /// Returns where an archive is written to, and what waits until it is loaded.
    pub fn start(
        &self,
    ) -> (
        ArchiveWriter,
        impl Future<Output = Result<(), LoadError>> + use<>,
    ) {
        let (writer, archive) = Archive::pipe();
        let loader = self.clone();
        let task = tokio::spawn(async move {
            match loader {
                Self::Builder => Ok(()),
                Self::Engine(engine, _) => Ok(engine.load(archive).await?),
                Self::Podman => podman(archive).await,
                Self::Kind { cluster } => kind(archive, cluster.as_deref()).await,
            }
        });
        (writer, async { task.await.unwrap_or(Err(LoadError::Lost)) })
    }
}

impl std::fmt::Display for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Builder => f.write_str(Engine::DOCKER),
            Self::Engine(engine, _) => write!(f, "{engine}"),
            Self::Podman => f.write_str("podman"),
            Self::Kind { cluster: None } => f.write_str("kind"),
            Self::Kind {
                cluster: Some(cluster),
            } => write!(f, "the kind cluster {cluster}"),
        }
    }
}

/// Hands an archive to `podman load`.
async fn podman(mut archive: Archive) -> Result<(), LoadError> {
    let start = |source| LoadError::Start {
        program: "podman",
        source,
    };
    let mut child = Command::new("podman")
        .args(["load", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let stdin = child.stdin.take();
    let feeding = async move {
        let Some(mut stdin) = stdin else { return };
        while let Some(piece) = archive.next().await {
            // Why it does not read on is told by its end.
            if stdin.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    let ((), output) = tokio::join!(feeding, child.wait_with_output());
    succeeded("podman load", &output.map_err(start)?)
}

/// Writes an archive to a file and hands that to kind, which reads it once for each node.
async fn kind(mut archive: Archive, cluster: Option<&str>) -> Result<(), LoadError> {
    let mut file = tempfile::Builder::new()
        .prefix("gobuild-kind.")
        .suffix(".tar")
        .tempfile()
        .map_err(LoadError::File)?;
    while let Some(piece) = archive.next().await {
        file.write_all(&piece).map_err(LoadError::File)?;
    }
    let mut command = Command::new("kind");
    command.args(["load", "image-archive"]).arg(file.path());
    if let Some(cluster) = cluster {
        command.args(["--name", cluster]);
    }
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await;
    let output = output.map_err(|source| LoadError::Start {
        program: "kind",
        source,
    })?;
    succeeded("kind load image-archive", &output)
}

fn succeeded(program: &'static str, output: &std::process::Output) -> Result<(), LoadError> {
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = match said.is_empty() {
        true => output.status.to_string(),
        false => said,
    };
    Err(LoadError::Failed { program, said })
}

//! `gobuild frontend`

use std::path::PathBuf;

use clap::Subcommand;
use tokio_util::sync::CancellationToken;

use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::cli::progress::{Display, ProgressArgs};
use crate::cli::settings::{self, BuilderArgs};
use crate::cli::signals::{Cancellable, unless_cancelled};
use crate::cli::{Outcome, builder, rendering};
use crate::error::{Error, Kind};
use crate::frontend::environment::Environment;
use crate::frontend::package::{Package, PackageError, Wanted};
use crate::frontend::{self, FrontendError};
use crate::oci::{Platform, Reference};
use crate::pipeline::outcome::{Outcome as Built, pinned};
use crate::toolchain::ToolchainError;

/// Serve BuildKit as a frontend (# syntax=); started by buildkitd, not by hand
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the frontend image of this program
    #[command(hide = true)]
    Pack(Box<Pack>),
}

#[derive(Debug, clap::Args)]
struct Pack {
    #[command(flatten)]
    builder: BuilderArgs,
    #[command(flatten)]
    progress: ProgressArgs,
    /// Name of the image
    #[arg(short, long, value_name = "REGISTRY/NAME[:TAG]")]
    tag: Reference,
    /// Push the image
    #[arg(long)]
    push: bool,
    /// OCI archive to write
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// A static gobuild for another platform; repeated, the image is for all of them
    #[arg(long = "program", value_name = "PLATFORM=FILE", value_parser = program)]
    programs: Vec<(Platform, PathBuf)>,
    /// Compression of the layers
    #[arg(long, value_name = "FORMAT", default_value = "zstd")]
    compression: String,
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    match args.action {
        None => {
            let environment = Environment::read().map_err(FrontendError::from);
            let environment = environment.map_err(|error| Error::of(Kind::Usage, &error))?;
            let served = settings::runtime()?.block_on(frontend::serve(environment));
            served.map_err(|error| Error::of(Kind::Builder, &error))
        }
        Some(Action::Pack(pack)) => Cancellable::new()?.run(
            async |cancel| pack.run(cancel).await,
            |built: Result<Vec<Built>, Error>| {
                let mut lines = pinned(&built?).into_iter();
                lines.try_for_each(|line| output.line(&line))
            },
        ),
    }
}

impl Pack {
    async fn run(&self, cancel: &CancellationToken) -> Result<Vec<Built>, Error> {
        let display = self.progress.start()?;
        let built = unless_cancelled(cancel, self.build(&display)).await;
        let built = built.map(|built| vec![built]);
        display.finish(built.map_err(Failure::Rendered)).await
    }

    async fn build(&self, display: &Display) -> Result<Built, Error> {
        let choice = self.builder.choice()?;
        let client = builder::connect(&self.builder, choice, display).await?;
        let platform = builder::platform(&client).await?;
        let host = settings::host()?;
        let others = self.programs.iter().cloned().collect();
        let packing = tokio::task::spawn_blocking(move || Package::pack(&platform, &others, &host));
        let packed = packing
            .await
            .map_err(|error| Error::of(Kind::Other, &error))?;
        let credentials = settings::credentials()?;
        let wanted = Wanted {
            reference: self.tag.clone().or_latest().to_string(),
            push: self.push,
            archive: self.archive.clone(),
            compression: self.compression.clone(),
        };
        let export = packed.map_err(|error| failed(&error))?;
        let export = export.export(&client, &wanted, credentials, display.events());
        export.await.map_err(|error| failed(&error))
    }
}

/// Reads `PLATFORM=FILE`.
fn program(text: &str) -> Result<(Platform, PathBuf), String> {
    let (platform, file) = text
        .split_once('=')
        .filter(|(_, file)| !file.is_empty())
        .ok_or("it must be PLATFORM=FILE, as in linux/arm64=./gobuild")?;
    let platform: Platform = platform.parse().map_err(|error| format!("{error}"))?;
    Ok((platform, file.into()))
}

fn failed(error: &PackageError) -> Error {
    match error {
        PackageError::Wire(error) => rendering::wire(error),
        PackageError::Toolchain(ToolchainError::Program { .. }) => Error::of(Kind::Usage, error),
        PackageError::Toolchain(inner) if inner.is_cancellation() => rendering::toolchain(inner),
        error => Error::of(Kind::Other, error),
    }
}

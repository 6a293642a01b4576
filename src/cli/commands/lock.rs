//! `gobuild lock`

use futures_util::TryFutureExt as _;

use crate::cli::output::Output;
use crate::cli::settings::{self, PathArgs};
use crate::cli::signals::{cancelled_by_signals, unless_cancelled};
use crate::cli::{Outcome, rendering};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::pipeline::lock::{self, Sources};
use crate::plan::needs;
use crate::project::lock::Lock;
use crate::registry::Registry;

/// Platforms that builders usually run steps on.
const PLATFORMS: [&str; 2] = ["amd64", "arm64"];

/// Write goimage.lock: digests of base images, of toolchain images and of Go itself
///
/// Builds take what it names until it is written anew, whatever tags mean by then; a builder, or this
/// machine, need not fetch Go to know that nothing changed. Entries that are there are kept, those
/// that the project no longer needs are dropped. Needs no builder.
///
/// Prints the entries on standard output, one per line.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: PathArgs,
    /// Look everything up anew
    #[arg(long)]
    update: bool,
    /// Platforms that steps run on, which Go is locked for, comma-separated or repeated [default:
    /// linux/amd64, linux/arm64 and those that are locked]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    build_platform: Vec<Platform>,
    /// Allow registries over plain HTTP and with untrusted certificates
    #[arg(long)]
    insecure_registry: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Outcome {
    let project = args.place.project(settings::epoch()?)?;
    let needs = needs(&project.manifest, &project.workspace);
    let needs = needs.map_err(|error| Error::of(Kind::Project, &error))?;
    let mut known = project.lock.clone().unwrap_or_default();
    let mut platforms = args.build_platform.clone();
    if platforms.is_empty() {
        platforms.extend(PLATFORMS.map(Platform::linux));
        let before = known.toolchains.iter();
        platforms.extend(before.map(|locked| locked.platform.clone()));
    }
    if args.update {
        known = Lock::default();
    }
    let registry = Registry::new(settings::credentials()?, args.insecure_registry);
    let host = settings::host()?;
    // Its end waits for that of a go command, which removes what it has downloaded.
    let lock = settings::runtime()?.block_on(async {
        let cancel = cancelled_by_signals();
        let sources = Sources {
            registry: &registry,
            host: &host,
            cancel: &cancel,
            say: Output::say,
        };
        let locking = lock::lock(&needs, &platforms, &known, &sources);
        let locking = locking.map_err(|error| rendering::lock(&error));
        unless_cancelled(&cancel, locking).await
    })?;
    if project.lock.as_ref() != Some(&lock) {
        lock::write(&lock, &project.lock_file).map_err(|error| rendering::lock(&error))?;
    }
    for image in &lock.images {
        output.line(&format!("{}@{}", image.name, image.digest))?;
    }
    for toolchain in &lock.toolchains {
        output.line(&format!("{toolchain} {}", toolchain.digest))?;
    }
    Ok(())
}

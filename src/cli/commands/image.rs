//! `gobuild image`

mod files;
mod offer;
mod outputs;
mod several;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::buildkit::client::Client;
use crate::buildkit::gateway::ResolveMode;
use crate::buildkit::session::secrets::SecretSpec;
use crate::buildkit::session::ssh::SshSpec;
use crate::cli::attestations::AttestArgs;
use crate::cli::caches::{CacheArgs, Named};
use crate::cli::failure::Failure;
use crate::cli::load::{self, Place};
use crate::cli::nodes::{self, Builders};
use crate::cli::output::Output;
use crate::cli::progress::{Display, ProgressArgs};
use crate::cli::settings::{self, BuilderArgs, ProjectArgs, Travel};
use crate::cli::signals::{Cancellable, unless_cancelled};
use crate::cli::{Outcome, builder, rendering};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::oci::exporter::Output as Wanted;
use crate::pipeline::abilities::Abilities;
use crate::pipeline::caches::{Caches, Defaults};
use crate::pipeline::exports::{self, Export, Options};
use crate::pipeline::function::{Inputs, Jobs};
use crate::pipeline::outcome::{Outcome as Built, pinned};
use crate::pipeline::present::Sources;
use crate::pipeline::project::Project;
use crate::pipeline::run::{self, Asking, Offer, Pushed};
use crate::plan::{Layout, Plan};
use crate::progress::golog::Mapping;
use crate::project::manifest::Compression;
use crate::project::tree::TreePath;
use crate::registry::Registry;

/// Build images; push them, load them or write them to files
///
/// Without --push, --load and --output the builder builds, and keeps the result in its cache.
///
/// Prints one line per reference, NAME:TAG@sha256:DIGEST, on standard output, unless an archive
/// is written there. Everything else goes to standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) project: ProjectArgs,
    #[command(flatten)]
    builder: BuilderArgs,
    #[command(flatten)]
    progress: ProgressArgs,
    /// Push the images; shorthand for --output type=registry
    #[arg(long)]
    push: bool,
    /// Load the images into docker, else podman; shorthand for --output type=docker
    #[arg(
        long,
        value_name = "PLACE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "auto"
    )]
    load: Option<Place>,
    /// Output destination, type=TYPE[,dest=PATH][,KEY=VALUE...]; repeatable
    ///
    ///   type=registry                push
    ///   type=image[,push=true]       the builder's image store, if it has one
    ///   type=oci[,dest=FILE]         OCI archive; also: -
    ///   type=oci,tar=false,dest=DIR  OCI layout folder
    ///   type=docker                  loaded into docker, else podman
    ///   type=docker,dest=FILE        archive for docker load; one platform
    ///   type=local,dest=DIR          the binaries; also: DIR
    ///
    /// An OCI archive without dest, or any with dest=-, goes to standard output. Other keys are attributes of BuildKit's
    /// exporter of that type.
    #[arg(short, long, value_name = "OUTPUT", verbatim_doc_comment)]
    output: Vec<Wanted>,
    /// Compression of new layers: zstd, gzip or uncompressed [default: the manifest's, else zstd]
    #[arg(long, value_name = "FORMAT", value_parser = compression)]
    compression: Option<Compression>,
    /// Allow pushes and remote caches over plain HTTP and with untrusted certificates
    #[arg(long)]
    insecure_registry: bool,
    /// Always ask registries for base and toolchain images, even if the builder has them
    #[arg(long)]
    pull: bool,
    /// Build and push images even if nothing of them has changed since their last push from this
    /// machine and the registry still has them
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    attestations: AttestArgs,
    #[command(flatten)]
    caches: CacheArgs,
    /// Compile N binaries at once, each with N threads, to save memory [default: the manifest's,
    /// else all at once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    jobs: Option<u32>,
    /// Source of a secret that the manifest names for the modules step, id=ID[,src=FILE|,env=NAME];
    /// repeatable [default: the variable ID, else the file ID]
    #[arg(long, value_name = "SECRET")]
    secret: Vec<SecretSpec>,
    /// Socket of an SSH agent that the manifest names for the modules step, default|ID[=SOCKET];
    /// repeatable [env: SSH_AUTH_SOCK]
    #[arg(long, value_name = "AGENT")]
    ssh: Vec<SshSpec>,
    /// Write build result metadata (JSON, buildx's keys) to a file
    #[arg(
        long,
        value_name = "FILE",
        env = "BUILDX_METADATA_FILE",
        hide_env_values = true
    )]
    metadata_file: Option<PathBuf>,
    /// Write the image ID to a file; one image only
    #[arg(long, value_name = "FILE")]
    iidfile: Option<PathBuf>,
    /// Write NAME:TAG@DIGEST of every reference to a file, one per line
    #[arg(long, value_name = "FILE")]
    image_refs: Option<PathBuf>,
}

fn compression(text: &str) -> Result<Compression, String> {
    match text {
        "zstd" => Ok(Compression::Zstd),
        "gzip" => Ok(Compression::Gzip),
        "uncompressed" => Ok(Compression::Uncompressed),
        _ => Err("known formats: zstd, gzip, uncompressed".to_owned()),
    }
}

pub(crate) fn run(args: &Args, output: &Output) -> Outcome {
    let wishes = args.wishes()?;
    let to_stdout = wishes.outputs.iter().any(outputs::is_stdout);
    if to_stdout && output.is_terminal() {
        let message = "an archive would be written to the terminal";
        return Err(
            Error::new(Kind::Usage, message).hinted("name a file with dest=PATH".to_owned())
        );
    }
    let project = args.project.place.project(wishes.epoch)?;
    make(args, &project, &wishes, |built| {
        // Standard output may be an archive already.
        let lines = if to_stdout { Vec::new() } else { pinned(built) };
        lines.iter().try_for_each(|line| output.line(line))
    })
}

/// Builds, writes the files that scripts read, and says what came of it.
pub(super) fn make(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    say: impl FnOnce(&[Built]) -> Outcome,
) -> Outcome {
    args.check_folders(&wishes.outputs)?;
    Cancellable::new()?.run(
        async |cancel| build(args, project, wishes, cancel).await,
        |built: Result<Vec<Built>, Error>| {
            let built = built.map_err(|error| error.below(&project.location.root))?;
            let written = args.write_files(&built);
            let said = say(&built);
            written.and(said)
        },
    )
}

/// What the flags ask for, read before anything is done.
pub(super) struct Wishes {
    outputs: Vec<Wanted>,
    caches: Named,
    attestations: BTreeMap<String, String>,
    epoch: u32,
}

impl Wishes {
    /// Tells whether a registry gets the images.
    pub(super) fn pushes(&self) -> bool {
        self.outputs.iter().any(|output| output.kind.is_pushed())
    }
}

async fn build(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    cancel: &CancellationToken,
) -> Result<Vec<Built>, Error> {
    let display = args.progress.start()?;
    let built = stages(args, project, wishes, &display, cancel).await;
    display.finish(built).await
}

async fn stages(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    display: &Display,
    cancel: &CancellationToken,
) -> Result<Vec<Built>, Failure> {
    let targets = args.project.targets(project)?;
    let connecting = nodes::connect(&args.builder, &targets, display);
    let client = match unless_cancelled(cancel, connecting).await? {
        Builders::One(client) => *client,
        Builders::Several(nodes) => {
            return several::stages(args, project, wishes, &nodes, (display, cancel)).await;
        }
    };
    let ready = ready(args, project, wishes, client, display);
    let ready = unless_cancelled(cancel, ready).await?;
    let (client, inputs) = (&ready.client, &ready.inputs);
    let events = display.events();
    let built = run::run(
        client,
        inputs,
        &ready.exports,
        &ready.offer,
        &events,
        cancel,
    )
    .await;
    built.map_err(|error| Failure::Run {
        error: Box::new(error),
        paths: source_paths(&inputs.plan, project),
    })
}

/// What one daemon builds.
struct Ready {
    client: Client,
    inputs: Inputs,
    exports: Vec<Export>,
    offer: Offer,
}

/// Asks the daemon what it can do, and prepares what it is to build.
async fn ready(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    client: Client,
    display: &Display,
) -> Result<Ready, Error> {
    let abilities = Abilities::ask(&client).await;
    let abilities = abilities.map_err(|error| rendering::wire(&error))?;
    let client = client.translating(abilities.translation());
    let platform = builder::platform(&client).await?;
    let plan = args.plan(project, wishes, &platform, display)?;
    let named = args.project.named_place();
    let loader = load::loader(args.load, named, &wishes.outputs, &abilities).await?;
    let options = Options {
        loader: loader.clone(),
        insecure_registry: args.insecure_registry,
        compression: abilities.compression().or(args.compression),
        attestations: wishes.attestations.clone(),
    };
    let mut exports = args.exports(&plan, wishes, options)?;
    let caches = args.completed(&wishes.caches, &exports, display);
    abilities
        .fit(&mut exports, &caches)
        .map_err(|error| rendering::unable(&error))?;
    let (inputs, mut offer) = prepare(args, project, plan, wishes.epoch).await?;
    offer.caches = caches;
    offer.loader = loader;
    offer.in_turn = abilities.builds_in_turn();
    offer.pushed = Some(Arc::new(args.pushed(project, &offer, &client)?));
    Ok(Ready {
        client,
        inputs,
        exports,
        offer,
    })
}

/// Returns where steps see the project's files.
fn source_paths(plan: &Plan, project: &Project) -> Mapping {
    let layout = Layout::of(plan.compiles.iter().flat_map(|step| &step.inputs));
    Mapping {
        root: layout.absolute(&TreePath::root()),
        workdir: layout.absolute(&project.workspace.directory),
        prefix: String::new(),
    }
}

/// Packs the inputs and collects what the session offers, side by side.
async fn prepare(
    args: &Args,
    project: &Project,
    plan: Plan,
    epoch: u32,
) -> Result<(Inputs, Offer), Error> {
    let tree = Arc::clone(&project.tree);
    let host = settings::host()?;
    let (downloads, scopes) = (plan.modules.is_some(), plan.scopes());
    let packing = tokio::task::spawn_blocking(move || {
        let sources = Sources::present(&plan, &tree, &host);
        sources.map(|sources| (plan, sources))
    });
    let offer = args.offer(project, downloads, scopes)?;
    let packed = packing
        .await
        .map_err(|error| Error::of(Kind::Other, &error))?;
    let (plan, sources) = packed.map_err(|error| rendering::present(&error))?;
    let resolve_mode = if args.pull {
        ResolveMode::Pull
    } else {
        ResolveMode::Default
    };
    Ok((
        Inputs {
            plan,
            sources,
            epoch,
            resolve_mode,
            no_cache: args.caches.no_cache,
            jobs: Jobs::new(args.jobs(project)),
        },
        offer,
    ))
}

impl Args {
    /// Returns what the flags ask for where images are to be deployed: pushed, if nothing else is said,
    /// and named on standard output.
    pub(super) fn for_deployment(&mut self) -> Result<Wishes, Error> {
        self.push |= self.load.is_none() && self.output.is_empty();
        let wishes = self.wishes()?;
        outputs::check_deployed(&wishes.outputs)?;
        Ok(wishes)
    }

    fn wishes(&self) -> Result<Wishes, Error> {
        Ok(Wishes {
            epoch: settings::epoch()?,
            outputs: self.outputs(),
            caches: self.caches.named()?,
            attestations: self.attestations.requested()?,
        })
    }

    /// Plans the project for steps that run on `platform`.
    fn plan(
        &self,
        project: &Project,
        wishes: &Wishes,
        platform: &Platform,
        display: &Display,
    ) -> Result<Plan, Error> {
        let travel = Travel {
            cache: wishes.caches.any(),
            packages: self.caches.relays(),
        };
        self.project
            .plan(project, platform, travel, |warning| display.warn(warning))
    }

    /// Completes caches; says which are left out.
    fn completed(&self, caches: &Named, exports: &[Export], display: &Display) -> Caches {
        let caches = caches.complete(&Defaults {
            insecure_registry: self.insecure_registry,
            compression: exports::cache_compression(exports).to_owned(),
        });
        for note in &caches.notes {
            display.warn(note.clone());
        }
        caches
    }

    /// Returns what is known of earlier pushes.
    fn pushed(&self, project: &Project, offer: &Offer, client: &Client) -> Result<Pushed, Error> {
        let registry = Registry::new(Arc::clone(&offer.credentials), self.insecure_registry);
        let builds_all = self.force || self.caches.writes_store();
        let asking = Asking {
            registry: (!builds_all).then_some(registry),
            tree: Arc::clone(&project.tree),
            builder: client.address().to_string(),
        };
        let (cache, folder) = (settings::host()?.cache, project.location.folder());
        Ok(Pushed::read(&cache, &folder, asking))
    }

    /// Returns the cap on compile steps.
    fn jobs(&self, project: &Project) -> Option<u32> {
        self.jobs.or(project.manifest.build.jobs)
    }
}

//! `gobuild llb`

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::output::Output;
use crate::cli::settings::{self, ProjectArgs, Travel};
use crate::cli::{Outcome, rendering};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::pipeline::function::Offline;
use crate::pipeline::present::Sources;

/// Print the build graph of one image and platform; needs no builder
///
/// The graph is what buildctl builds, given the layouts that it names:
///
///   gobuild llb --content DIR | buildctl build --oci-layout gobuild=DIR
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Platform that steps run on [default: Linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    build_platform: Option<Platform>,
    /// Form of the graph
    #[arg(long, value_enum, default_value_t = Format::Protobuf)]
    format: Format,
    /// Write the OCI layouts that the graph names (toolchain, sources, base) to a folder
    #[arg(long, value_name = "DIR")]
    content: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Serialized pb.Definition
    Protobuf,
    /// Decoded ops, for readers
    Json,
    /// Drawing, for Graphviz
    Dot,
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    if args.format == Format::Protobuf && output.is_terminal() {
        let hint = "pipe it to buildctl, or choose --format json".to_owned();
        return Err(
            Error::new(Kind::Usage, "the graph would be written to the terminal").hinted(hint),
        );
    }
    let epoch = settings::epoch()?;
    let project = args.project.place.project(epoch)?;
    let platform = args
        .build_platform
        .clone()
        .unwrap_or_else(settings::host_platform);
    let warn = |warning: String| output.warn(&warning);
    let plan = args
        .project
        .plan(&project, &platform, Travel::default(), warn)?;
    let image = match plan.images.as_slice() {
        [image] => image,
        images => {
            let names: Vec<&str> = images.iter().map(|image| image.name.as_str()).collect();
            let message = format!(
                "a graph holds one image, and there are {}",
                names.join(", ")
            );
            return Err(
                Error::new(Kind::Usage, message).hinted("choose one with --target".to_owned())
            );
        }
    };
    let [platform] = image.platforms.as_slice() else {
        let hint = "choose one with --platform".to_owned();
        return Err(Error::new(Kind::Usage, "a graph holds one platform").hinted(hint));
    };
    let sources = Sources::present(&plan, &project.tree, &settings::host()?);
    let sources = sources.map_err(|error| rendering::present(&error))?;
    let offline = Offline::new(&plan, &sources, epoch);
    let lowered = offline.and_then(|offline| offline.image(platform));
    let root = lowered
        .map_err(|error| Error::of(Kind::Project, &error))?
        .root;
    if let Some(folder) = &args.content {
        sources
            .store
            .write_to(folder)
            .map_err(|error| Error::of(Kind::Other, &error))?;
    }
    let definition = root.marshal();
    match args.format {
        Format::Protobuf => output.data(&definition.to_bytes()),
        Format::Json => output.line(&format!("{:#}", definition.to_json())),
        Format::Dot => output.data(definition.to_dot().as_bytes()),
    }
}

//! `gobuild plan`

use std::fmt::Write as _;

use crate::cli::Outcome;
use crate::cli::output::Output;
use crate::cli::settings::{self, ProjectArgs, Travel};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::plan::{PackageSet, Plan};

/// Show what a build would do; needs no builder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Platform that steps run on [default: Linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    build_platform: Option<Platform>,
    /// Print the whole plan as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    let project = args.project.place.project(settings::epoch()?)?;
    let platform = args.build_platform.unwrap_or_else(settings::host_platform);
    let warn = |warning: String| output.warn(&warning);
    let plan = args
        .project
        .plan(&project, &platform, Travel::default(), warn)?;
    if args.json {
        let json = serde_json::to_string_pretty(&plan);
        let json = json.map_err(|error| Error::of(Kind::Other, &error))?;
        return output.line(&json);
    }
    output.data(describe(&plan).as_bytes())
}

/// Returns the plan in words.
fn describe(plan: &Plan) -> String {
    let mut text = String::new();
    let toolchain = &plan.toolchain;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "toolchain  go {} ({:?}) on {}",
        toolchain.version, toolchain.source, plan.build_platform
    );
    for query in plan.modules.iter().flat_map(|modules| &modules.queries) {
        let _ = writeln!(
            text,
            "modules    {} packages imported for {}",
            query.packages.len(),
            query.platform
        );
    }
    for step in &plan.packages {
        let set = match step.set {
            PackageSet::Standard => "of the standard library",
            PackageSet::Dependencies => "of modules",
        };
        let _ = writeln!(
            text,
            "packages   {} {set}, and those below, for {}",
            step.packages.len(),
            step.platform
        );
    }
    for step in &plan.compiles {
        let _ = writeln!(
            text,
            "compile    {} {} ({}, {} files)",
            step.binary,
            step.platform,
            step.import_path,
            step.inputs.len()
        );
    }
    for image in &plan.images {
        let platforms: Vec<String> = image
            .platforms
            .iter()
            .map(|image| image.platform.to_string())
            .collect();
        let _ = writeln!(
            text,
            "image      {} for {}",
            image.references.join(", "),
            platforms.join(", ")
        );
    }
    text
}

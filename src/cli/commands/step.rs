//! `gobuild step`: what runs inside step containers.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use oci_spec::image::Digest;

use crate::cli::Outcome;
use crate::container::modules::{self, ModulesError, Query};
use crate::container::{files, parts, project};
use crate::error::{Error, Kind};
use crate::plan::paths;

/// Run part of a build inside a step's container
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    Modules(Modules),
    Project(Project),
    Files(Files),
    Part(Part),
    Toolchain(Toolchain),
}

/// Pack names and sources of the project
#[derive(Debug, clap::Args)]
struct Project {
    /// File to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

/// Copy sets of project files
#[derive(Debug, clap::Args)]
struct Files {
    /// The sets, as JSON
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
    /// Folder to fill, a folder for each set
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Write a part of an image that gobuild carries
#[derive(Debug, clap::Args)]
struct Part {
    /// Folder to fill
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Which part
    #[command(subcommand)]
    part: PartName,
}

#[derive(Debug, Subcommand)]
enum PartName {
    /// The static base
    Static,
    /// Time zones
    TimeZones,
    /// The certificate bundle, with these files added
    Certs {
        /// PEM files
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Write what builds need of a Go toolchain
#[derive(Debug, clap::Args)]
struct Toolchain {
    /// Exact version
    #[arg(long, value_name = "VERSION")]
    go: String,
    /// Its archive, which is fetched otherwise
    #[arg(long, value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Digest that a fetched archive must have
    #[arg(long, value_name = "DIGEST", conflicts_with = "archive")]
    digest: Option<Digest>,
    /// Folder to fill
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Run listings of packages, and copy what builds of them read out of GOMODCACHE
#[derive(Debug, clap::Args)]
struct Modules {
    /// Folder to fill, a GOMODCACHE of its own
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// Listings, each as --query NAME=VALUE... PROGRAM ARGUMENT...
    #[arg(
        value_name = "QUERY",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    queries: Vec<String>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let sources = Path::new(paths::ROOT);
    match args.step {
        Step::Modules(args) => modules(&args),
        Step::Project(args) => ended(&project::pack(sources, &args.output)),
        Step::Files(args) => ended(&files::copy(&args.list, sources, &args.output)),
        Step::Part(args) => {
            let part = match args.part {
                PartName::Static => parts::Part::Base,
                PartName::TimeZones => parts::Part::TimeZones,
                PartName::Certs { files } => parts::Part::Certs(files),
            };
            ended(&parts::part(&part, &args.output))
        }
        Step::Toolchain(args) => {
            let scratch = Path::new(paths::TEMPORARY);
            let origin = match &args.archive {
                Some(archive) => parts::Origin::Archive(archive),
                None => parts::Origin::Proxy(args.digest.as_ref()),
            };
            ended(&parts::toolchain(&args.go, origin, &args.output, scratch))
        }
    }
}

fn ended<E: std::error::Error + 'static>(result: &Result<(), E>) -> Outcome {
    match result {
        Ok(()) => Ok(()),
        Err(error) => Err(Error::of(Kind::Other, error)),
    }
}

fn modules(args: &Modules) -> Outcome {
    let Some(cache) = std::env::var_os("GOMODCACHE").map(PathBuf::from) else {
        return Err(Error::new(Kind::Usage, "GOMODCACHE is not set"));
    };
    let sources = PathBuf::from(paths::ROOT);
    let selected = modules::select(&args.queries(), &cache, &sources, &args.output);
    selected.map_err(|error| match error {
        // The go command has said what is wrong; its exit code says enough.
        ModulesError::Failed { code } => {
            std::process::exit(code.unwrap_or(1));
        }
        error => Error::of(Kind::Other, &error),
    })
}

impl Modules {
    fn queries(&self) -> Vec<Query> {
        let queries = self.queries.split(|word| word == "--query");
        queries
            .filter(|words| !words.is_empty())
            .map(Query::parse)
            .collect()
    }
}

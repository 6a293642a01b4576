//! `gobuild step`: what runs inside step containers.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::container::modules::{self, ModulesError, Query};
use crate::error::{Error, Kind};

/// Run part of a build inside a step's container
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    Modules(Modules),
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
    let Step::Modules(args) = args.step;
    let Some(cache) = std::env::var_os("GOMODCACHE").map(PathBuf::from) else {
        return Err(Error::new(Kind::Usage, "GOMODCACHE is not set"));
    };
    let sources = PathBuf::from(crate::plan::paths::ROOT);
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

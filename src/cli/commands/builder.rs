//! `gobuild builder`

use clap::Subcommand;
use futures_util::TryStreamExt as _;

use crate::builder::managed::Status;
use crate::builder::{Managed, ManagedError};
use crate::buildkit::client::{Client, Prune, UsageRecord};
use crate::cli::output::Output;
use crate::cli::{Outcome, rendering, settings};
use crate::error::Error;

/// Manage the buildkitd that gobuild starts where there is no other builder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show state, address, data folder and log
    Status,
    /// Start it if it does not run; prints its address
    Start,
    /// Stop it; its cache stays
    Stop,
    /// Remove unused build cache; starts it if need be
    Prune {
        /// Also remove internal and frontend images
        #[arg(long)]
        all: bool,
    },
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    let managed = settings::managed_builder()?;
    match args.action {
        Action::Status => {
            let state = match managed.status() {
                Status::Running(pid) => format!("running (process {pid})"),
                Status::Stopped => "stopped".to_owned(),
            };
            output.line(&format!("state:   {state}"))?;
            output.line(&format!("address: {}", managed.address()))?;
            output.line(&format!("folder:  {}", managed.folder().display()))?;
            output.line(&format!("log:     {}", managed.log().display()))
        }
        Action::Start => {
            let (address, started) = managed.start().map_err(failed)?;
            output.note(if started {
                "started"
            } else {
                "already running"
            });
            output.line(&address)
        }
        Action::Stop => {
            let stopped = managed.stop().map_err(failed)?;
            output.note(if stopped { "stopped" } else { "not running" });
            Ok(())
        }
        Action::Prune { all } => prune(&managed, all, output),
    }
}

fn failed(error: ManagedError) -> Error {
    rendering::managed(&error)
}

fn prune(managed: &Managed, all: bool, output: &Output) -> Outcome {
    let (address, _) = managed.start().map_err(failed)?;
    let runtime = settings::runtime()?;
    runtime.block_on(async {
        let address = address.parse().map_err(|error| rendering::usage(&error))?;
        let client = Client::connect(&address, None)
            .await
            .map_err(|error| rendering::wire(&error))?;
        let removed = client
            .prune(Prune {
                all,
                ..Prune::default()
            })
            .await;
        let removed = removed.map_err(|error| rendering::wire(&error))?;
        let removed: Vec<UsageRecord> = removed
            .try_collect()
            .await
            .map_err(|error| rendering::wire(&error))?;
        let bytes: u64 = removed.iter().map(|record| record.size).sum();
        output.note(&format!(
            "removed {} entries, {} MB",
            removed.len(),
            bytes / 1_000_000
        ));
        Ok(())
    })
}

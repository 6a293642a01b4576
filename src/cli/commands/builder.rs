//! `gobuild builder`

use std::time::Duration;

use clap::Subcommand;
use futures_util::TryStreamExt as _;

use crate::builder::managed::Status;
use crate::builder::{Managed, ManagedError};
use crate::buildkit::client::{Client, Prune, UsageRecord};
use crate::cli::output::Output;
use crate::cli::{Outcome, managed, rendering, settings};
use crate::error::Error;

/// Manage the buildkitd that gobuild starts where there is no other builder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show state, address, data folder and log; of a running one, what it keeps and for how long
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
    /// Stop it once nobody has built for a while
    #[command(hide = true)]
    Watch {
        /// Its process id
        pid: u32,
        /// Milliseconds
        idle: u64,
    },
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    let managed = managed::managed_builder()?;
    match args.action {
        Action::Status => status(&managed, output),
        Action::Start => {
            let started = managed.start().map_err(failed)?;
            output.note(if started.now {
                "started"
            } else {
                "already running"
            });
            output.line(&started.address)
        }
        Action::Stop => {
            let stopped = managed.stop().map_err(failed)?;
            output.note(if stopped { "stopped" } else { "not running" });
            Ok(())
        }
        Action::Prune { all } => prune(&managed, all, output),
        Action::Watch { pid, idle } => watch(&managed, pid, Duration::from_millis(idle)),
    }
}

fn status(managed: &Managed, output: &Output) -> Outcome {
    let status = managed.status();
    let state = match status {
        Status::Running(pid) => format!("running (process {pid})"),
        Status::Stopped => "stopped".to_owned(),
    };
    output.line(&format!("state:   {state}"))?;
    output.line(&format!("address: {}", managed.address()))?;
    output.line(&format!("folder:  {}", managed.folder().display()))?;
    output.line(&format!("log:     {}", managed.log().display()))?;
    if status == Status::Stopped {
        return Ok(());
    }
    let idle = managed.idle().map_or_else(
        || "never by itself".to_owned(),
        |idle| format!("after {} without a build", spell(idle)),
    );
    output.line(&format!("stops:   {idle}"))?;
    let workers = settings::runtime()?.block_on(async {
        let client = connect(&managed.address()).await.ok()?;
        client.list_workers().await.ok()
    });
    // It may be about to end, which is no mistake of who asks.
    let Some(workers) = workers else {
        return output.line("removes: unknown, it does not answer");
    };
    let mut rules = workers.iter().flat_map(|worker| &worker.collects);
    rules.try_for_each(|rule| output.line(&format!("removes: {}", removes(rule))))
}

/// Says what a rule of garbage collection removes.
fn removes(rule: &Prune) -> String {
    let kinds: Vec<&str> = rule
        .filters
        .iter()
        .map(|filter| filter.trim_start_matches("type=="))
        .collect();
    let mut text = match (kinds.as_slice(), rule.all) {
        ([], true) => "anything".to_owned(),
        ([], false) => "layers and mounts".to_owned(),
        (kinds, _) => kinds.join(", "),
    };
    if !rule.keep_duration.is_zero() {
        text.push_str(&format!(" unused for {}", spell(rule.keep_duration)));
    }
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let mut limits = Vec::new();
    if rule.max_used_space > 0 {
        limits.push(format!("over {}", gigabytes(rule.max_used_space)));
    }
    if rule.min_free_space > 0 {
        limits.push(format!(
            "with less than {} free",
            gigabytes(rule.min_free_space)
        ));
    }
    if !limits.is_empty() {
        text.push_str(&format!(", {}", limits.join(" or ")));
    }
    if rule.reserved_space > 0 {
        text.push_str(&format!(", down to {}", gigabytes(rule.reserved_space)));
    }
    text
}

/// Spells a duration in its largest whole unit.
fn spell(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [(86_400, "days"), (3600, "hours"), (60, "minutes")];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds >= 2 * unit && seconds.is_multiple_of(*unit));
    match whole {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{} seconds", duration.as_secs_f64()),
    }
}

async fn connect(address: &str) -> Result<Client, Error> {
    let address = address.parse().map_err(|error| rendering::usage(&error))?;
    let client = Client::connect(&address, None).await;
    client.map_err(|error| rendering::wire(&error))
}

/// Waits for the end of the daemon's last use; nobody reads what this process says.
fn watch(managed: &Managed, pid: u32, idle: Duration) -> Outcome {
    let runtime = settings::runtime()?;
    let is_building = || {
        runtime.block_on(async {
            let client = connect(&managed.address()).await.ok()?;
            client.is_building().await.ok()
        })
    };
    // A daemon that cannot say whether it builds is of no use to anybody.
    let watched = managed.watch(pid, idle, || is_building().unwrap_or(false));
    watched.map_err(failed)
}

fn failed(error: ManagedError) -> Error {
    rendering::managed(&error)
}

fn prune(managed: &Managed, all: bool, output: &Output) -> Outcome {
    let started = managed.start().map_err(failed)?;
    let runtime = settings::runtime()?;
    runtime.block_on(async {
        let client = connect(&started.address).await?;
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

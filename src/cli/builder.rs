//! Connects to the builder that flags and environment choose.

use super::progress::Display;
use super::rendering;
use super::settings::BuilderArgs;
use crate::builder::{Choice, Origin};
use crate::buildkit::client::Client;
use crate::buildkit::transport::Address;
use crate::error::{Error, Kind};
use crate::oci::Platform;

/// Connects, starting the managed daemon if nothing else is there; says what was chosen.
pub(super) async fn connect(
    args: &BuilderArgs,
    choice: Choice,
    display: &Display,
) -> Result<Client, Error> {
    let mut choice = choice;
    loop {
        match reach(args, &choice, display).await {
            Err(error) => match choice.otherwise.take() {
                Some(next) => {
                    tracing::debug!(%choice.origin, error = error.render(), "passed over");
                    choice = *next;
                }
                None => return Err(passed(&choice, error)),
            },
            done => return done,
        }
    }
}

async fn reach(args: &BuilderArgs, choice: &Choice, display: &Display) -> Result<Client, Error> {
    let tls = args.tls()?.or_else(|| choice.tls.clone());
    let (address, started) = match &choice.address {
        Some(address) => (address.clone(), false),
        None => {
            let managed = super::managed::managed_builder()?;
            let start = tokio::task::spawn_blocking(move || managed.start());
            let start = start
                .await
                .map_err(|error| Error::of(Kind::Other, &error))?;
            let started = start.map_err(|error| rendering::managed(&error))?;
            started.in_use.until_exit();
            (started.address, started.now)
        }
    };
    let parsed: Address = address.parse().map_err(|error| rendering::usage(&error))?;
    let client = Client::connect(&parsed, tls.as_ref())
        .await
        .map_err(|error| rendering::wire(&error))?;
    let how = if started { ", started now" } else { "" };
    display.say(format!("builder {address} ({}{how})", choice.origin));
    if choice.origin == Origin::Managed {
        display.say("gobuild builder stop ends it; its cache stays".to_owned());
    }
    Ok(client)
}

/// Adds what was looked at before the daemon that does not answer.
pub(super) fn passed(choice: &Choice, error: Error) -> Error {
    if choice.passed.is_empty() {
        return error;
    }
    let mut lines = vec!["tried:".to_owned()];
    lines.extend(choice.passed.iter().map(|line| format!("  {line}")));
    let last = choice.address.as_deref().unwrap_or("no daemon");
    lines.push(format!("  {}: {last}", choice.origin));
    error.showing(lines.join("\n"))
}

/// Returns the platform that a daemon runs steps on: the first of its first worker.
pub(super) async fn platform(client: &Client) -> Result<Platform, Error> {
    Ok(platforms(client).await?.swap_remove(0))
}

/// Returns the platforms of a daemon's first worker, one at least, its own first.
pub(super) async fn platforms(client: &Client) -> Result<Vec<Platform>, Error> {
    let workers = client
        .list_workers()
        .await
        .map_err(|error| rendering::wire(&error))?;
    let platforms = workers.into_iter().next().map(|worker| worker.platforms);
    let platforms = platforms.filter(|platforms| !platforms.is_empty());
    platforms.ok_or_else(|| Error::new(Kind::Builder, "the builder has no worker to run steps on"))
}

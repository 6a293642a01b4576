//! Connects to a builder of several nodes: to those that the platforms need.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use super::progress::Display;
use super::settings::BuilderArgs;
use super::{builder, rendering};
use crate::builder::assign;
use crate::builder::buildx::NodePlace;
use crate::builder::{Choice, Origin};
use crate::buildkit::client::Client;
use crate::error::Error;
use crate::oci::Platform;
use crate::pipeline::abilities::Abilities;

/// What builds.
pub(super) enum Builders {
    /// One daemon for every platform.
    One(Box<Client>),
    /// Several nodes.
    Several(Vec<Node>),
}

/// A node that builds.
pub(super) struct Node {
    /// Its name.
    pub(super) name: String,
    /// Its daemon.
    pub(super) client: Client,
    /// Platform that its steps run on.
    pub(super) platform: Platform,
    /// What it builds for.
    pub(super) targets: Vec<Platform>,
    /// What it can do.
    pub(super) abilities: Abilities,
}

/// A connection to a node.
struct Reached<'a> {
    place: &'a NodePlace,
    client: Client,
    /// What its worker reports.
    platforms: Vec<Platform>,
    abilities: Abilities,
}

/// Connects to the builder that flags and environment choose; `wanted` are the platforms to build
/// for, none for that of the builder.
pub(super) async fn connect(
    args: &BuilderArgs,
    wanted: &[Platform],
    display: &Display,
) -> Result<Builders, Error> {
    let choice = args.choice()?;
    if choice.nodes.is_empty() {
        let client = builder::connect(args, choice, display).await?;
        return Ok(Builders::One(Box::new(client)));
    }
    let reach = |index: usize| reach(args, &choice, &choice.nodes[index]);
    // The first node is the default; those that nothing is built on need not even run.
    let declared = match wanted {
        [] => Some(vec![0]),
        wanted => assign::declared(&choice.nodes, wanted),
    };
    let (nodes, at) = match declared {
        Some(at) => {
            let mut needed = at.clone();
            needed.sort_unstable();
            needed.dedup();
            let nodes = try_join_all(needed.iter().map(|index| reach(*index))).await?;
            let at = at
                .iter()
                .filter_map(|index| needed.binary_search(index).ok());
            (nodes, at.collect::<Vec<_>>())
        }
        None => {
            let nodes = try_join_all((0..choice.nodes.len()).map(reach)).await?;
            let reported: Vec<_> = nodes.iter().map(|node| node.platforms.clone()).collect();
            let at = assign::assigned(&choice.nodes, &reported, wanted);
            (nodes, at)
        }
    };
    Ok(divided(nodes, &at, wanted, &choice, display))
}

/// Gives each node its platforms, `at` being the node of each; says who does what.
fn divided(
    nodes: Vec<Reached<'_>>,
    at: &[usize],
    wanted: &[Platform],
    choice: &Choice,
    display: &Display,
) -> Builders {
    let mut targets: BTreeMap<usize, Vec<Platform>> = BTreeMap::new();
    for (index, node) in at.iter().enumerate() {
        let targets = targets.entry(*node).or_default();
        targets.extend(wanted.get(index).cloned());
    }
    let mut building = Vec::new();
    for (index, mut node) in nodes.into_iter().enumerate() {
        let Some(targets) = targets.remove(&index) else {
            continue;
        };
        let list: Vec<String> = targets.iter().map(Platform::to_string).collect();
        let list = match list.as_slice() {
            [] => String::new(),
            list => format!(" builds {}", list.join(", ")),
        };
        display.say(format!(
            "builder {} ({}): node {}{list}",
            node.place.address, choice.origin, node.place.node
        ));
        building.push(Node {
            name: node.place.node.clone(),
            client: node.client,
            platform: node.platforms.swap_remove(0),
            targets,
            abilities: node.abilities,
        });
    }
    match building.len() {
        1 => Builders::One(Box::new(building.swap_remove(0).client)),
        _ => Builders::Several(building),
    }
}

/// Connects to a node and asks what it runs and can do; an error names it.
async fn reach<'a>(
    args: &BuilderArgs,
    choice: &Choice,
    node: &'a NodePlace,
) -> Result<Reached<'a>, Error> {
    let named = |error: Error| {
        let name = match &choice.origin {
            Origin::Builder(name, _) => name.as_str(),
            _ => "the builder",
        };
        let headline = format!("node {} of builder {name} cannot be used", node.node);
        builder::passed(choice, error.under(&headline))
    };
    let tls = args.tls()?.or_else(|| node.tls.clone());
    let client = Client::connect(&node.address, tls.as_ref()).await;
    let client = client.map_err(|error| named(rendering::wire(&error)))?;
    let platforms = builder::platforms(&client).await.map_err(named)?;
    let abilities = Abilities::ask(&client).await;
    let abilities = abilities.map_err(|error| named(rendering::wire(&error)))?;
    Ok(Reached {
        place: node,
        client: client.translating(abilities.translation()),
        platforms,
        abilities,
    })
}

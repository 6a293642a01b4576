//! `gobuild image` on a builder of several nodes.
//!
//! Nodes of one platform have their steps' inputs in common. Another platform has a toolchain of
//! its own, and so a plan of its own, which makes the same images.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use super::{Args, Wishes, prepare, source_paths};
use crate::cli::failure::Failure;
use crate::cli::nodes::Node;
use crate::cli::progress::Display;
use crate::cli::rendering;
use crate::cli::signals::unless_cancelled;
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::oci::exporter::{Output, OutputKind};
use crate::pipeline::exports::{Export, Options};
use crate::pipeline::function::Inputs;
use crate::pipeline::nodes;
use crate::pipeline::outcome::Outcome as Built;
use crate::pipeline::project::Project;
use crate::pipeline::run::Offer;

/// What steps on one platform need.
type Prepared = BTreeMap<Platform, (Inputs, Offer)>;

/// Plans, and builds on all nodes at once.
pub(super) async fn stages(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    building: &[Node],
    (display, cancel): (&Display, &CancellationToken),
) -> Result<Vec<Built>, Failure> {
    let loads = |output: &Output| output.kind == OutputKind::Load;
    if wishes.outputs.iter().any(loads) {
        let message = "images are not loaded from a builder of several nodes";
        let hint = "--platform names one that a single node builds, --push takes all";
        return Err(Error::new(Kind::Usage, message)
            .hinted(hint.to_owned())
            .into());
    }
    let preparing = for_all(args, project, wishes, building, display);
    let (prepared, exports) = unless_cancelled(cancel, preparing).await?;
    let Some((first, _)) = prepared.values().next() else {
        return Ok(Vec::new());
    };
    let scratch = tempfile::tempdir().map_err(|error| {
        Error::of(Kind::Other, &error).under("there is no room for temporary files")
    })?;
    let node_of = |platform: &Platform| {
        let builds = |node: &Node| node.targets.contains(platform);
        building.iter().position(builds).unwrap_or(0)
    };
    let count = building.len();
    let split = nodes::split(&first.plan, &exports, count, node_of, scratch.path());
    let offers = offers(args, wishes, building, &prepared, (&exports, display));
    let pairs = building.iter().zip(&offers);
    let nodes: Vec<nodes::Node<'_>> = pairs
        .filter_map(|(node, offer)| {
            Some(nodes::Node {
                client: &node.client,
                inputs: &prepared.get(&node.platform)?.0,
                offer,
            })
        })
        .collect();
    let built = nodes::run(&nodes, &split, &display.events(), cancel).await;
    built.map_err(|error| Failure::Run {
        error: Box::new(error),
        paths: source_paths(&first.plan, project),
    })
}

/// Prepares what steps on each node's platform need; the solves are the same on all of them.
async fn for_all(
    args: &Args,
    project: &Project,
    wishes: &Wishes,
    building: &[Node],
    display: &Display,
) -> Result<(Prepared, Vec<Export>), Error> {
    let mut prepared = Prepared::new();
    let mut exports: Vec<Export> = Vec::new();
    for node in building {
        if prepared.contains_key(&node.platform) {
            able(node, &exports)?;
            continue;
        }
        let plan = args.plan(project, wishes, &node.platform, display)?;
        if exports.is_empty() {
            let options = Options {
                loader: None,
                insecure_registry: args.insecure_registry,
                compression: args.compression,
                attestations: wishes.attestations.clone(),
            };
            exports = args.exports(&plan, wishes, options)?;
        }
        able(node, &exports)?;
        let inputs = prepare(args, project, plan, wishes.epoch).await?;
        prepared.insert(node.platform.clone(), inputs);
    }
    Ok((prepared, exports))
}

/// Checks that a node can attest what it is asked to.
fn able(node: &Node, exports: &[Export]) -> Result<(), Error> {
    let attests = node.abilities.attests(exports);
    attests.map_err(|error| rendering::unable(&error))
}

/// Returns what each node is offered: the same but for the caches, where each writes to a place of
/// its own.
fn offers(
    args: &Args,
    wishes: &Wishes,
    building: &[Node],
    prepared: &Prepared,
    (exports, display): (&[Export], &Display),
) -> Vec<Offer> {
    let names: Vec<String> = building.iter().map(|node| node.name.clone()).collect();
    let offers = building.iter().filter_map(|node| {
        let mut offer = prepared.get(&node.platform)?.1.clone();
        let caches = wishes.caches.of_node(&node.name, &names);
        offer.caches = args.completed(&caches, exports, display);
        offer.in_turn = node.abilities.builds_in_turn();
        Some(offer)
    });
    offers.collect()
}

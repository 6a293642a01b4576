//! What the programs of a plan have in common: the modules that all of them need, and the steps that
//! compile packages for several.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::steps::packages::{Groups, Packages};
use crate::oci::Platform;

/// Returns the external packages that the programs of each platform import.
pub(super) fn external(groups: &Groups) -> BTreeMap<Platform, BTreeSet<String>> {
    let mut external: BTreeMap<Platform, BTreeSet<String>> = BTreeMap::new();
    for ((platform, _), group) in groups {
        let packages = external.entry(platform.clone()).or_default();
        packages.extend(group.external.iter().cloned());
    }
    external
}

/// Puts the shared packages before the compile steps, and all of them after the modules.
pub(super) fn connected(mut plan: Plan, packages: Packages) -> Plan {
    plan.packages = packages.steps;
    for (compile, after) in packages.after {
        if let Some(step) = plan.compiles.get_mut(compile) {
            step.after = Some(after);
        }
    }
    let queries = plan.modules.iter().flat_map(|step| &step.queries);
    let outputs: BTreeMap<Platform, String> = queries
        .map(|query| (query.platform.clone(), query.output.clone()))
        .collect();
    let compiles = plan.compiles.iter_mut();
    let compiles = compiles.map(|step| (step.needs_modules, &step.platform, &mut step.env));
    let packages = plan.packages.iter_mut();
    let packages = packages.map(|step| (step.needs_modules, &step.platform, &mut step.env));
    for (_, platform, env) in compiles.chain(packages).filter(|(needs, ..)| *needs) {
        let output = outputs.get(platform).cloned();
        env.extend(output.map(|output| ("GOMODCACHE".to_owned(), output)));
    }
    plan
}

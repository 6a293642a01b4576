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
    if let Some(modules) = &plan.modules {
        let compiles = plan.compiles.iter_mut();
        let envs = compiles.map(|step| (step.needs_modules, &mut step.env));
        let packages = plan.packages.iter_mut();
        let envs = envs.chain(packages.map(|step| (step.needs_modules, &mut step.env)));
        for (_, env) in envs.filter(|(needs, _)| *needs) {
            env.insert("GOMODCACHE".to_owned(), modules.output.clone());
        }
    }
    plan
}

//! What the programs of a plan have in common: the modules that all of them need, and the steps that
//! compile packages for several.

use std::collections::BTreeMap;

use super::Plan;
use super::steps::modules::Needs;
use super::steps::packages::{Group, Groups, Packages};
use crate::oci::Platform;
use crate::project::golang::graph::Closure;
use crate::project::golang::workspace::Workspace;

/// Adds a program to those of its platform and profile.
pub(super) fn join(group: &mut Group, compile: usize, closure: Closure, workspace: &Workspace) {
    let vendor = workspace.vendor.as_ref();
    let is_vendored = |path: &str| {
        let package = closure.packages.get(path);
        let folder = package.map(|package| &package.directory);
        folder
            .zip(vendor)
            .is_some_and(|(folder, vendor)| folder.below(&vendor.directory).is_some())
    };
    for (path, package) in &closure.packages {
        if is_vendored(path) {
            group.vendored.extend(package.all_files());
        } else if vendor.is_some() {
            let imports = package.imports.keys();
            let vendored = imports.filter(|import| is_vendored(import));
            group.external.extend(vendored.cloned());
        }
    }
    let own = closure.packages.keys().map(String::as_str);
    group.rivals.extend(workspace.rivals(own));
    group.external.extend(closure.external);
    group.standard.extend(closure.standard);
    group.compiles.push(compile);
}

/// Returns what the programs of each platform need of downloaded modules.
pub(super) fn needs(groups: &Groups) -> BTreeMap<Platform, Needs> {
    let mut needs: BTreeMap<Platform, Needs> = BTreeMap::new();
    for ((platform, _), group) in groups {
        let here = needs.entry(platform.clone()).or_default();
        here.packages.extend(group.external.iter().cloned());
        here.rivals.extend(group.rivals.iter().cloned());
    }
    needs
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

//! The compile step: `go build` with exact inputs, no network and no shell.

use super::{LowerError, Presented, by_definition, packages, with_env, with_jobs};
use crate::llb::{Bind, Metadata, Network, Output, Tmpfs};
use crate::plan::{CompileStep, PackagesStep, Plan, paths};

/// What a step sees.
pub(super) struct Inputs<'a> {
    pub(super) presented: &'a Presented,
    pub(super) closure: &'a Output,
    pub(super) modules: Option<&'a Output>,
    pub(super) below: Option<(&'a PackagesStep, &'a Output)>,
}

/// Returns a root that holds just the binary.
///
/// Inputs are matched by how they were made, which for a digest-keyed layout is its digest:
/// matching them by their files would have the daemon checksum what a digest already says, and
/// unpack what it would only look at.
pub(super) fn lower(
    step: &CompileStep,
    plan: &Plan,
    inputs: Inputs<'_>,
) -> Result<Output, LowerError> {
    let name = format!("compile {} {}", step.binary, step.platform);
    let mut exec = inputs
        .presented
        .step(plan, &step.args)
        .cwd(&step.directory)
        .network(Network::None)
        .bind(paths::ROOT, by_definition(inputs.closure))
        .bind(paths::OUTPUT, Bind::writable(&Output::scratch()))
        .tmpfs(paths::TEMPORARY, Tmpfs::default())
        .metadata(Metadata::named(name));
    if let (Some(modules), Some(place)) = (inputs.modules, step.env.get("GOMODCACHE")) {
        exec = exec.bind(place, by_definition(modules));
    }
    if step.relay {
        exec = exec
            .bind(paths::HELPER, inputs.presented.helper()?)
            .ssh(packages::relay());
    }
    let exec = packages::upon(exec, inputs.presented, inputs.below);
    let exec = with_jobs(with_env(exec, &step.env));
    Ok(exec.build()?.output(paths::OUTPUT)?)
}

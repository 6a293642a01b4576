//! The packages steps: what binaries share, compiled once.
//!
//! In cache mounts the output of such a step is empty: a later step mounts it to come later. In
//! layers it is a `GOCACHE`, which the later step's own cache mount starts from.

use std::collections::BTreeMap;

use super::{BUILD_CACHE_ID, LowerError, Presented, by_definition, with_env, with_jobs};
use crate::llb::{Bind, ContentCache, Exec, Metadata, Network, Output, Sharing, SshAgent, Tmpfs};
use crate::oci::Platform;
use crate::plan::{Keep, PackageSet, PackagesStep, Plan, RELAY, paths};

/// Returns the steps' outputs, in the order of the plan.
pub(super) fn lower(
    plan: &Plan,
    presented: &Presented,
    modules: &BTreeMap<Platform, Output>,
) -> Result<Vec<Output>, LowerError> {
    let mut outputs = Vec::new();
    for (index, step) in plan.packages.iter().enumerate() {
        let below = step.after.map(|after| get(plan, &outputs, after));
        let inputs = Inputs {
            presented,
            files: presented.packages.get(index).and_then(Option::as_ref),
            modules: modules.get(&step.platform).filter(|_| step.needs_modules),
            below: below.transpose()?.map(|(_, output)| output),
        };
        let output = inputs.lower(step, plan)?;
        outputs.push(output);
    }
    Ok(outputs)
}

/// Returns a step that another one builds upon, and its output.
pub(super) fn get<'a>(
    plan: &'a Plan,
    outputs: &'a [Output],
    after: usize,
) -> Result<(&'a PackagesStep, &'a Output), LowerError> {
    let found = plan.packages.get(after).zip(outputs.get(after));
    found.ok_or(LowerError::Order { after })
}

/// Mounts what a step builds upon: as the state that its cache mount starts from, or just so that
/// it comes later.
pub(super) fn upon(
    exec: Exec,
    presented: &Presented,
    below: Option<(&PackagesStep, &Output)>,
) -> Exec {
    let cache = presented
        .circumstances
        .cache(BUILD_CACHE_ID, Sharing::Shared);
    match below {
        None => exec.cache(paths::BUILD_CACHE, cache),
        Some((step, output)) if step.keep == Keep::Mount => exec
            .cache(paths::BUILD_CACHE, cache)
            .bind(paths::AFTER, by_definition(output)),
        Some((_, output)) => {
            let cache = cache.seeded(output).content_cache(ContentCache::Off);
            exec.cache(paths::BUILD_CACHE, cache)
        }
    }
}

/// Mounts the socket on which the client relays compiled packages. A client that serves none does
/// not fail the step.
pub(super) fn relay() -> SshAgent {
    SshAgent::new(RELAY).at(paths::RELAY).optional()
}

struct Inputs<'a> {
    presented: &'a Presented,
    files: Option<&'a Output>,
    modules: Option<&'a Output>,
    below: Option<&'a Output>,
}

impl Inputs<'_> {
    fn lower(&self, step: &PackagesStep, plan: &Plan) -> Result<Output, LowerError> {
        let set = match step.set {
            PackageSet::Standard => "standard library",
            PackageSet::Dependencies => "dependencies",
        };
        let mut exec = self
            .presented
            .step(plan, &step.args)
            .cwd(&step.directory)
            .network(Network::None)
            .tmpfs(paths::TEMPORARY, Tmpfs::default())
            .metadata(Metadata::named(format!("{set} for {}", step.platform)));
        if let Some(files) = self.files {
            exec = exec.bind(paths::ROOT, by_definition(files));
        }
        if let (Some(modules), Some(place)) = (self.modules, step.env.get("GOMODCACHE")) {
            exec = exec.bind(place, by_definition(modules));
        }
        if step.keep == Keep::Used || step.relay {
            exec = exec.bind(paths::HELPER, self.presented.helper()?);
        }
        if step.relay {
            exec = exec.ssh(relay());
        }
        let (exec, output) = self.kept(exec, step);
        let exec = with_jobs(with_env(exec, &step.env));
        Ok(exec.build()?.output(output)?)
    }

    /// Mounts the build cache; returns also where the output is.
    fn kept(&self, exec: Exec, step: &PackagesStep) -> (Exec, &'static str) {
        let below = self.below.cloned().unwrap_or_else(Output::scratch);
        let state = Bind::writable(&below).content_cache(ContentCache::Off);
        let circumstances = &self.presented.circumstances;
        let cache = circumstances.cache(BUILD_CACHE_ID, Sharing::Shared);
        match step.keep {
            Keep::Mount => (
                exec.cache(paths::BUILD_CACHE, cache)
                    .bind(paths::OUTPUT, state),
                paths::OUTPUT,
            ),
            Keep::Layer => (exec.bind(paths::BUILD_CACHE, state), paths::BUILD_CACHE),
            Keep::Used => (
                exec.cache(paths::BUILD_CACHE, cache)
                    .bind(paths::USED, state),
                paths::USED,
            ),
        }
    }
}

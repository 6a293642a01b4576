//! The modules step: per platform one exec that lists and leaves what the listing names, or, where
//! gobuild cannot run in the container, one exec on the module cache that the last one left.

use std::collections::BTreeMap;

use super::{LowerError, Presented, by_definition, with_env};
use crate::llb::{Bind, Exec, Metadata, Output, Secret, Sharing, SshAgent, Tmpfs};
use crate::oci::Platform;
use crate::plan::{LENT_VARIABLES, ModulesStep, Plan, VARIABLE_SECRET, paths};

/// Returns the module cache of each platform, as a root of its own.
pub(super) fn lower(
    step: &ModulesStep,
    plan: &Plan,
    presented: &Presented,
    files: &Output,
) -> Result<BTreeMap<Platform, Output>, LowerError> {
    let mut caches = BTreeMap::new();
    let mut last = Output::scratch();
    for query in &step.queries {
        let name = format!("modules for {}", query.platform);
        let args = query.select.as_ref().unwrap_or(&query.args);
        let exec = exec(step, plan, presented, files, args).metadata(Metadata::named(name));
        let cache = if query.select.is_some() {
            let downloads = presented
                .circumstances
                .cache(&step.downloads, Sharing::Shared);
            let exec = exec
                .bind(paths::HELPER, presented.helper()?)
                .bind(&query.output, Bind::writable(&Output::scratch()))
                .cache(paths::MODULE_CACHE, downloads);
            with_env(exec, &step.env).build()?.output(&query.output)?
        } else {
            let exec = exec.bind(&query.output, Bind::writable(&last));
            let exec = with_env(with_env(exec, &step.env), &query.env);
            exec.build()?.output(&query.output)?
        };
        last = cache.clone();
        caches.insert(query.platform.clone(), cache);
    }
    // Where listings fill one cache, it is whole after the last one.
    for query in step.queries.iter().filter(|query| query.select.is_none()) {
        caches.insert(query.platform.clone(), last.clone());
    }
    Ok(caches)
}

/// Returns what every listing sees: module files, and all that downloads may need.
fn exec(
    step: &ModulesStep,
    plan: &Plan,
    presented: &Presented,
    files: &Output,
    args: &[String],
) -> Exec {
    let mut exec = presented
        .step(plan, args)
        .cwd(&step.directory)
        .bind(paths::ROOT, by_definition(files))
        .cache(
            paths::BUILD_CACHE,
            presented
                .circumstances
                .cache(super::BUILD_CACHE_ID, Sharing::Shared),
        )
        .tmpfs(paths::TEMPORARY, Tmpfs::default());
    exec = presented.circumstances.online(exec);
    if let Some(trust) = &presented.trust {
        exec = exec.bind(paths::EXTRA_TRUST, Bind::read_only(trust));
    }
    // A variable that the plan sets itself is lent by nobody. A proxy variable that the session lacks
    // hides the caller's proxy, and `go` reads that by its lower-case name; leaving the variable out
    // would change the step's cache key.
    let lent = LENT_VARIABLES.iter().copied();
    for variable in lent.filter(|variable| !step.env.contains_key(*variable)) {
        let id = format!("{VARIABLE_SECRET}{variable}");
        exec = exec.secret(Secret::env(id, variable).optional());
    }
    for secret in &step.secrets {
        let mount = Secret::file(&secret.id, &secret.target);
        exec = exec.secret(if secret.optional {
            mount.optional()
        } else {
            mount
        });
    }
    step.ssh
        .iter()
        .fold(exec, |exec, agent| exec.ssh(SshAgent::new(agent)))
}

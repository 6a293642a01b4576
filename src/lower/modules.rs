//! The modules step: one exec that runs every listing and leaves what they name, or, where gobuild
//! cannot run in the container, one exec per platform on the module cache that the last one left.

use super::{LowerError, Presented, with_env};
use crate::llb::{
    Bind, Cache, ContentCache, Exec, Metadata, Output, Secret, Sharing, SshAgent, Tmpfs,
};
use crate::plan::{LENT_VARIABLES, ModulesStep, Plan, VARIABLE_SECRET, paths};

/// Returns the module cache, as a root of its own.
pub(super) fn lower(
    step: &ModulesStep,
    plan: &Plan,
    presented: &Presented,
    files: &Output,
) -> Result<Output, LowerError> {
    let scratch = Output::scratch();
    if let Some(args) = &step.select {
        let platforms = step.queries.iter().map(|query| query.platform.to_string());
        let platforms: Vec<String> = platforms.collect();
        let name = format!("modules for {}", platforms.join(", "));
        let exec = exec(step, plan, presented, files, args)
            .bind(paths::HELPER, presented.helper()?)
            .bind(&step.output, Bind::writable(&scratch))
            .cache(
                paths::MODULE_CACHE,
                Cache::new(&step.downloads, Sharing::Shared),
            )
            .metadata(Metadata::named(name));
        return Ok(with_env(exec, &step.env).build()?.output(&step.output)?);
    }
    let mut modules = scratch;
    for query in &step.queries {
        let name = format!("modules for {}", query.platform);
        let exec = exec(step, plan, presented, files, &query.args)
            .bind(&step.output, Bind::writable(&modules))
            .metadata(Metadata::named(name));
        let exec = with_env(with_env(exec, &step.env), &query.env);
        modules = exec.build()?.output(&step.output)?;
    }
    Ok(modules)
}

/// Returns what every listing sees: module files, and all that downloads may need.
fn exec(
    step: &ModulesStep,
    plan: &Plan,
    presented: &Presented,
    files: &Output,
    args: &[String],
) -> Exec {
    let root = Bind::read_only(&presented.toolchain);
    let files = Bind::read_only(files).content_cache(ContentCache::Off);
    let mut exec = Exec::new(root, plan.build_platform.clone(), args)
        .cwd(&step.directory)
        .bind(paths::ROOT, files)
        .cache(
            paths::BUILD_CACHE,
            Cache::new(super::BUILD_CACHE_ID, Sharing::Shared),
        )
        .tmpfs(paths::TEMPORARY, Tmpfs::default());
    for variable in LENT_VARIABLES {
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

//! The modules step: one exec per platform, each on the module cache that the last one left.

use super::with_env;
use crate::llb::{
    Bind, Cache, ContentCache, Error, Exec, Metadata, Output, Secret, Sharing, SshAgent, Tmpfs,
};
use crate::plan::{LENT_VARIABLES, ModulesStep, Plan, VARIABLE_SECRET, paths};

/// Returns the module cache, as a root of its own.
pub(super) fn lower(
    step: &ModulesStep,
    plan: &Plan,
    toolchain: &Output,
    files: &Output,
) -> Result<Output, Error> {
    let mut modules = Output::scratch();
    for query in &step.queries {
        let name = format!("modules for {}", query.platform);
        let exec = Exec::new(
            Bind::read_only(toolchain),
            plan.build_platform.clone(),
            &query.args,
        )
        .cwd(&step.directory)
        .bind(
            paths::ROOT,
            Bind::read_only(files).content_cache(ContentCache::Off),
        )
        .bind(paths::MODULES, Bind::writable(&modules))
        .cache(
            paths::BUILD_CACHE,
            Cache::new(super::BUILD_CACHE_ID, Sharing::Shared),
        )
        .tmpfs(paths::TEMPORARY, Tmpfs::default())
        .metadata(Metadata::named(name));
        let mut exec = with_env(with_env(exec, &step.env), &query.env);
        for variable in LENT_VARIABLES {
            exec = exec
                .secret(Secret::env(format!("{VARIABLE_SECRET}{variable}"), variable).optional());
        }
        for secret in &step.secrets {
            let mount = Secret::file(&secret.id, &secret.target);
            exec = exec.secret(if secret.optional {
                mount.optional()
            } else {
                mount
            });
        }
        for agent in &step.ssh {
            exec = exec.ssh(SshAgent::new(agent));
        }
        modules = exec.build()?.output(paths::MODULES)?;
    }
    Ok(modules)
}

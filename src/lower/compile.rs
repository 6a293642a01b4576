//! The compile step: `go build` with exact inputs, no network and no shell.

use super::{with_env, with_jobs};
use crate::llb::{
    Bind, Cache, ContentCache, Error, Exec, Metadata, Network, Output, Sharing, Tmpfs,
};
use crate::plan::{CompileStep, Plan, paths};

/// Returns a root that holds just the binary.
///
/// Inputs are matched by how they were made, which for a digest-keyed layout is its digest:
/// matching them by their files would have the daemon checksum what a digest already says. The
/// modules are matched by their files, so that a repeated download that brings the same modules
/// compiles nothing.
pub(super) fn lower(
    step: &CompileStep,
    plan: &Plan,
    toolchain: &Output,
    closure: &Output,
    modules: Option<&Output>,
) -> Result<Output, Error> {
    let name = format!("compile {} {}", step.binary, step.platform);
    let mut exec = Exec::new(
        Bind::read_only(toolchain),
        plan.build_platform.clone(),
        &step.args,
    )
    .cwd(&step.directory)
    .network(Network::None)
    .bind(
        paths::ROOT,
        Bind::read_only(closure).content_cache(ContentCache::Off),
    )
    .bind(paths::OUTPUT, Bind::writable(&Output::scratch()))
    .cache(
        paths::BUILD_CACHE,
        Cache::new(super::BUILD_CACHE_ID, Sharing::Shared),
    )
    .tmpfs(paths::TEMPORARY, Tmpfs::default())
    .metadata(Metadata::named(name));
    if let Some(modules) = modules {
        exec = exec.bind(paths::MODULES, Bind::read_only(modules));
    }
    with_jobs(with_env(exec, &step.env))
        .build()?
        .output(paths::OUTPUT)
}

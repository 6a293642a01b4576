//! gobuild itself. Flags that come and go are named here and nowhere else.

use std::process::Command;
use std::sync::OnceLock;

use crate::contenders::{Build, Cache, Column};
use crate::lab::{GOBUILD, Lab};
use crate::store::Store;
use crate::tool;

/// Export to a registry cache.
const CACHE_TO: &str = "--cache-to";
/// Import from one.
const CACHE_FROM: &str = "--cache-from";
/// Builds also what the registry has already.
const FORCE: &str = "--force";
/// URL of a remote compile cache.
const COMPILE_CACHE: &str = "--compile-cache";
/// Whether it is written to.
const COMPILE_CACHE_MODE: &str = "--compile-cache-mode";

/// Returns the one command of a build.
pub(super) fn command(column: Column, lab: &Lab, build: &Build<'_>) -> Command {
    let host = lab.registry.host();
    let mut command = lab.program(GOBUILD, &build.tree);
    command
        .args(["image", "--push", "--progress", "plain"])
        .args(["--addr", &lab.builder.address()])
        .args(["--repository", &format!("{host}/{}", build.repository)])
        .args(["--platform", &build.platforms.join(",")]);
    let reference = format!("type=registry,ref={host}/{}:latest", build.cache_repository);
    match build.cache {
        Cache::None => &mut command,
        Cache::Export => command.args([CACHE_TO, &format!("{reference},mode=max")]),
        Cache::Import => command.args([CACHE_FROM, &reference]),
    };
    if column == Column::GobuildForce || build.fills {
        command.arg(FORCE);
    }
    if column == Column::GobuildRemote {
        let own = Store::url("gobuild");
        command.args([COMPILE_CACHE, build.compile_cache.unwrap_or(&own)]);
        if build.fills {
            command.args([COMPILE_CACHE_MODE, "read-write"]);
        }
        match build.compile_cache {
            None => command.envs(lab.store.variables(build.latency)),
            // Whoever named a store says how it is reached.
            Some(_) => command.envs(std::env::vars().filter(|(name, _)| opens_stores(name))),
        };
    }
    if let Some(manifest) = &build.manifest {
        command.arg("--file").arg(manifest);
    }
    command.args(&build.mains);
    command
}

/// Returns what this gobuild lacks for a build, if anything.
pub(super) fn missing(column: Column, cache: Cache) -> Option<String> {
    static HELP: OnceLock<String> = OnceLock::new();
    let help = HELP.get_or_init(|| tool::run(GOBUILD, &["image", "--help"]));
    let caches = match cache {
        Cache::None => None,
        Cache::Export => Some(CACHE_TO),
        Cache::Import => Some(CACHE_FROM),
    };
    let compiled = (column == Column::GobuildRemote).then_some(COMPILE_CACHE);
    let needed = caches.into_iter().chain(compiled).chain([FORCE]);
    needed
        .filter(|flag| !help.contains(flag))
        .map(|flag| format!("this gobuild has no {flag}"))
        .next()
}

fn opens_stores(variable: &str) -> bool {
    variable.starts_with("AWS_") || variable == "GOBUILD_CACHEPROG_TOKEN"
}

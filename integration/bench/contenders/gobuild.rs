//! gobuild itself. Flags that come and go are named here and nowhere else.

use std::process::Command;
use std::sync::OnceLock;

use crate::contenders::{Build, Cache, Column};
use crate::lab::{GOBUILD, Lab};
use crate::tool;

/// Export to a registry cache.
const CACHE_TO: &str = "--cache-to";
/// Import from one.
const CACHE_FROM: &str = "--cache-from";
/// URL of a remote compile cache.
const COMPILE_CACHE: &str = "--compile-cache";

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
    if let (Column::GobuildRemote, Some(url)) = (column, build.compile_cache) {
        command.args([COMPILE_CACHE, url]);
    }
    command.args(&build.mains);
    command
}

/// Returns what this gobuild lacks for a build, if anything.
pub(super) fn missing(cache: Cache, compile_cache: Option<&str>) -> Option<String> {
    static HELP: OnceLock<String> = OnceLock::new();
    let help = HELP.get_or_init(|| tool::run(GOBUILD, &["image", "--help"]));
    let caches = match cache {
        Cache::None => None,
        Cache::Export => Some(CACHE_TO),
        Cache::Import => Some(CACHE_FROM),
    };
    let needed = caches
        .into_iter()
        .chain(compile_cache.map(|_| COMPILE_CACHE));
    needed
        .filter(|flag| !help.contains(flag))
        .map(|flag| format!("this gobuild has no {flag}"))
        .next()
}

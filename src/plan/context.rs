//! What decides, for one platform, which files of a package take part: the manifest's `[go]` and the
//! toolchain as build tags.
//!
//! Source: Go's `cmd/go/internal/cfg` and `internal/buildcfg`.

use super::steps::environment::micro_architecture;
use crate::oci::Platform;
use crate::project::golang::flags;
use crate::project::golang::source::{BuildContext, Sanitizer};
use crate::project::golang::version::GoVersion;
use crate::project::manifest::{Go, Pgo};

/// Returns what decides which files take part for a platform.
pub(super) fn context(go: &Go, platform: &Platform, version: &GoVersion) -> BuildContext {
    let minor = version.language();
    let minor = minor
        .split_once('.')
        .and_then(|(_, minor)| minor.parse().ok())
        .unwrap_or(0);
    let mut context = BuildContext::new(&platform.os, &platform.architecture, minor);
    context.cgo = go.cgo;
    context.tags = go.tags.iter().cloned().collect();
    context.pgo_auto = go.pgo == Pgo::Auto;
    let level = match platform.architecture.as_str() {
        "amd64" => "GOAMD64",
        "386" => "GO386",
        "arm" => "GOARM",
        "arm64" => "GOARM64",
        "mips" | "mipsle" => "GOMIPS",
        "mips64" | "mips64le" => "GOMIPS64",
        "ppc64" | "ppc64le" => "GOPPC64",
        "riscv64" => "GORISCV64",
        _ => "GOWASM",
    };
    context.arch_level = go
        .env
        .get(level)
        .cloned()
        .or_else(|| micro_architecture(platform).map(|(_, value)| value));
    let experiments = go
        .env
        .get("GOEXPERIMENT")
        .map(String::as_str)
        .unwrap_or_default();
    context.experiments = experiments
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    // Of a flag that is given twice, go takes the last.
    let flagged = |flag: &str| {
        let last = go.flags.iter().rfind(|given| flags::name(given) == flag);
        last.is_some_and(|given| flags::is_on(given))
    };
    let sanitizers = [
        ("race", Sanitizer::Race),
        ("msan", Sanitizer::Msan),
        ("asan", Sanitizer::Asan),
    ];
    context.sanitizer = sanitizers
        .into_iter()
        .find(|(flag, _)| flagged(flag))
        .map(|(_, sanitizer)| sanitizer);
    context
}

//! The variables that decide what Go compiles, shared by listing modules and compiling.
//!
//! Nothing of the caller's environment enters: what is not set here has Go's own default, and
//! `GOENV=off` keeps settings written with `go env -w` inside an image out.
//! Source: `go help environment`, Go's `internal/buildcfg`.

use std::collections::BTreeMap;

use crate::oci::Platform;
use crate::plan::container::{Layout, paths};
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::Go;

/// Returns the variables that every `go` command of the build runs with.
pub(crate) fn common(go: &Go, workspace: &Workspace, layout: Layout) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = go.env.clone();
    let go_work = workspace.go_work.as_ref();
    let fixed = [
        ("CGO_ENABLED", if go.cgo { "1" } else { "0" }.to_owned()),
        ("GOCACHE", paths::BUILD_CACHE.to_owned()),
        ("GOENV", "off".to_owned()),
        (
            "GOFLAGS",
            format!(
                "-mod={}",
                if workspace.vendor.is_some() {
                    "vendor"
                } else {
                    "readonly"
                }
            ),
        ),
        ("GOMODCACHE", paths::MODULES.to_owned()),
        ("GOPATH", paths::GOPATH.to_owned()),
        ("GOTOOLCHAIN", "local".to_owned()),
        (
            "GOWORK",
            go_work.map_or("off".to_owned(), |path| layout.absolute(path)),
        ),
        ("HOME", paths::TEMPORARY.to_owned()),
        (
            "PATH",
            "/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                .to_owned(),
        ),
        ("TMPDIR", paths::TEMPORARY.to_owned()),
    ];
    env.extend(fixed.map(|(name, value)| (name.to_owned(), value)));
    env
}

/// Returns the variables of a step that compiles for a platform, from what it is given alone.
pub(crate) fn compiling(
    go: &Go,
    workspace: &Workspace,
    layout: Layout,
    platform: &Platform,
) -> BTreeMap<String, String> {
    let mut env = common(go, workspace, layout);
    env.extend(target(go, platform));
    // What is not in the module cache must not be looked for.
    env.insert("GOPROXY".to_owned(), "off".to_owned());
    env
}

/// Returns the variables of one target platform.
///
/// A variable that the manifest sets itself (`[go] env`) wins over the platform's variant.
pub(crate) fn target(go: &Go, platform: &Platform) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([
        ("GOARCH".to_owned(), platform.architecture.clone()),
        ("GOOS".to_owned(), platform.os.clone()),
    ]);
    if let Some((name, value)) = micro_architecture(platform)
        && !go.env.contains_key(name)
    {
        env.insert(name.to_owned(), value);
    }
    env
}

/// Returns the `GOAMD64`-like variable that a platform's variant stands for.
pub(crate) fn micro_architecture(platform: &Platform) -> Option<(&'static str, String)> {
    let variant = platform.variant.as_deref()?;
    match platform.architecture.as_str() {
        "amd64" => Some(("GOAMD64", variant.to_owned())),
        "arm" => Some(("GOARM", variant.trim_start_matches('v').to_owned())),
        // GOARM64 takes `v8.0` to `v9.5`; the OCI variants `v8` and `v9` are its `.0` levels.
        "arm64" if variant.contains('.') => Some(("GOARM64", variant.to_owned())),
        "arm64" => Some(("GOARM64", format!("{variant}.0"))),
        "riscv64" => Some(("GORISCV64", variant.to_owned())),
        "ppc64le" => Some(("GOPPC64", variant.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_become_the_variables_that_go_reads() {
        let env = |platform: &str| target(&Go::default(), &platform.parse().unwrap());
        assert_eq!(env("linux/arm/v7")["GOARM"], "7");
        assert_eq!(env("linux/amd64/v3")["GOAMD64"], "v3");
        assert_eq!(env("linux/arm64/v9")["GOARM64"], "v9.0");
        assert_eq!(
            env("linux/arm64").keys().collect::<Vec<_>>(),
            ["GOARCH", "GOOS"]
        );
        let mut go = Go::default();
        go.env.insert("GOAMD64".to_owned(), "v2".to_owned());
        assert_eq!(
            target(&go, &"linux/amd64/v3".parse().unwrap()).get("GOAMD64"),
            None
        );
    }
}

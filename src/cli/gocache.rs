//! Where Go's build caches of this machine are.

use std::path::PathBuf;

use super::settings;
use crate::error::Error;
use crate::toolchain::goenv::GoEnv;

/// Returns the folder that `gobuild cacheprog` shares with plain `go`.
pub(super) fn own() -> Result<PathBuf, Error> {
    let named = named("GOBUILD_CACHEPROG_DIR").or_else(|| named("GOCACHE"));
    named.map_or_else(usual, Ok)
}

/// Returns the folder that the `go` command of this machine keeps what it compiles in.
pub(super) fn of_go() -> Result<PathBuf, Error> {
    if let Some(named) = named("GOCACHE") {
        return Ok(named);
    }
    // `go env -w` may have set it. No project has a say in that.
    let told = match GoEnv::read(&settings::host()?, &std::env::temp_dir()) {
        Ok(settings) => told(&settings),
        Err(error) => {
            tracing::debug!(%error, "go does not say where its build cache is");
            None
        }
    };
    told.map_or_else(usual, Ok)
}

/// Returns the folder that `go` says it is; it has other words for having none.
fn told(settings: &GoEnv) -> Option<PathBuf> {
    let told = settings.get("GOCACHE").map(PathBuf::from);
    told.filter(|path| path.is_absolute())
}

/// Returns the folder of a `go` that nobody has told another one.
fn usual() -> Result<PathBuf, Error> {
    Ok(settings::folder("XDG_CACHE_HOME", ".cache")?.join("go-build"))
}

fn named(variable: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|path| !path.is_empty());
    named.map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_says_where_it_is() {
        let of = |said: &str| {
            let lookup = |name: &str| (name == "GOCACHE").then(|| said.to_owned());
            told(&GoEnv::from_lookup(lookup))
        };
        assert_eq!(of("/kept/by/go"), Some(PathBuf::from("/kept/by/go")));
        assert_eq!(of("off"), None);
        assert_eq!(of(""), None);
    }
}

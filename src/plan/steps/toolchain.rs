//! Which Go, and from where.

use crate::plan::{ToolchainSource, ToolchainStep};
use crate::project::golang::version::GoVersion;
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::{Go, Modules, Toolchain};

/// Go that compiles projects whose module files name no exact release: the newest one when this
/// version of gobuild was made. A constant, so that everyone with this gobuild builds the same.
pub const DEFAULT_GO: &str = "1.26.8";

/// Image repository that `toolchain = "auto"` falls back to.
pub(crate) const GOLANG_IMAGE: &str = "docker.io/library/golang";

/// First release that the module proxy serves as a toolchain.
const OLDEST_SERVED: &str = "1.21.0";

/// A version in the manifest that is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a Go version such as 1.26.3")]
pub struct NotAVersion {
    /// The text as given.
    pub given: String,
}

/// Returns the exact version that compiles the project.
///
/// The manifest's `go.version`; else the release that the `toolchain` or the `go` line names, the
/// later one if both do; else [`DEFAULT_GO`], or the first release of a newer language version.
///
/// # Errors
/// The manifest's version is malformed.
pub(crate) fn version(go: &Go, workspace: &Workspace) -> Result<GoVersion, NotAVersion> {
    let parse = |given: &str| {
        GoVersion::parse(given).ok_or_else(|| NotAVersion {
            given: given.to_owned(),
        })
    };
    let default = parse(DEFAULT_GO)?;
    if let Some(given) = &go.version {
        let version = parse(given.strip_prefix("go").unwrap_or(given))?;
        return Ok(match version.is_language() {
            true if version.language() == default.language() => default,
            true => version.release(),
            false => version,
        });
    }
    Ok(match workspace.minimum_toolchain() {
        Some(named) if named < parse(OLDEST_SERVED)? => default,
        Some(named) if !named.is_language() => named,
        Some(named) => named.release().max(default),
        None => default,
    })
}

/// Returns where the toolchain comes from.
///
/// `auto` is the proxy's, unless the build needs a C compiler (cgo) or git (private modules
/// that no proxy serves): then it is the `golang` image.
pub(crate) fn step(go: &Go, modules: &Modules, version: &GoVersion) -> ToolchainStep {
    let source = match &go.toolchain {
        Toolchain::Proxy => ToolchainSource::Proxy,
        Toolchain::Host => ToolchainSource::Host,
        Toolchain::Image(reference) => {
            ToolchainSource::Image(reference.clone().or_latest().to_string())
        }
        Toolchain::Auto if go.cgo || !modules.private.is_empty() => {
            ToolchainSource::Image(format!("{GOLANG_IMAGE}:{}", version.as_str()))
        }
        Toolchain::Auto => ToolchainSource::Proxy,
    };
    ToolchainStep {
        version: version.as_str().to_owned(),
        source,
        locked: None,
    }
}

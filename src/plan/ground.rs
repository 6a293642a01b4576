//! What plans stand on: which Go, which platforms, and where the packages of each are loaded.

use std::collections::BTreeSet;

use super::Request;
use super::context::context;
use super::error::PlanError;
use super::steps::toolchain;
use crate::oci::Platform;
use crate::project::golang::graph::Loader;
use crate::project::golang::source::Sources;
use crate::project::golang::version::GoVersion;
use crate::project::golang::workspace::Resolver;
use crate::project::manifest::Values;

/// What a request comes to before programs are looked for.
pub(super) struct Ground<'a> {
    pub(super) version: &'a GoVersion,
    /// One for each target platform.
    pub(super) loaders: Vec<(&'a Platform, Loader<'a>)>,
    /// Values of template variables, but for binary and platform.
    pub(super) values: Values,
}

/// Does `work` on the ground of a request.
pub(super) fn with_ground<T>(
    request: &Request<'_>,
    work: impl FnOnce(Ground<'_>) -> Result<T, PlanError>,
) -> Result<T, PlanError> {
    let go = &request.manifest.go;
    let version = toolchain::version(go, request.workspace)?;
    let platforms = platforms(request);
    let resolver = Resolver::new(request.workspace, request.tree).with_toolchain(&version);
    let sources = Sources::new(request.tree);
    let loaders = platforms.iter().map(|platform| {
        let context = context(go, platform, &version);
        let loader = Loader::new(request.workspace, &resolver, &sources, context);
        (platform, loader)
    });
    work(Ground {
        version: &version,
        loaders: loaders.collect(),
        values: Values {
            go_version: Some(version.as_str().to_owned()),
            ..request.values.clone()
        },
    })
}

/// Returns the target platforms, each once, in the order of their first mention.
fn platforms(request: &Request<'_>) -> Vec<Platform> {
    let manifest = &request.manifest.build.platforms;
    let wanted = if request.platforms.is_empty() {
        manifest
    } else {
        request.platforms
    };
    let default = std::slice::from_ref(request.build_platform);
    let wanted = if wanted.is_empty() { default } else { wanted };
    let mut seen = BTreeSet::new();
    wanted
        .iter()
        .filter(|platform| seen.insert(*platform))
        .cloned()
        .collect()
}

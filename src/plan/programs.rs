//! What the programs of a plan are compiled from, package by package.
//!
//! A plan keeps just the files. Who looks into the sources, as checks do, asks here.

use std::sync::Arc;

use super::context::context;
use super::steps::toolchain;
use super::{Plan, PlanError, Request};
use crate::project::golang::graph::{Closure, Loader};
use crate::project::golang::source::Sources;
use crate::project::golang::workspace::Resolver;

/// Returns the closure of every compile step of a plan, in the plan's order.
///
/// # Errors
/// As those of [`super::plan`], of which `plan` is what it returned for the same request.
pub fn programs(request: Request<'_>, plan: &Plan) -> Result<Vec<Arc<Closure>>, PlanError> {
    let go = &request.manifest.go;
    let version = toolchain::version(go, request.workspace)?;
    let resolver = Resolver::new(request.workspace, request.tree).with_toolchain(&version);
    let sources = Sources::new(request.tree);
    let mut loaders = Vec::new();
    let mut closures = Vec::new();
    for step in &plan.compiles {
        let known = loaders
            .iter()
            .position(|(platform, _)| *platform == &step.platform);
        let index = known.unwrap_or_else(|| {
            let context = context(go, &step.platform, &version);
            let loader = Loader::new(request.workspace, &resolver, &sources, context);
            loaders.push((&step.platform, loader));
            loaders.len() - 1
        });
        let (_, loader) = &loaders[index];
        closures.push(Arc::new(loader.closure(&step.package)?));
    }
    Ok(closures)
}

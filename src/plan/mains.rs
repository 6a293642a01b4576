//! Which programs package patterns mean, and which of the platforms have each.
//!
//! Build constraints may hide a program from some platforms. One that a wildcard comes across is
//! built for the others; one that is named outright must be there on all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::PlanError;
use crate::oci::Platform;
use crate::project::golang::graph::{GraphError, Loader, MainPackage};
use crate::project::tree::TreePath;

/// A program that patterns mean.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) main: MainPackage,
    /// Whether a pattern without a wildcard means it.
    named: bool,
    /// The platforms that have it, by their number.
    platforms: BTreeSet<usize>,
}

impl Program {
    /// Tells whether a platform has it.
    pub(super) fn is_on(&self, platform: usize) -> bool {
        self.platforms.contains(&platform)
    }

    /// Tells whether images of a platform are to have it, be it there or not.
    pub(super) fn is_for(&self, platform: usize) -> bool {
        self.named || self.is_on(platform)
    }
}

/// Finds programs in the order of the patterns, each once. Platforms are numbered as their loaders
/// are.
pub(super) fn programs(
    loaders: &[(&Platform, Loader<'_>)],
    project: &TreePath,
    patterns: &[String],
) -> Result<Vec<Program>, PlanError> {
    let mut programs: Vec<Program> = Vec::new();
    for pattern in patterns {
        let named = !is_wildcard(pattern);
        for (main, platforms) in matching(loaders, project, pattern)? {
            match programs.iter_mut().find(|known| known.main == main) {
                Some(known) => {
                    known.named |= named;
                    known.platforms.extend(platforms);
                }
                None => programs.push(Program {
                    main,
                    named,
                    platforms,
                }),
            }
        }
    }
    Ok(programs)
}

/// Returns the programs of one pattern and the platforms of each.
fn matching(
    loaders: &[(&Platform, Loader<'_>)],
    project: &TreePath,
    pattern: &str,
) -> Result<BTreeMap<MainPackage, BTreeSet<usize>>, PlanError> {
    let mut found: BTreeMap<MainPackage, BTreeSet<usize>> = BTreeMap::new();
    let mut failure: Option<(&Platform, Arc<GraphError>)> = None;
    for (number, (platform, loader)) in loaders.iter().enumerate() {
        // A faulty program says more than that there is none.
        let says_more = failure.as_ref().is_none_or(|(_, known)| is_absence(known));
        match loader.mains(project, &[pattern.to_owned()]) {
            Ok(mains) => {
                for main in mains {
                    found.entry(main).or_default().insert(number);
                }
            }
            Err(fault) if says_more => failure = Some((*platform, fault)),
            Err(_) => {}
        }
    }
    match failure {
        Some((_, fault)) if found.is_empty() => Err(fault.into()),
        // It may hide programs that the platform has.
        Some((platform, fault)) if is_wildcard(pattern) && !is_absence(&fault) => {
            Err(PlanError::OnPlatform {
                platform: platform.clone(),
                fault,
            })
        }
        _ => Ok(found),
    }
}

fn is_wildcard(pattern: &str) -> bool {
    pattern.contains("...")
}

fn is_absence(fault: &GraphError) -> bool {
    matches!(fault, GraphError::NoMatch { .. })
}

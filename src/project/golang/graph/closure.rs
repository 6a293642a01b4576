//! Everything that one program is compiled from.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::error::{CycleStep, GraphError};
use super::{Loader, Node};
use crate::project::golang::source::{ImportSite, Package};
use crate::project::golang::workspace::Resolution;
use crate::project::tree::{EntryKind, TreePath};

/// A program and all that it needs from the tree. Module files are not part of it.
#[derive(Clone, Debug)]
pub struct Closure {
    /// Import path of the program.
    pub import_path: String,
    /// Its folder.
    pub directory: TreePath,
    /// Every package in the tree that takes part, the program included, by import path.
    pub packages: BTreeMap<String, Arc<Package>>,
    /// Every file that compiling them reads, embedded files and the profile included.
    pub files: BTreeSet<TreePath>,
    /// The `default.pgo` beside the program, if it is used. It has a say in the compilation of
    /// every package below, standard and external ones included.
    pub profile: Option<TreePath>,
    /// Packages of downloaded modules that packages in the tree import.
    pub external: BTreeSet<String>,
    /// Packages of the standard library that packages in the tree import.
    pub standard: BTreeSet<String>,
}

/// A package whose imports are being followed.
struct Frame {
    import_path: String,
    node: Arc<Node>,
    /// Index of the edge to follow next.
    next: usize,
}

impl Loader<'_> {
    /// Computes what the program in a folder is compiled from.
    ///
    /// # Errors
    /// The folder is no program of a module here, or something that it needs is missing,
    /// faulty or forbidden: the first such fault in the order of import paths, depth first.
    pub fn closure(&self, directory: &TreePath) -> Result<Closure, Arc<GraphError>> {
        let import_path =
            self.workspace
                .import_path_of(directory)
                .ok_or_else(|| GraphError::OutsideModules {
                    directory: directory.clone(),
                    go_mod: None,
                })?;
        let node = self.node(&import_path, directory, None)?;
        if !node.package.is_main() {
            return Err(Arc::new(GraphError::NotMain {
                directory: directory.clone(),
                name: node.package.name.clone(),
            }));
        }
        let mut closure = Closure {
            import_path: import_path.clone(),
            directory: directory.clone(),
            packages: BTreeMap::new(),
            files: BTreeSet::new(),
            profile: self.profile(directory)?,
            external: BTreeSet::new(),
            standard: BTreeSet::new(),
        };
        self.follow(import_path, node, &mut closure)?;
        closure.files.extend(closure.profile.clone());
        Ok(closure)
    }

    fn profile(&self, directory: &TreePath) -> Result<Option<TreePath>, Arc<GraphError>> {
        let path = directory.join("default.pgo");
        let kind = self.sources.tree().kind(&path);
        let is_file = matches!(
            kind.map_err(GraphError::from)?,
            Some(EntryKind::File { .. })
        );
        Ok((self.context.pgo_auto && is_file).then_some(path))
    }

    /// Adds a package and all below it, depth first with a stack of its own: an import chain
    /// can be longer than a thread's.
    fn follow(
        &self,
        import_path: String,
        node: Arc<Node>,
        closure: &mut Closure,
    ) -> Result<(), Arc<GraphError>> {
        let mut open: HashSet<String> = HashSet::from([import_path.clone()]);
        let mut stack = vec![Frame {
            import_path,
            node,
            next: 0,
        }];
        while let Some(frame) = stack.last_mut() {
            let Some(edge) = frame.node.edges.get(frame.next) else {
                if let Some(done) = stack.pop() {
                    open.remove(&done.import_path);
                    closure.files.extend(done.node.files.iter().cloned());
                    let package = Arc::clone(&done.node.package);
                    closure.packages.insert(done.import_path, package);
                }
                continue;
            };
            frame.next += 1;
            let target = &edge.import_path;
            let directory = match &edge.resolution {
                Resolution::Standard => {
                    insert(&mut closure.standard, target);
                    continue;
                }
                Resolution::External { .. } => {
                    insert(&mut closure.external, target);
                    continue;
                }
                Resolution::Local(directory) => directory,
            };
            if open.contains(target) {
                let target = target.clone();
                return Err(Arc::new(cycle(&stack, &target)));
            }
            let site = frame.node.site(target);
            if let Some(known) = closure.packages.get(target) {
                check_library(known, target, site)?;
                continue;
            }
            let node = self.node(target, directory, site)?;
            check_library(&node.package, target, site)?;
            let import_path = target.clone();
            open.insert(import_path.clone());
            stack.push(Frame {
                import_path,
                node,
                next: 0,
            });
        }
        Ok(())
    }
}

/// Inserts a path that most often is there already.
fn insert(paths: &mut BTreeSet<String>, path: &str) {
    if !paths.contains(path) {
        paths.insert(path.to_owned());
    }
}

fn check_library(
    package: &Package,
    import_path: &str,
    site: Option<&ImportSite>,
) -> Result<(), Arc<GraphError>> {
    match site {
        Some(site) if package.is_main() => Err(Arc::new(GraphError::Program {
            site: site.clone(),
            import_path: import_path.to_owned(),
        })),
        _ => Ok(()),
    }
}

/// Describes the circle that an import of `target` from the top of the stack closes.
fn cycle(stack: &[Frame], target: &str) -> GraphError {
    let start = stack
        .iter()
        .position(|frame| frame.import_path == target)
        .unwrap_or_default();
    let circle = stack.get(start..).unwrap_or_default();
    let targets = circle
        .iter()
        .skip(1)
        .map(|frame| frame.import_path.as_str())
        .chain([target]);
    let steps = circle.iter().zip(targets).filter_map(|(frame, target)| {
        Some(CycleStep {
            importer: frame.import_path.clone(),
            site: frame.node.site(target)?.clone(),
        })
    });
    GraphError::Cycle {
        steps: steps.collect(),
    }
}

//! Presents sets of project files, each as a digest-keyed layout.
//!
//! The files of a main package's folder are a layer upon the others: whoever edits one of them has
//! the daemon fetch and unpack that small layer alone. What a layer's digest was is remembered for
//! as long as none of its files changes, so that a build in which nothing changed reads none of
//! them; see [`memory`].

#![expect(
    clippy::disallowed_methods,
    reason = "what is remembered must be older than a moment"
)]

mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use memory::Memory;

use crate::content::{
    Attributes, Compression, FileCache, Layer, LayerBuilder, Layout, Store, pack_layers,
};
use crate::llb::Output;
use crate::pipeline::present::{PresentError, serve};
use crate::pipeline::project::ProjectTree;
use crate::pipeline::state::Files;
use crate::plan::{Layout as ContainerLayout, Plan};
use crate::project::tree::TreePath;

/// Memory that packing may hold file contents in, so that a file of many closures is read once.
const FILE_MEMORY: u64 = 256 << 20;

/// What is known of a set of files.
struct Set<'a> {
    /// What progress displays call it.
    name: String,
    /// Tells sets of one name apart.
    number: usize,
    /// The folder of the main package that it is for.
    main: Option<&'a TreePath>,
}

/// The files of one layer.
struct Part<'a> {
    /// What it is remembered by.
    name: String,
    places: ContainerLayout,
    files: Vec<&'a TreePath>,
}

/// Packs every set of files that a step of `plan` sees. `cache` is a folder for what may be lost.
///
/// # Errors
/// A file is gone or unreadable.
pub(super) fn pack<'a>(
    plan: &'a Plan,
    tree: &'a ProjectTree,
    store: &Store,
    cache: &Path,
) -> Result<BTreeMap<&'a BTreeSet<TreePath>, Output>, PresentError> {
    let sets = sets(plan);
    let parts: Vec<Vec<Part<'_>>> = sets.iter().map(|(files, set)| parts(files, set)).collect();
    let all: Vec<&Part<'_>> = parts.iter().flatten().collect();
    let mut layers = layers(&all, tree, cache, SystemTime::now())?.into_iter();
    let mut outputs = BTreeMap::new();
    for ((files, set), parts) in sets.into_iter().zip(&parts) {
        let layers: Vec<Layer> = layers.by_ref().take(parts.len()).collect();
        let layout = Layout::new("gobuild/closure", &plan.build_platform, &layers)?;
        outputs.insert(
            files,
            serve(store, layout, &plan.build_platform, &set.name)?,
        );
    }
    Ok(outputs)
}

/// Returns the sets of files that steps see, each once.
fn sets(plan: &Plan) -> BTreeMap<&BTreeSet<TreePath>, Set<'_>> {
    let mut sets = BTreeMap::new();
    for step in &plan.compiles {
        let set = || Set {
            name: format!("sources of {} {}", step.binary, step.platform),
            number: 0,
            main: Some(&step.package),
        };
        sets.entry(&step.inputs).or_insert_with(set);
    }
    let modules = plan.modules.iter().map(|step| &step.inputs);
    let packages = plan.packages.iter().map(|step| &step.inputs);
    let others = modules.chain(packages).filter(|inputs| !inputs.is_empty());
    for (number, inputs) in others.enumerate() {
        let set = || Set {
            name: "module files".to_owned(),
            number,
            main: None,
        };
        sets.entry(inputs).or_insert_with(set);
    }
    sets
}

/// Returns the layers of a set, lowest first.
fn parts<'a>(files: &'a BTreeSet<TreePath>, set: &Set<'_>) -> Vec<Part<'a>> {
    let places = ContainerLayout::of(files);
    let is_main = |path: &&TreePath| set.main.is_some_and(|main| path.parent() == *main);
    let (main, others): (Vec<_>, Vec<_>) = files.iter().partition(is_main);
    [("", others), (", its own", main)]
        .into_iter()
        .filter(|(_, files)| !files.is_empty())
        .map(|(which, files)| Part {
            // The place of every file follows from its path and this one.
            name: format!(
                "{} {}{which}{}",
                set.name,
                set.number,
                places.relative(&TreePath::root())
            ),
            places,
            files,
        })
        .collect()
}

/// Returns the layers of all parts, in their order: those that are remembered, and those that are
/// packed now.
fn layers<'a>(
    parts: &[&Part<'a>],
    tree: &'a ProjectTree,
    cache: &Path,
    now: SystemTime,
) -> Result<Vec<Layer>, PresentError> {
    let mut memory = Memory::read(cache, tree.inner().root(), now);
    let mut files = Files::of(tree);
    let mut found = Vec::with_capacity(parts.len());
    let mut unknown = Vec::new();
    for part in parts {
        let fingerprint = files.fingerprint(part.files.iter().copied())?;
        let layer = memory.layer(&part.name, &fingerprint, builder(part, &mut files)?);
        let known = layer.map_err(|builder| unknown.push(builder)).ok();
        found.push((fingerprint, known));
    }
    let contents = FileCache::new(FILE_MEMORY);
    let mut packed = pack_layers(&unknown, &contents, Compression::None)?.into_iter();
    let mut layers = Vec::with_capacity(parts.len());
    for (part, (fingerprint, known)) in parts.iter().zip(found) {
        let layer = match known {
            Some(layer) => layer,
            None => {
                // One was packed for each part that was not known.
                let Some(layer) = packed.next() else { break };
                memory.remember(&part.name, &fingerprint, &layer);
                layer
            }
        };
        layers.push(layer);
    }
    memory.write();
    Ok(layers)
}

/// Returns a layer of files, each at its place in step containers. Modes are not the disk's: no
/// compiler reads them, and they differ between checkouts. Nor are times, but they must differ where
/// contents do: `go` keeps what it has read of a folder (imports, constraints, patterns of embedded
/// files) in its build cache under the names, sizes and times of its files (`dirHash` of
/// `cmd/go/internal/modindex`).
fn builder<'a>(part: &Part<'a>, files: &mut Files<'a>) -> Result<LayerBuilder, PresentError> {
    let mut layer = LayerBuilder::new();
    // The folder that `go` runs in exists even if all files lie elsewhere.
    let root = part.places.relative(&TreePath::root());
    if !root.is_root() {
        layer.directory(root.as_str(), Attributes::DIRECTORY)?;
    }
    for &path in &part.files {
        let place = part.places.relative(path);
        layer.source_file(place.as_str(), files.source(path)?, Attributes::FILE)?;
    }
    Ok(layer)
}

#[cfg(test)]
mod tests;

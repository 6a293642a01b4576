//! What a vertex carries beside its op. None of it is part of the digest, so renaming a step or
//! moving it to another progress group never invalidates a cache.
//!
//! Source: BuildKit `OpMetadata` in `solver/pb/ops.proto`, `mergeMetadata` in `client/llb/state.go`.

use std::collections::BTreeMap;

use buildkit_proto::pb;

use super::caps;
use super::sourcemap::Location;

/// The description key that BuildKit shows instead of the name it derives from the op.
pub const CUSTOM_NAME: &str = "llb.customname";

/// Display and cache settings of one vertex.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    description: BTreeMap<String, String>,
    ignore_cache: bool,
    export_cache: Option<bool>,
    progress_group: Option<ProgressGroup>,
    locations: Vec<Location>,
}

/// Vertices that a progress display folds into one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgressGroup {
    /// Identity of the group, unique within a build.
    pub id: String,
    /// What is displayed.
    pub name: String,
    /// Whether a display may still show the members one by one.
    pub weak: bool,
}

impl Metadata {
    /// Returns metadata with a display name.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self::default().describe(CUSTOM_NAME, name)
    }

    /// Adds a description entry; buildkitd returns all entries with an error of the vertex.
    #[must_use]
    pub fn describe(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.description.insert(key.into(), value.into());
        self
    }

    /// Makes the vertex run whatever the cache holds, with its cache mounts emptied.
    #[must_use]
    pub fn ignore_cache(mut self) -> Self {
        self.ignore_cache = true;
        self
    }

    /// Forces (`true`) or forbids (`false`) exporting the result with the cache.
    #[must_use]
    pub fn export_cache(mut self, export: bool) -> Self {
        self.export_cache = Some(export);
        self
    }

    /// Puts the vertex into a progress group.
    #[must_use]
    pub fn group(mut self, group: ProgressGroup) -> Self {
        self.progress_group = Some(group);
        self
    }

    /// Adds a place in the user's files that this vertex stems from.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.locations.push(location);
        self
    }

    /// Returns the source locations in the order they were added.
    pub(super) fn locations(&self) -> &[Location] {
        &self.locations
    }

    /// Merges this metadata and capabilities into the wire entry of a digest.
    ///
    /// Two vertices with equal bytes are one entry; the later one wins where they differ.
    pub(super) fn merge_into(&self, entry: &mut pb::OpMetadata, capabilities: &[&str]) {
        entry.ignore_cache |= self.ignore_cache;
        entry.description.extend(self.description.clone());
        if let Some(value) = self.export_cache {
            entry.export_cache = Some(pb::ExportCache { value });
        }
        for capability in capabilities {
            entry.caps.insert((*capability).to_owned(), true);
        }
        if let Some(group) = &self.progress_group {
            entry.progress_group = Some(pb::ProgressGroup {
                id: group.id.clone(),
                name: group.name.clone(),
                weak: group.weak,
            });
        }
    }
}

/// Returns the terminal op's entry: the capabilities that the definition as a whole asks for.
pub(super) fn terminal<'a>(entries: impl Iterator<Item = &'a pb::OpMetadata>) -> pb::OpMetadata {
    let mut terminal = pb::OpMetadata::default();
    let mut require = |capability: &str| terminal.caps.insert(capability.to_owned(), true);
    require(caps::CONSTRAINTS);
    require(caps::PLATFORM);
    for entry in entries {
        if entry.ignore_cache {
            require(caps::META_IGNORE_CACHE);
        }
        if !entry.description.is_empty() {
            require(caps::META_DESCRIPTION);
        }
        if entry.export_cache.is_some() {
            require(caps::META_EXPORT_CACHE);
        }
    }
    terminal
}

//! Places in the user's files that vertices stem from, so that a failing step is reported with
//! the lines that asked for it.
//!
//! A [`SourceFile`] is shared by all its [`Location`]s; files with equal content become one entry
//! of the definition, in first-use order. Lines and characters are kept as given; BuildKit prints
//! lines as counted from 1. Source: BuildKit `client/llb/sourcemap.go`.

use std::collections::BTreeMap;
use std::sync::Arc;

use buildkit_proto::pb;

use super::digest::Digest;

/// A file whose lines are cited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Name as the user knows it.
    pub filename: String,
    /// Language name in the spelling of linguist, e.g. `TOML`.
    pub language: String,
    /// The whole content.
    pub data: Vec<u8>,
}

/// A line and a character within it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Line, counted from 1.
    pub line: u32,
    /// Character within the line, counted from 0.
    pub character: u32,
}

/// A range of text, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where the range starts.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// Ranges of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    file: Arc<SourceFile>,
    spans: Vec<Span>,
}

impl SourceFile {
    /// Returns the location of some ranges of this file.
    #[must_use]
    pub fn location(self: &Arc<Self>, spans: impl IntoIterator<Item = Span>) -> Location {
        Location {
            file: Arc::clone(self),
            spans: spans.into_iter().collect(),
        }
    }
}

impl Span {
    /// Returns the range of whole lines from `first` to `last`.
    #[must_use]
    pub fn lines(first: u32, last: u32) -> Self {
        let line = |line| Position { line, character: 0 };
        Self {
            start: line(first),
            end: line(last),
        }
    }
}

impl From<Position> for pb::Position {
    fn from(position: Position) -> Self {
        let clamp = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
        Self {
            line: clamp(position.line),
            character: clamp(position.character),
        }
    }
}

impl From<Span> for pb::Range {
    fn from(span: Span) -> Self {
        Self {
            start: Some(span.start.into()),
            end: Some(span.end.into()),
        }
    }
}

/// Gathers the locations of a definition's vertices into its wire form.
#[derive(Default)]
pub(super) struct Collector<'a> {
    files: Vec<&'a Arc<SourceFile>>,
    locations: BTreeMap<Digest, Vec<pb::Location>>,
}

impl<'a> Collector<'a> {
    /// Adds the locations of one vertex.
    pub(super) fn add(&mut self, digest: Digest, locations: &'a [Location]) {
        for location in locations {
            let index = self.index(&location.file);
            let spans = location.spans.iter().copied().map(Into::into);
            self.locations
                .entry(digest)
                .or_default()
                .push(pb::Location {
                    source_index: i32::try_from(index).unwrap_or(i32::MAX),
                    ranges: spans.collect(),
                });
        }
    }

    fn index(&mut self, file: &'a Arc<SourceFile>) -> usize {
        // Almost always the same allocation; content is compared only where it is not.
        let known = self
            .files
            .iter()
            .position(|known| Arc::ptr_eq(known, file) || known == &file);
        known.unwrap_or_else(|| {
            self.files.push(file);
            self.files.len() - 1
        })
    }

    /// Returns the wire form; `None` if no vertex has a location.
    pub(super) fn finish(self) -> Option<pb::Source> {
        if self.files.is_empty() {
            return None;
        }
        let infos = self.files.into_iter().map(|file| pb::SourceInfo {
            filename: file.filename.clone(),
            data: file.data.clone(),
            definition: None,
            language: file.language.clone(),
        });
        let locations = self
            .locations
            .into_iter()
            .map(|(digest, locations)| (digest.to_string(), pb::Locations { locations }));
        Some(pb::Source {
            locations: locations.collect(),
            infos: infos.collect(),
        })
    }
}

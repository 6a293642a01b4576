//! What is found, and where.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::Rule;
use crate::project::tree::{Tree, TreePath};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It cannot be built, or would fail for certain.
    Error,
    /// It is doubtful.
    Warning,
}

/// One thing that is wrong or doubtful.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule that found it; none for what keeps the project from being built.
    pub rule: Option<&'static Rule>,
    /// How bad it is.
    pub level: Level,
    /// What it is: a lower-case fragment.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
    /// Where it shows, with a word on what stands there; the first is the main place.
    pub labels: Vec<(Place, Option<String>)>,
}

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The manifest's name, or a path in the tree.
    pub file: String,
    /// Where it begins.
    pub start: Point,
    /// Where it ends: before this.
    pub end: Point,
}

/// A line and a column, both from 1; columns count bytes, as Go's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Point {
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// All that is found in a project.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Errors first, then by file and place.
    pub findings: Vec<Finding>,
    /// Texts of the files that findings show, by name.
    pub sources: BTreeMap<String, String>,
    /// Whether warnings count as errors.
    pub error_on_warnings: bool,
}

impl Report {
    /// Returns a report of these findings, with no source read.
    #[must_use]
    pub fn new(mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|a, b| {
            (a.level, a.place(), &a.message).cmp(&(b.level, b.place(), &b.message))
        });
        Self {
            findings,
            ..Self::default()
        }
    }

    /// Adds the text of a file.
    pub fn add_source(&mut self, name: &str, text: &str) {
        self.sources.insert(name.to_owned(), text.to_owned());
    }

    /// Reads the files that findings show, as far as they are known by their path in the tree and
    /// can be read.
    pub fn read_sources(&mut self, tree: &dyn Tree) {
        let places = self.findings.iter().flat_map(|finding| &finding.labels);
        for (place, _) in places {
            if self.sources.contains_key(&place.file) {
                continue;
            }
            let bytes = tree.read(&TreePath::new(&place.file));
            let text = bytes.ok().flatten().map(|bytes| bytes.to_vec());
            if let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) {
                self.sources.insert(place.file.clone(), text);
            }
        }
    }

    /// Returns how many errors there are.
    #[must_use]
    pub fn errors(&self) -> usize {
        self.count(Level::Error)
    }

    /// Returns how many warnings there are.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.count(Level::Warning)
    }

    /// Returns whether the project does not pass.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.errors() > 0 || (self.error_on_warnings && self.warnings() > 0)
    }

    fn count(&self, level: Level) -> usize {
        let found = self.findings.iter();
        found.filter(|finding| finding.level == level).count()
    }
}

impl Finding {
    /// Returns an error that no rule found.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            rule: None,
            level: Level::Error,
            message: message.into(),
            help: None,
            labels: Vec::new(),
        }
    }

    /// Returns the main place.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.labels.first().map(|(place, _)| place)
    }
}

impl Place {
    /// Returns the place of a byte range.
    #[must_use]
    pub fn of_range(file: &str, text: &str, range: Range<usize>) -> Self {
        Self {
            file: file.to_owned(),
            start: Point::of(text, range.start),
            end: Point::of(text, range.end),
        }
    }

    /// Returns the place of a whole line, counted from 1.
    #[must_use]
    pub fn of_line(file: &str, text: &str, line: u32) -> Self {
        let content = text.lines().nth(index(line)).unwrap_or_default();
        Self {
            file: file.to_owned(),
            start: Point { line, column: 1 },
            end: Point {
                line,
                column: count(content.trim_end().len()).saturating_add(1),
            },
        }
    }

    /// Returns the byte range in the file's text.
    #[must_use]
    pub fn range(&self, text: &str) -> Range<usize> {
        let start = self.start.offset(text);
        start..self.end.offset(text).max(start)
    }
}

impl Point {
    /// The first byte of a file.
    pub const FIRST: Self = Self { line: 1, column: 1 };

    /// Returns the point of a byte offset.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n');
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        Self {
            line: count(lines).saturating_add(1),
            column: count(before.len() - line_start.map_or(0, |at| at + 1)).saturating_add(1),
        }
    }

    /// Returns the byte offset of the point, at most the end of its line.
    #[must_use]
    pub fn offset(self, text: &str) -> usize {
        let mut start = 0;
        for (number, line) in text.split_inclusive('\n').enumerate() {
            if number == index(self.line) {
                let length = line.trim_end_matches(['\n', '\r']).len();
                let mut at = start + index(self.column).min(length);
                while !text.is_char_boundary(at) {
                    at -= 1;
                }
                return at;
            }
            start += line.len();
        }
        text.len()
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn index(number: u32) -> usize {
    usize::try_from(number)
        .unwrap_or(usize::MAX)
        .saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_and_offsets_are_the_same_place() {
        let text = "a = 1\r\nä = \"x\"\n\nend";
        for offset in [0, 4, 7, 9, 15, 16, 17, 20] {
            let point = Point::of(text, offset);
            assert_eq!(point.offset(text), offset, "{offset} {point:?}");
        }
        assert_eq!(Point::of(text, 17), Point { line: 4, column: 1 });
    }

    #[test]
    fn a_point_past_its_line_or_file_is_the_end() {
        let text = "ab\ncd";
        assert_eq!(Point { line: 1, column: 9 }.offset(text), 2);
        assert_eq!(Point { line: 9, column: 1 }.offset(text), 5);
    }
}

//! A report as JSON, for programs: `gobuild check --format json`.

use serde::Serialize;

use super::{Finding, Level, Place, Point, Report};

/// Version of the JSON's shape, raised when a reader would notice.
pub const REPORT_VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    errors: usize,
    warnings: usize,
    findings: Vec<WrittenFinding<'a>>,
}

#[derive(Serialize)]
struct WrittenFinding<'a> {
    /// Name of the rule; absent for what keeps the project from being built.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'static str>,
    level: Level,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<WrittenPlace<'a>>,
}

#[derive(Serialize)]
struct WrittenPlace<'a> {
    file: &'a str,
    start: Point,
    end: Point,
    /// First byte and the one after the last; absent if the file's text is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<[usize; 2]>,
}

impl Report {
    /// Returns the report as JSON, indented.
    ///
    /// # Errors
    /// None that is known of: all of it are numbers and texts.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(&Written {
            version: REPORT_VERSION,
            errors: self.errors(),
            warnings: self.warnings(),
            findings: self.findings.iter().map(|f| self.written(f)).collect(),
        })
    }

    fn written<'a>(&'a self, finding: &'a Finding) -> WrittenFinding<'a> {
        WrittenFinding {
            rule: finding.rule.map(|rule| rule.name),
            level: finding.level,
            message: &finding.message,
            help: finding.help.as_deref(),
            place: finding.place().map(|place| self.written_place(place)),
        }
    }

    fn written_place<'a>(&'a self, place: &'a Place) -> WrittenPlace<'a> {
        let source = self.sources.get(&place.file);
        let range = source.map(|source| place.range(source));
        WrittenPlace {
            file: &place.file,
            start: place.start,
            end: place.end,
            bytes: range.map(|range| [range.start, range.end]),
        }
    }
}

//! A report as the result of BuildKit's `frontend.lint` subrequest, version 1.0.0.
//!
//! Shape: `frontend/subrequests/lint` of BuildKit, messages of `solver/pb/ops.proto` as Go's
//! `encoding/json` writes them (bytes in base64, zeros left out). Its reader follows every
//! location without looking whether there is one, and the source of a build error without looking
//! whether there are any: so all have a location, of index -1 where a warning has no place, and a
//! build error always has a source.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::{Finding, Level, Place, Report};
use crate::project::manifest::FILE_NAME;

/// Version of the subrequest that this answers.
pub const VERSION: &str = "1.0.0";

/// An answer to the subrequest: its metadata keys.
#[derive(Clone, Debug, PartialEq)]
pub struct LintResult {
    /// `result.json`.
    pub json: Value,
    /// `result.txt`.
    pub text: String,
    /// `result.statuscode`: 1 if there is anything to say.
    pub status: u8,
}

/// Lines that are shown around those that a warning is about.
const CONTEXT: usize = 2;

/// Returns the answer that a report makes. Errors become the one build error that there can be, at
/// the place of the first.
#[must_use]
pub fn lint_result(report: &Report) -> LintResult {
    let sources = sources(report);
    let warnings = report.findings.iter();
    let warnings: Vec<&Finding> = warnings.filter(|f| f.level == Level::Warning).collect();
    let mut json = Map::new();
    json.insert(
        "warnings".to_owned(),
        warnings.iter().map(|w| warning(w, &sources)).collect(),
    );
    json.insert("sources".to_owned(), written(&sources, report));
    if let Some(error) = build_error(report, &sources) {
        json.insert("buildError".to_owned(), error);
    }
    let blocks: String = warnings.iter().map(|w| block(w, report)).collect();
    LintResult {
        json: json.into(),
        text: blocks,
        status: u8::from(!report.findings.is_empty()),
    }
}

/// Returns the index of each file that findings show.
fn sources(report: &Report) -> BTreeMap<&str, usize> {
    let places = report.findings.iter().filter_map(Finding::place);
    let mut files: Vec<&str> = Vec::new();
    // An error of no place is shown at the top of the manifest.
    let manifest = report.errors() > 0;
    for file in places
        .map(|place| place.file.as_str())
        .chain(manifest.then_some(FILE_NAME))
    {
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files.into_iter().zip(0..).collect()
}

fn written(sources: &BTreeMap<&str, usize>, report: &Report) -> Value {
    let mut ordered: Vec<(&str, usize)> = sources.iter().map(|(f, i)| (*f, *i)).collect();
    ordered.sort_by_key(|(_, index)| *index);
    let source = |(file, _): (&str, usize)| {
        let text = report.sources.get(file).map_or("", String::as_str);
        json!({
            "filename": file,
            "data": STANDARD.encode(text),
            "language": language(file),
        })
    };
    ordered.into_iter().map(source).collect()
}

fn language(file: &str) -> &'static str {
    match file.rsplit_once('.') {
        Some((_, "go")) => "Go",
        Some((_, "toml")) => "TOML",
        _ => "",
    }
}

fn warning(finding: &Finding, sources: &BTreeMap<&str, usize>) -> Value {
    let rule = finding.rule;
    json!({
        "ruleName": rule.map_or("", |rule| rule.name),
        "description": rule.map_or("", |rule| rule.description),
        "detail": detail(finding),
        "location": location(finding.place(), sources),
    })
}

/// Returns the one line that BuildKit's clients show.
fn detail(finding: &Finding) -> String {
    match &finding.help {
        Some(help) => format!("{} ({help})", finding.message),
        None => finding.message.clone(),
    }
}

fn build_error(report: &Report, sources: &BTreeMap<&str, usize>) -> Option<Value> {
    let errors = report.findings.iter();
    let errors: Vec<&Finding> = errors.filter(|f| f.level == Level::Error).collect();
    let messages: Vec<String> = errors.iter().map(|error| detail(error)).collect();
    let mut location = location(errors.first()?.place(), sources);
    if location["sourceIndex"] == -1 {
        location["sourceIndex"] = json!(sources.get(FILE_NAME).copied().unwrap_or_default());
    }
    Some(json!({
        "message": messages.join("\n"),
        "location": location,
    }))
}

fn location(place: Option<&Place>, sources: &BTreeMap<&str, usize>) -> Value {
    let known = place.and_then(|place| Some((place, sources.get(place.file.as_str())?)));
    match known {
        None => json!({ "sourceIndex": -1 }),
        Some((place, index)) => json!({
            "sourceIndex": index,
            "ranges": [{
                "start": { "line": place.start.line, "character": place.start.column - 1 },
                "end": { "line": place.end.line, "character": place.end.column - 1 },
            }],
        }),
    }
}

/// Returns a warning as BuildKit's clients print it.
fn block(finding: &Finding, report: &Report) -> String {
    let name = finding.rule.map_or("", |rule| rule.name);
    let mut text = format!("\nWARNING: {name}\n{}\n", detail(finding));
    let Some(place) = finding.place() else {
        return text;
    };
    let Some(source) = report.sources.get(&place.file) else {
        return text;
    };
    let number = |line: u32| usize::try_from(line).unwrap_or(usize::MAX);
    let (first, last) = (number(place.start.line), number(place.end.line));
    let rule = "-".repeat(20);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}:{first}\n{rule}", place.file);
    for (line, content) in (1..).zip(source.lines()) {
        if line + CONTEXT >= first && line <= last.saturating_add(CONTEXT) {
            let mark = if (first..=last).contains(&line) {
                ">>>"
            } else {
                "   "
            };
            let _ = writeln!(text, "{line:>4} | {mark} {content}");
        }
    }
    let _ = writeln!(text, "{rule}");
    text
}

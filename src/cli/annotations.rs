//! What is wrong, shown beside the source on GitHub.
//!
//! GitHub Actions turns lines such as `::error file=main.go,line=4::undefined: x` of a step's
//! output into annotations of the commit ("Workflow commands for GitHub Actions"). They are written
//! where `GITHUB_ACTIONS` says that somebody reads them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::{Finding, Level, Report};
use crate::error::{Error, Place};

/// Writes annotations.
#[derive(Debug)]
pub(super) struct Annotations {
    /// Folders that names of files are relative to: of the repository, else the current one.
    roots: Vec<PathBuf>,
}

/// One annotation.
struct Annotation<'a> {
    level: Level,
    title: &'a str,
    file: Option<String>,
    line: u32,
    column: Option<u32>,
    end: Option<(u32, u32)>,
    message: &'a str,
}

impl Annotations {
    /// Returns a writer if GitHub reads along.
    pub(super) fn wanted() -> Option<Self> {
        let on = env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true");
        on.then(Self::of_environment)
    }

    /// Returns a writer for this repository, or else this folder.
    pub(super) fn of_environment() -> Self {
        let workspace = env::var_os("GITHUB_WORKSPACE").filter(|value| !value.is_empty());
        let workspace = workspace.map(PathBuf::from);
        let roots = workspace.into_iter().chain(env::current_dir().ok());
        // The project's own folder has no links on the way either.
        let resolved = roots.flat_map(|root| [fs::canonicalize(&root).ok(), Some(root)]);
        Self {
            roots: resolved.flatten().collect(),
        }
    }

    /// Returns the lines for an error.
    pub(super) fn of_error(&self, error: &Error) -> String {
        let annotations = error.annotations();
        annotations
            .map(|(place, message)| {
                let annotation = Annotation {
                    level: Level::Error,
                    title: "gobuild",
                    file: place.map(|place| self.name(&place.file)),
                    line: place.map_or(1, |place| place.line),
                    column: place.and_then(|place| place.column),
                    end: None,
                    message: &message,
                };
                annotation.line()
            })
            .collect()
    }

    /// Returns the lines for a report; `locate` finds the file that a place names.
    pub(super) fn of_report(&self, report: &Report, locate: impl Fn(&str) -> PathBuf) -> String {
        let findings = report.findings.iter();
        findings
            .map(|finding| {
                let place = finding.place();
                // A place without an end is a point.
                let stretch = place.filter(|place| place.start < place.end);
                let annotation = Annotation {
                    level: finding.level,
                    title: finding.rule.map_or("gobuild", |rule| rule.name),
                    file: place.map(|place| self.name(&locate(&place.file))),
                    line: place.map_or(1, |place| place.start.line),
                    column: place.map(|place| place.start.column),
                    end: stretch.map(|place| (place.end.line, place.end.column)),
                    message: &said(finding),
                };
                annotation.line()
            })
            .collect()
    }

    /// Returns a file's name in the repository.
    fn name(&self, file: &Path) -> String {
        let below = self
            .roots
            .iter()
            .find_map(|root| file.strip_prefix(root).ok());
        below.unwrap_or(file).display().to_string()
    }
}

/// Returns what a finding says, and what to do about it.
fn said(finding: &Finding) -> String {
    match &finding.help {
        Some(help) => format!("{}\nhint: {help}", finding.message),
        None => finding.message.clone(),
    }
}

/// Returns the places of findings that are an error's.
pub(super) fn places<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Place> {
    let placed = findings.into_iter().filter_map(|finding| {
        let place = finding.place()?;
        Some(Place {
            file: PathBuf::from(&place.file),
            line: place.start.line,
            column: Some(place.start.column),
            message: said(finding),
        })
    });
    placed.collect()
}

impl Annotation<'_> {
    fn line(&self) -> String {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        let mut properties = Vec::new();
        if let Some(file) = &self.file {
            properties.push(format!("file={}", property(file)));
            properties.push(format!("line={}", self.line));
            properties.extend(self.column.map(|column| format!("col={column}")));
            properties.extend(
                self.end
                    .map(|(line, column)| format!("endLine={line},endColumn={column}")),
            );
        }
        properties.push(format!("title={}", property(self.title)));
        format!(
            "::{level} {}::{}\n",
            properties.join(","),
            data(self.message)
        )
    }
}

/// Escapes a message: it ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes a property's value, which ends at a comma or colon too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn annotations() -> Annotations {
        Annotations {
            roots: vec![PathBuf::from("/repo"), PathBuf::from("/repo/app")],
        }
    }

    fn place(file: &str, column: Option<u32>, message: &str) -> Place {
        Place {
            file: PathBuf::from(file),
            line: 4,
            column,
            message: message.to_owned(),
        }
    }

    #[test]
    fn an_error_is_shown_at_each_of_its_places() {
        let error = Error::new(Kind::Build, "compile m failed")
            .placed([
                place("main.go", Some(6), "declared and not used: x"),
                place("go.mod", None, "unknown directive"),
            ])
            .below(Path::new("/repo/app"));
        insta::assert_snapshot!(annotations().of_error(&error), @r"
        ::error file=app/main.go,line=4,col=6,title=gobuild::declared and not used: x
        ::error file=app/go.mod,line=4,title=gobuild::unknown directive
        ");
    }

    #[test]
    fn what_would_end_a_command_is_escaped() {
        let error = Error::new(Kind::Build, "x").placed([place(
            "/repo/a,b:c%.go",
            None,
            "100%: one\r\ntwo, ::set-output",
        )]);
        insta::assert_snapshot!(
            annotations().of_error(&error),
            @"::error file=a%2Cb%3Ac%25.go,line=4,title=gobuild::100%25: one%0D%0Atwo, ::set-output"
        );
    }

    #[test]
    fn an_error_without_a_place_is_shown_once_and_a_cancelled_build_never() {
        let of = |kind| annotations().of_error(&Error::new(kind, "no builder"));
        assert_eq!(of(Kind::Builder), "::error title=gobuild::no builder\n");
        assert_eq!(of(Kind::Cancelled), "");
    }

    #[test]
    fn files_outside_the_repository_keep_their_names() {
        assert_eq!(annotations().name(Path::new("/else/a.go")), "/else/a.go");
        assert_eq!(annotations().name(Path::new("/repo/app/a.go")), "app/a.go");
    }
}

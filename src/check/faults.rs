//! What keeps a project from being built, as findings.

use std::error::Error;

use super::{Finding, Level, Place, Point, Report};
use crate::plan::PlanError;
use crate::project::Spot;
use crate::project::golang::workspace::WorkspaceError;
use crate::project::manifest::{Document, KeyPath, ManifestError, Problem};
use crate::project::tree::TreePath;

/// Returns the report of a manifest that cannot be used.
#[must_use]
pub fn manifest(error: &ManifestError) -> Report {
    let of_problem = |problem: &Problem| {
        let labels = problem.labels.iter().map(|label| {
            let range = label.offset()..label.offset() + label.len();
            let place = Place::of_range(error.name(), error.text(), range);
            (place, label.label().map(str::to_owned))
        });
        Finding {
            rule: None,
            level: Level::Error,
            message: problem.message.clone(),
            help: problem.help.clone(),
            labels: labels.collect(),
        }
    };
    let mut report = Report::new(error.problems().iter().map(of_problem).collect());
    report.add_source(error.name(), error.text());
    report
}

/// Returns the fault of module files that cannot be used.
#[must_use]
pub fn workspace(error: &WorkspaceError) -> Finding {
    placed(error, error.spot(), error.hint())
}

/// Returns the fault of a project that cannot be planned; `project` is the folder that the
/// manifest's paths are relative to.
#[must_use]
pub fn plan(error: &PlanError, document: Option<&Document>, project: &TreePath) -> Finding {
    let mut finding = placed(error, error.spot(), error.hint());
    let Some(document) = document else {
        return finding;
    };
    let key = error.key().cloned();
    let key = key.or_else(|| key_of_program(document, project, error.program()?));
    if let Some(range) = key.and_then(|key| document.place(&key)) {
        let place = Place::of_range(document.name(), document.text(), range);
        finding.labels = vec![(place, None)];
    }
    finding
}

/// Returns where a manifest names a program: a pattern, an import path or a folder of the tree.
fn key_of_program(document: &Document, project: &TreePath, program: &str) -> Option<KeyPath> {
    let manifest = document.parse().ok()?;
    let root = KeyPath::root().key("image");
    manifest
        .images
        .iter()
        .enumerate()
        .find_map(|(image, written)| {
            let binaries = written.binaries.iter().flatten();
            let same = |named: &String| named == program || project.join(named).as_str() == program;
            let index = binaries.into_iter().position(same)?;
            Some(root.index(image).key("binaries").index(index))
        })
}

/// Returns the fault of an error that has no place.
#[must_use]
pub fn unplaced(error: &(dyn Error + 'static)) -> Finding {
    placed(error, None, None)
}

fn placed(error: &(dyn Error + 'static), spot: Option<Spot>, hint: Option<String>) -> Finding {
    let mut message = chain(error);
    let mut labels = Vec::new();
    if let Some(spot) = spot {
        let (line, column) = (spot.line, spot.column.unwrap_or(1));
        // The place is shown beside the message.
        let spelled = match spot.column {
            Some(column) => format!("{}:{line}:{column}: ", spot.file),
            None => format!("{}:{line}: ", spot.file),
        };
        if let Some(rest) = message.strip_prefix(&spelled) {
            message = rest.to_owned();
        }
        let point = Point { line, column };
        labels.push((
            Place {
                file: spot.file.to_string(),
                start: point,
                end: point,
            },
            None,
        ));
    }
    Finding {
        help: hint,
        labels,
        ..Finding::error(message)
    }
}

/// Returns what an error and its sources say, each once.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        // A transparent wrapper repeats what it wraps.
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_folder_in_the_tree() {
        let text = "[[image]]\nbinaries = [\"./cmd/api\", \"./cmd/job\"]\n";
        let document = Document::new("goimage.toml", text);
        let place = |project: &str, program: &str| {
            let key = key_of_program(&document, &TreePath::new(project), program)?;
            Some(key.to_string())
        };
        let second = Some("image[0].binaries[1]".to_owned());
        assert_eq!(place("services/shop", "services/shop/cmd/job"), second);
        assert_eq!(place(".", "cmd/job"), second);
        assert_eq!(place("services/shop", "./cmd/job"), second);
        assert_eq!(place("services/shop", "cmd/job"), None);
    }
}

//! What is wrong with a manifest, as diagnostics that point into its text.
//!
//! All problems of a file are reported together, in the order of the file. Messages are
//! lower-case fragments; the label says what stands there, the help what can be done.

use std::ops::Range;

use miette::{Diagnostic, LabeledSpan, NamedSource};

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{} in {}", count(.problems.len()), .source_code.name())]
pub struct ManifestError {
    #[source_code]
    source_code: NamedSource<String>,
    #[related]
    problems: Vec<Problem>,
}

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Diagnostic)]
#[error("{message}")]
pub struct Problem {
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// The places it shows, the first being the main one.
    #[label(collection)]
    pub labels: Vec<LabeledSpan>,
    /// What can be done about it.
    #[help]
    pub help: Option<String>,
}

impl ManifestError {
    /// Returns the error of a document's problems, in the order of their places.
    #[must_use]
    pub fn new(name: &str, text: &str, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| problem.labels.first().map(LabeledSpan::offset));
        Self {
            source_code: NamedSource::new(name, text.to_owned()).with_language("TOML"),
            problems,
        }
    }

    /// Returns the manifest's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.source_code.name()
    }

    /// Returns the manifest's text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.source_code.inner()
    }

    /// Returns the first and the last line, counted from 1, of each problem's main place; `None`
    /// for one without a place.
    #[must_use]
    pub fn lines(&self) -> Vec<Option<(i32, i32)>> {
        let line = |offset: usize| {
            let before = self.text().as_bytes().iter().take(offset);
            let ends = before.filter(|byte| **byte == b'\n').count();
            i32::try_from(ends + 1).unwrap_or(i32::MAX)
        };
        let place = |problem: &Problem| {
            let label = problem.labels.first()?;
            let last = label.offset() + label.len().saturating_sub(1);
            Some((line(label.offset()), line(last)))
        };
        self.problems.iter().map(place).collect()
    }

    /// Returns the problems in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Problem {
    /// Returns a problem that shows at `span` (byte offsets), labelled `label`.
    #[must_use]
    pub fn new(message: impl Into<String>, span: Range<usize>, label: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: vec![LabeledSpan::new_with_span(Some(label.into()), span)],
            help: None,
        }
    }

    /// Returns a problem of no place in particular.
    #[must_use]
    pub fn without_place(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            labels: Vec::new(),
            help: None,
        }
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Self {
        self.labels
            .push(LabeledSpan::new_with_span(Some(label.into()), span));
        self
    }
}

fn count(problems: usize) -> String {
    match problems {
        1 => "1 problem".to_owned(),
        more => format!("{more} problems"),
    }
}

/// Returns the candidate that `given` was most likely meant to be.
///
/// Follows the compilers' rule: at most a third of the letters may differ.
#[must_use]
pub fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = given.to_ascii_lowercase().replace('_', "-");
    candidates
        .into_iter()
        .map(|candidate| {
            let other = candidate.to_ascii_lowercase().replace('_', "-");
            (strsim::damerau_levenshtein(&folded, &other), candidate)
        })
        .filter(|(distance, candidate)| *distance <= given.len().max(candidate.len()).div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

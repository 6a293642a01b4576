//! What is doubtful about a project, though it can be built: lint rules.
//!
//! Enters: a [`Subject`], the project as read and, if it can be planned, its plan and the closures
//! of its programs. Leaves: a [`Report`] of [`Finding`]s with their places in `goimage.toml` or the
//! sources. What keeps a project from being built becomes findings of the same shape
//! ([`faults`]), so that one list holds all that there is to say.
//!
//! Each [`Rule`] is a file of `rules` and an entry of its table; `docs/checks.md` explains every
//! one. Which of them speak is the manifest's decision, by the line that Dockerfiles have for it
//! ([`Options`]). A report is shown as text, as JSON, and as the result of BuildKit's `lint`
//! subrequest ([`lint`]).
//!
//! Rules would rather miss something than cry wolf: what cannot be known from here (what a base
//! image holds, what a downloaded module does) is taken to be right.

pub mod faults;
mod finding;
mod golang;
mod json;
pub mod lint;
mod options;
mod rule;
mod rules;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use finding::{Finding, Level, Place, Point, Report};
pub use json::REPORT_VERSION;
pub use options::Options;
pub use rule::Rule;
pub use rules::RULES;

use crate::plan::{ImageStep, Plan, PlanError, PlatformImage};
use crate::project::golang::graph::Closure;
use crate::project::golang::workspace::Workspace;
use crate::project::lock::Lock;
use crate::project::manifest::{Document, Image, KeyPath, Manifest};
use crate::project::tree::{Tree, TreePath};
use rule::At;

/// A project to check.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The manifest's text, if there is one.
    pub document: Option<&'a Document>,
    /// What it means.
    pub manifest: &'a Manifest,
    /// Folder that the manifest's paths are relative to.
    pub project: &'a TreePath,
    /// The files that a build sees.
    pub tree: &'a dyn Tree,
    /// All files, those that the ignore file hides among them.
    pub whole_tree: &'a dyn Tree,
    /// The Go modules.
    pub workspace: &'a Workspace,
    /// What the lock file says, if there is one.
    pub lock: Option<&'a Lock>,
    /// What would be built; `None` if that cannot be planned.
    pub planned: Option<Planned<'a>>,
}

/// What would be built.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The closures of its compile steps, in their order.
    pub programs: &'a [Arc<Closure>],
    /// Whether it is of the whole project, not of some of its programs or images.
    pub whole: bool,
}

/// Checks a project by the rules that `options` let speak.
///
/// `faults` is what keeps it from being planned; a fault that a rule has a better word for is left
/// to the rule by the caller (see [`faults::plan`]).
#[must_use]
pub fn check(subject: &Subject<'_>, options: &Options, faults: Vec<Finding>) -> Report {
    let mut findings = faults;
    for rule in RULES {
        if !options.admits(rule) {
            continue;
        }
        for raised in (rule.run)(subject) {
            let finding = Finding {
                rule: Some(rule),
                level: rule.level,
                labels: subject.place(&raised.at).into_iter().collect(),
                message: raised.message,
                help: raised.help,
            };
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    let mut report = Report::new(findings);
    report.error_on_warnings = options.error;
    if let Some(document) = subject.document {
        report.add_source(document.name(), document.text());
    }
    report.read_sources(subject.tree);
    report
}

/// Checks a project that was planned, or could not be; `whole` as in [`Planned`].
///
/// `subject` says nothing of the plan yet.
#[must_use]
pub fn check_planned(
    subject: &Subject<'_>,
    planned: &Result<(Plan, Vec<Arc<Closure>>), PlanError>,
    whole: bool,
    options: &Options,
) -> Report {
    let (planned, fault) = match planned {
        Ok((plan, programs)) => {
            let planned = Planned {
                plan,
                programs,
                whole,
            };
            (Some(planned), None)
        }
        // Of files that are not there, the rule tells all at once.
        Err(error) if error.misses_file() => (None, None),
        Err(error) => (
            None,
            Some(faults::plan(error, subject.document, subject.project)),
        ),
    };
    let subject = Subject {
        planned,
        ..*subject
    };
    check(&subject, options, fault.into_iter().collect())
}

/// An image of the manifest, and what is built of it.
struct View<'a> {
    /// Where it stands.
    key: KeyPath,
    /// The image as written.
    image: &'a Image,
    /// What is built of it, one for each main package if it names none.
    steps: Vec<&'a ImageStep>,
}

impl<'a> Subject<'a> {
    fn images(&self) -> Vec<View<'a>> {
        let steps: &[ImageStep] = self.planned.map_or(&[], |planned| &planned.plan.images);
        let images = self.manifest.images.iter().enumerate();
        images
            .map(|(index, image)| View {
                key: KeyPath::root().key("image").index(index),
                image,
                steps: steps.iter().filter(|step| step.written == index).collect(),
            })
            .collect()
    }

    /// Returns the closures of the programs in an image.
    fn programs(&self, image: &PlatformImage) -> Vec<&'a Closure> {
        let Some(planned) = self.planned else {
            return Vec::new();
        };
        let compiles = image.binaries.iter().map(|binary| binary.compile);
        compiles
            .filter_map(|compile| planned.programs.get(compile).map(Arc::as_ref))
            .collect()
    }

    /// Tells whether a folder's package is the project's own: not vendored, and not what a
    /// `replace` takes from elsewhere.
    fn is_own(&self, directory: &TreePath) -> bool {
        let vendor = self.workspace.vendor.as_ref();
        let vendored = vendor.is_some_and(|vendor| directory.below(&vendor.directory).is_some());
        let module = self.workspace.module_of(directory);
        !vendored && module.is_some_and(|module| self.workspace.main_modules.contains(module))
    }

    fn place(&self, at: &At) -> Option<(Place, Option<String>)> {
        let place = match at {
            At::Key(key) => {
                let document = self.document?;
                let range = document.place(key)?;
                Place::of_range(document.name(), document.text(), range)
            }
            At::Line(line) => {
                let document = self.document?;
                Place::of_line(document.name(), document.text(), *line)
            }
            At::Source(file, line) => {
                let bytes = self.tree.read(file).ok()??;
                let text = std::str::from_utf8(&bytes).ok()?;
                Place::of_line(file.as_str(), text, *line)
            }
        };
        Some((place, None))
    }
}

impl View<'_> {
    /// Returns the image of each platform that is built of it.
    fn platforms(&self) -> impl Iterator<Item = &PlatformImage> {
        self.steps.iter().flat_map(|step| &step.platforms)
    }
}

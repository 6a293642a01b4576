//! What is doubtful about the caller's project: `docker buildx build --call=check`, and warnings of
//! builds.
//!
//! A check looks at everything, the programs' sources among it. A build warns of what the manifest
//! alone shows: it must not cost what a second reading of the sources does.

use serde_json::json;

use super::build::{Frontend, Planning};
use super::failure::FrontendError;
use super::project::ContextProject;
use super::requests::answer;
use crate::buildkit::error::SourceExcerpt;
use crate::buildkit::gateway::{GatewayResult, Warning};
use crate::check::lint::lint_result;
use crate::check::{Finding, Options, Place, Point, Report, Subject, check, check_planned, faults};
use crate::plan::{plan, programs};
use crate::project::manifest::{Document, Manifest};

/// Rule name of options that change nothing, in answers.
const WITHOUT_EFFECT: &str = "OptionWithoutEffect";

impl Frontend {
    /// Lists what is wrong and what is doubtful.
    pub(super) async fn lint(&self) -> Result<GatewayResult, FrontendError> {
        let report = match self.report().await {
            // The daemon's failure is no finding.
            Err(error @ (FrontendError::Wire(_) | FrontendError::Died)) => return Err(error),
            Err(error) => of_fault(&error),
            Ok(report) => report,
        };
        let mut result = lint_result(&report);
        if let Some(warnings) = result.json["warnings"].as_array_mut() {
            warnings.extend(self.options.warnings.iter().map(|warning| {
                result.status = 1;
                result
                    .text
                    .push_str(&format!("\nWARNING: {WITHOUT_EFFECT}\n{warning}\n"));
                json!({
                    "ruleName": WITHOUT_EFFECT,
                    "description": "an option of the build changes nothing",
                    "detail": warning,
                    "location": { "sourceIndex": -1 },
                })
            }));
        }
        let mut answer = answer(&result.json, &result.text);
        let status = result.status.to_string().into_bytes();
        answer
            .metadata
            .insert("result.statuscode".to_owned(), status);
        Ok(answer)
    }

    /// Checks the whole project.
    async fn report(&self) -> Result<Report, FrontendError> {
        let document = self.context.document.clone();
        let manifest = match parsed(document.as_ref()) {
            Ok(manifest) => manifest,
            Err(report) => return Ok(*report),
        };
        let mut project = self.read(manifest).await?;
        // Whether a fact is there is a question of who builds.
        project.values = project.values.or_samples(&project.manifest);
        let request = self.planning(None, &project);
        let options = self.check_options();
        let checking =
            tokio::task::spawn_blocking(move || whole(&request, &project, document, &options));
        checking.await.map_err(|_| FrontendError::Died)
    }

    /// Warns of what is doubtful in the manifest, each at its line.
    pub(super) async fn warn_of_manifest(
        &self,
        project: &ContextProject,
    ) -> Result<(), FrontendError> {
        let Some(document) = self.context.document.as_ref() else {
            return Ok(());
        };
        let Ok(manifest) = parsed(Some(document)) else {
            return Ok(());
        };
        let subject = subject(project, &manifest, Some(document));
        let report = check(&subject, &self.check_options(), Vec::new());
        for finding in &report.findings {
            self.send(warning(finding, document)).await?;
        }
        Ok(())
    }

    /// Returns which rules speak: as the caller says, else as the manifest does.
    fn check_options(&self) -> Options {
        if let Some(given) = self.options.check.as_deref() {
            return Options::parse(given);
        }
        let document = self.context.document.as_ref();
        let options = document.map(|document| Options::of_manifest(document.text()));
        options.unwrap_or_default()
    }
}

/// Returns what the manifest means, tags and all, or what is wrong with it.
fn parsed(document: Option<&Document>) -> Result<Manifest, Box<Report>> {
    let parsed = document.map_or_else(|| Ok(Manifest::default()), Document::parse);
    parsed.map_err(|error| Box::new(faults::manifest(&error)))
}

fn whole(
    planning: &Planning,
    project: &ContextProject,
    document: Option<Document>,
    options: &Options,
) -> Report {
    let document = document.as_ref();
    let request = || planning.request(project);
    let planned = plan(request()).and_then(|plan| {
        let programs = programs(request(), &plan)?;
        Ok((plan, programs))
    });
    let subject = subject(project, &project.manifest, document);
    check_planned(&subject, &planned, true, options)
}

fn subject<'a>(
    project: &'a ContextProject,
    manifest: &'a Manifest,
    document: Option<&'a Document>,
) -> Subject<'a> {
    Subject {
        document,
        manifest,
        project: &project.root,
        tree: project.tree.as_ref(),
        whole_tree: project.tree.inner(),
        workspace: &project.workspace,
        lock: project.lock.as_ref(),
        planned: None,
    }
}

/// Returns the report of a project that cannot be read.
fn of_fault(error: &FrontendError) -> Report {
    let mut finding = faults::unplaced(error);
    let mut sources = Vec::new();
    for excerpt in error.places() {
        let point = |line: i32| Point {
            line: u32::try_from(line).unwrap_or(1),
            column: 1,
        };
        let place = |range: &crate::buildkit::error::Range| Place {
            file: excerpt.info.filename.clone(),
            start: point(range.start.line),
            end: point(range.end.line),
        };
        let places = excerpt.ranges.iter().map(|range| (place(range), None));
        finding.labels.extend(places);
        sources.push((&excerpt.info.filename, excerpt.info.text()));
    }
    let mut report = Report::new(vec![finding]);
    for (name, text) in sources {
        report.add_source(name, &text);
    }
    report
}

/// Returns a finding as the daemon passes it on.
fn warning(finding: &Finding, document: &Document) -> Warning {
    let rule = finding.rule.map_or("", |rule| rule.name);
    let lines = finding
        .place()
        .filter(|place| place.file == document.name());
    let line = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let lines = lines.map(|place| (line(place.start.line), line(place.end.line)));
    let source =
        lines.map(|lines| SourceExcerpt::lines(document.name(), document.text(), "TOML", &[lines]));
    let mut short = match rule {
        "" => finding.message.clone(),
        rule => format!("{rule}: {}", finding.message),
    };
    // As the Dockerfile frontend words it: clients show the source on demand only.
    if let Some((first, _)) = lines {
        short.push_str(&format!(" (line {first})"));
    }
    Warning {
        short,
        detail: finding.help.iter().cloned().collect(),
        source,
        ..Warning::default()
    }
}

//! `gobuild check`

use clap::ValueEnum;

use crate::check::{Options, Report, Subject, check_planned, faults};
use crate::cli::Outcome;
use crate::cli::annotations::Annotations;
use crate::cli::output::Output;
use crate::cli::settings::{self, ProjectArgs, Travel};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::pipeline::location::Location;
use crate::pipeline::project::{Project, ProjectError};
use crate::plan::{plan, programs};
use crate::project::tree::disk::DiskTree;

/// Say what is wrong with a project or doubtful; needs no builder
///
/// Findings go to standard output. Without an error among them the exit code is 0, whatever is
/// doubtful; with --strict, or `# check=error=true` as a first line of the manifest, warnings count
/// as errors. `# check=skip=RULE,...` there leaves rules out.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// How findings are printed: text, json, or github for workflow commands. With
    /// GITHUB_ACTIONS=true these go to standard error in any case
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        hide_possible_values = true
    )]
    format: Format,
    /// Count warnings as errors
    #[arg(long)]
    strict: bool,
    /// Platform that steps run on [default: Linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    build_platform: Option<Platform>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Github,
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    let location = args.project.place.location()?;
    let mut report = args.report(&location)?;
    report.error_on_warnings |= args.strict;
    let locate = |file: &str| match args.project.place.manifest() {
        Some(manifest) if manifest.display().to_string() == file => manifest.to_owned(),
        _ => location.root.join(file),
    };
    match args.format {
        Format::Text => output.data(report.text().as_bytes())?,
        Format::Json => {
            let json = report.json();
            output.line(&json.map_err(|error| Error::of(Kind::Other, &error))?)?;
        }
        Format::Github => {
            let annotations = Annotations::of_environment();
            output.data(annotations.of_report(&report, locate).as_bytes())?;
        }
    }
    if args.format != Format::Github {
        output.annotate(|annotations| annotations.of_report(&report, locate));
    }
    match report.fails() {
        true => Err(Error::new(Kind::Project, report.summary()).annotated()),
        false => {
            output.note(&report.summary());
            Ok(())
        }
    }
}

impl Args {
    fn report(&self, location: &Location) -> Result<Report, Error> {
        match self
            .project
            .place
            .read(location.clone(), settings::epoch()?)
        {
            Ok(project) => self.check(project),
            Err(ProjectError::Manifest(error) | ProjectError::Lock(error)) => {
                Ok(faults::manifest(&error))
            }
            Err(ProjectError::Workspace(error)) => {
                let mut report = Report::new(vec![faults::workspace(&error)]);
                if let Ok(tree) = DiskTree::open(&location.root) {
                    report.read_sources(&tree);
                }
                Ok(report)
            }
            Err(error) => Ok(Report::new(vec![faults::unplaced(&error)])),
        }
    }

    fn check(&self, mut project: Project) -> Result<Report, Error> {
        // Whether a tag or a variable is there is a question of where a build runs.
        project.values = project.values.or_samples(&project.manifest);
        let platform = self.build_platform.clone();
        let platform = platform.unwrap_or_else(settings::host_platform);
        let travel = Travel::default();
        let whole = project.location.selection.is_empty() && !self.project.selects_images();
        let mut planned = self
            .project
            .with_request(&project, &platform, travel, |request| {
                let plan = plan(request)?;
                let programs = programs(request, &plan)?;
                Ok((plan, programs))
            })?;
        if let Ok((plan, _)) = &mut planned {
            // What a lock file lacks is a finding only of who wants it whole.
            self.project.pin(&project, plan, drop)?;
        }
        let document = project.document.as_ref();
        let subject = Subject {
            document,
            manifest: &project.manifest,
            project: &project.location.project,
            tree: project.tree.as_ref(),
            whole_tree: project.tree.inner(),
            workspace: &project.workspace,
            lock: project.lock.as_ref(),
            planned: None,
        };
        let options = document.map(|document| Options::of_manifest(document.text()));
        let options = options.unwrap_or_default();
        Ok(check_planned(&subject, &planned, whole, &options))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use clap::Parser as _;

    use crate::cli::{Cli, Command};

    #[test]
    fn no_example_has_anything_to_be_said_of() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
        let mut cases = 0;
        for entry in fs::read_dir(examples).unwrap() {
            let folder = entry.unwrap().path();
            if !folder.join("go.mod").is_file() && !folder.join("go.work").is_file() {
                continue;
            }
            cases += 1;
            let line = ["gobuild".as_ref(), "check".as_ref(), folder.as_os_str()];
            let Command::Check(args) = Cli::parse_from(line).command else {
                panic!("check is another command");
            };
            let location = args.project.place.location().unwrap();
            let report = args.report(&location).unwrap();
            assert_eq!(report.text(), "", "{}", folder.display());
        }
        assert!(cases >= 7, "only {cases} examples were found");
    }
}

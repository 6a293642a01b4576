//! `gobuild affected`

use crate::affected::{Affected, affected};
use crate::cli::output::Output;
use crate::cli::settings::{self, ProjectArgs, Travel};
use crate::cli::{Outcome, rendering};
use crate::error::{Error, Kind};
use crate::oci::Platform;
use crate::pipeline::earlier;
use crate::pipeline::git::Commit;
use crate::pipeline::project::Project;
use crate::plan::Plan;

/// How many reasons are told of an image; --json has all.
const REASONS: usize = 3;

/// Name the images that differ from those of a commit; needs no builder
///
/// Compared are the files that each image is compiled from and copied from, and all that is said of how. What
/// is not committed, or not tracked, counts as it lies there. Versions that are taken from git are no difference.
///
/// Prints one name per line, as --target takes them, and why on standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    project: ProjectArgs,
    /// Commit, branch or tag to compare with: with the commit where HEAD left it
    #[arg(long, value_name = "COMMIT")]
    since: String,
    /// Platform that steps run on [default: Linux on this machine's architecture]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    build_platform: Option<Platform>,
    /// Print images and all reasons as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, output: &Output) -> Outcome {
    let project = args.project.place.project(settings::epoch()?)?;
    let platform = args.build_platform.clone();
    let platform = platform.unwrap_or_else(settings::host_platform);
    let warn = |warning: String| output.warn(&warning);
    let plan = args
        .project
        .plan(&project, &platform, Travel::default(), warn)?;
    let affected = args.affected(&project, &plan, &platform, output)?;
    if args.json {
        let json = serde_json::to_string_pretty(&affected);
        let json = json.map_err(|error| Error::of(Kind::Other, &error))?;
        return output.line(&json);
    }
    for Affected { image, because, .. } in &affected {
        let told = because.iter().take(REASONS).cloned();
        let mut told = told.collect::<Vec<_>>().join(", ");
        if because.len() > REASONS {
            told = format!("{told} and {} more", because.len() - REASONS);
        }
        output.note(&format!("{image}: {told}"));
    }
    let mut names: Vec<&str> = affected.iter().map(|one| one.image.as_str()).collect();
    names.dedup();
    names.iter().try_for_each(|name| output.line(name))
}

impl Args {
    fn affected(
        &self,
        project: &Project,
        plan: &Plan,
        platform: &Platform,
        output: &Output,
    ) -> Result<Vec<Affected>, Error> {
        let commit = Commit::open(&project.location.root, &self.since);
        let commit = commit.map_err(|error| rendering::commit(&error))?;
        let id = commit.id.clone();
        let everything = |why: &str| {
            output.warn(&format!("{why} at {id}: every image counts as new"));
            Ok(affected(plan, None, &|_| true))
        };
        let read = earlier::read(project, self.project.place.manifest(), commit);
        let earlier = match read {
            Ok(Some(earlier)) => earlier,
            Ok(None) => return everything("the manifest was not there"),
            Err(error) => return everything(&format!("the project could not be read ({error})")),
        };
        let before = match self.project.plan_earlier(project, &earlier, platform)? {
            Ok(before) => before,
            Err(error) => {
                return everything(&format!("the project could not be planned ({error})"));
            }
        };
        let commit = earlier.tree.inner();
        Ok(affected(plan, Some(&before), &|path| {
            commit.is_changed(path)
        }))
    }
}

//! `gobuild affected`

use std::sync::Arc;

use crate::affected::{Affected, affected};
use crate::buildkit::error::explained;
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
/// git does not track counts as changed for the images that see it. Versions that are taken from git, and other
/// variables, are no difference.
///
/// Prints one name per line, as --target takes them, and why on standard error.
#[derive(Debug, clap::Args)]
// It would rename the one image that is built, and nothing is.
#[command(mut_arg("tag", |tag| tag.hide(true).conflicts_with("since")))]
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
    let mut project = args.project.place.project(settings::epoch()?)?;
    // Whether a tag or a variable is there is a question of where a build runs.
    project.values = project.values.or_samples(&project.manifest);
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
    let mut names = affected.iter().map(|one| &one.image);
    names.try_for_each(|name| output.line(name))
}

impl Args {
    fn affected(
        &self,
        project: &Project,
        plan: &Plan,
        platform: &Platform,
        output: &Output,
    ) -> Result<Vec<Affected>, Error> {
        let commit = Commit::open(Arc::clone(&project.tree), &self.since);
        let commit = commit.map_err(|error| rendering::commit(&error))?;
        if !commit.is_ancestor {
            output.warn(&format!(
                "HEAD and {} have no common commit here, as in a shallow clone: what only {0} has \
                 counts, too",
                self.since
            ));
        }
        let id = commit.id.clone();
        let everything = |why: String| {
            output.warn(&format!("{why} at {id}: every image counts as new"));
            Ok(affected(plan, None, &|_| true))
        };
        let read = earlier::read(project, self.project.place.manifest(), commit);
        let earlier = match read {
            Ok(Some(earlier)) => earlier,
            Ok(None) => return everything("the manifest was not there".to_owned()),
            Err(error) => {
                let why = format!("the project could not be read ({})", explained(&error));
                return everything(why);
            }
        };
        let before = match self.project.plan_earlier(project, &earlier, platform)? {
            Ok(before) => before,
            Err(error) => {
                let why = format!("the project could not be planned ({})", explained(&error));
                return everything(why);
            }
        };
        let commit = earlier.tree.inner();
        Ok(affected(plan, Some(&before), &|path| {
            commit.is_changed(path)
        }))
    }
}

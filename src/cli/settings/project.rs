//! Which project, which of its programs and images, and the plan that comes of them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::host_platform;
use crate::cli::load::{self, Place};
use crate::cli::rendering;
use crate::error::{Error, Kind};
use crate::oci::{Platform, Reference};
use crate::pipeline::earlier::Earlier;
use crate::pipeline::location::{self, Location};
use crate::pipeline::project::{self, Project, ProjectError};
use crate::plan::{Caching, Lacking, Named, Naming, Plan, PlanError, Request, paths};
use crate::project::manifest::{CacheMode, Manifest};
use crate::toolchain::Helper;

/// Which project
#[derive(Debug, Args)]
pub(in crate::cli) struct PathArgs {
    /// Project folder, or folders of its main packages (./cmd/api, ./cmd/...) [default: .]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Name of the manifest [default: goimage.toml in the project folder]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Which project, which of its programs, for which platforms
#[derive(Debug, Args)]
pub(in crate::cli) struct ProjectArgs {
    #[command(flatten)]
    pub(in crate::cli) place: PathArgs,
    /// Set target platforms, comma-separated or repeated [env: DOCKER_DEFAULT_PLATFORM] [default:
    /// the manifest's, else the platform that steps run on]
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", value_delimiter = ',')]
    platform: Vec<Platform>,
    /// Build only the image of this name; repeatable [default: all]
    #[arg(long, value_name = "NAME")]
    target: Vec<String>,
    /// Name the image, in place of the manifest's name and tags; one image only; repeatable
    #[arg(short, long, value_name = "[REGISTRY/]NAME[:TAG]")]
    tag: Vec<Reference>,
    /// Put a registry and path before every image name that has no registry
    #[arg(
        long,
        value_name = "PREFIX",
        env = "KO_DOCKER_REPO",
        hide_env_values = true
    )]
    repository: Option<String>,
    /// Fail if goimage.lock lacks an image or a Go that the build needs
    #[arg(long)]
    locked: bool,
}

impl PathArgs {
    /// Reads the project.
    pub(in crate::cli) fn project(&self, epoch: u32) -> Result<Project, Error> {
        let location = self.location()?;
        let root = location.root.clone();
        self.read(location, epoch).map_err(|error| {
            let of_manifest = matches!(error, ProjectError::Manifest(_) | ProjectError::Lock(_));
            rendering::project(&error).below(&self.folder(&root, of_manifest))
        })
    }

    /// Reads the project at a location.
    pub(in crate::cli) fn read(
        &self,
        location: Location,
        epoch: u32,
    ) -> Result<Project, ProjectError> {
        let dated = std::env::var_os("SOURCE_DATE_EPOCH").is_some_and(|value| !value.is_empty());
        let date = dated.then(|| crate::lower::rfc3339(epoch));
        project::read(location, self.file.clone(), date)
    }

    /// Returns where the project is.
    pub(in crate::cli) fn location(&self) -> Result<Location, Error> {
        let go_work = std::env::var("GOWORK").unwrap_or_default();
        location::locate(&self.paths, &go_work).map_err(|error| Error::of(Kind::Project, &error))
    }

    /// Returns the manifest as it was named, if it was.
    pub(in crate::cli) fn manifest(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Returns what names in errors are relative to: a manifest that was named is as it was named.
    fn folder(&self, root: &Path, of_manifest: bool) -> PathBuf {
        match std::env::current_dir() {
            Ok(current) if of_manifest && self.file.is_some() => current,
            _ => root.to_owned(),
        }
    }
}

impl ProjectArgs {
    /// Has the images of these names built, and no others.
    pub(in crate::cli) fn set_targets(&mut self, names: impl Iterator<Item = String>) {
        self.target = names.collect();
    }

    /// Tells whether only some images were named.
    pub(in crate::cli) fn selects_images(&self) -> bool {
        !self.target.is_empty()
    }

    /// Returns the place that images are named for, as ko names them.
    pub(in crate::cli) fn named_place(&self) -> Option<Place> {
        load::place_of(self.repository.as_deref()?)
    }

    /// Returns how images are named.
    pub(in crate::cli) fn naming(&self) -> Naming {
        Naming {
            tags: self.tag.iter().cloned().map(Reference::or_latest).collect(),
            repository: self
                .repository
                .clone()
                .filter(|repository| !repository.is_empty()),
            targets: self.target.clone(),
        }
    }

    /// Returns how images are named if all are wanted, whatever `--tag` calls one of them.
    fn naming_of_all(&self) -> Naming {
        Naming {
            tags: Vec::new(),
            targets: Vec::new(),
            ..self.naming()
        }
    }

    /// Returns the platforms that were named. An empty variable names none.
    pub(in crate::cli) fn platforms(&self) -> Result<Vec<Platform>, Error> {
        let variable = std::env::var("DOCKER_DEFAULT_PLATFORM").unwrap_or_default();
        if !self.platform.is_empty() || variable.is_empty() {
            return Ok(self.platform.clone());
        }
        let platforms = variable
            .split(',')
            .map(str::parse)
            .collect::<Result<_, _>>();
        platforms.map_err(|error| {
            Error::of(Kind::Usage, &error).under("DOCKER_DEFAULT_PLATFORM names no platform")
        })
    }

    /// Returns the platforms to build for; none for that of the builder.
    pub(in crate::cli) fn targets(&self, project: &Project) -> Result<Vec<Platform>, Error> {
        let named = self.platforms()?;
        Ok(match named.is_empty() {
            true => project.manifest.build.platforms.clone(),
            false => named,
        })
    }

    /// Plans the project for steps that run on `build_platform`, with what its lock file pins.
    pub(in crate::cli) fn plan(
        &self,
        project: &Project,
        build_platform: &Platform,
        travel: Travel,
        warn: impl FnOnce(String),
    ) -> Result<Plan, Error> {
        let planned = self.with_request(project, build_platform, travel, crate::plan::plan)?;
        let mut plan = planned.map_err(|error| self.rendered(&error, project))?;
        self.pin(project, &mut plan, warn)?;
        Ok(plan)
    }

    /// Names all images of the project as the manifest and `--repository` say.
    pub(in crate::cli) fn all_names(&self, project: &Project) -> Result<Vec<Named>, Error> {
        let (platform, travel) = (host_platform(), Travel::default());
        let naming = self.naming_of_all();
        let names = self.request(project, &platform, travel, &naming, crate::plan::names)?;
        names.map_err(|error| self.rendered(&error, project))
    }

    /// Plans what the project was at a commit, with what its lock file pinned then.
    pub(in crate::cli) fn plan_earlier(
        &self,
        now: &Project,
        earlier: &Earlier,
        build_platform: &Platform,
    ) -> Result<Result<Plan, PlanError>, Error> {
        // What is named now need not have been there.
        let naming = self.naming_of_all();
        let platforms = self.platforms()?;
        let caching = caching(&earlier.manifest, build_platform, Travel::default());
        let planned = crate::plan::plan(Request {
            tree: &earlier.tree,
            project: &now.location.project,
            manifest: &earlier.manifest,
            workspace: &earlier.workspace,
            values: &earlier.values,
            selection: &[],
            platforms: &platforms,
            build_platform,
            naming: &naming,
            caching: &caching,
        });
        Ok(planned.map(|mut plan| {
            // What a lock file lacks was no concern of who built then.
            let _ = plan.pin_to("", earlier.lock.as_ref(), false);
            plan
        }))
    }

    fn rendered(&self, error: &PlanError, project: &Project) -> Error {
        let of_manifest = error.key().is_some();
        rendering::plan(error, project.document.as_ref(), &project.location.project)
            .below(&self.place.folder(&project.location.root, of_manifest))
    }

    /// Pins a plan to what the lock file knows; an entry that is missing is an error if everything is
    /// to be locked, and a warning if there is a lock file.
    pub(in crate::cli) fn pin(
        &self,
        project: &Project,
        plan: &mut Plan,
        warn: impl FnOnce(String),
    ) -> Result<(), Error> {
        let file = project.lock_file.file_name().unwrap_or_default();
        let file = file.to_string_lossy();
        match plan.pin_to(&file, project.lock.as_ref(), self.locked) {
            Ok(None) => {}
            Ok(Some(lacking)) => warn(format!("{lacking}; {}", Lacking::HINT)),
            Err(lacking) => {
                let error = Error::of(Kind::Project, &lacking);
                return Err(error.hinted(Lacking::HINT.to_owned()));
            }
        }
        Ok(())
    }

    /// Hands on what a plan is made from.
    pub(in crate::cli) fn with_request<T>(
        &self,
        project: &Project,
        build_platform: &Platform,
        travel: Travel,
        plan: impl FnOnce(Request<'_>) -> Result<T, PlanError>,
    ) -> Result<Result<T, PlanError>, Error> {
        self.request(project, build_platform, travel, &self.naming(), plan)
    }

    fn request<T>(
        &self,
        project: &Project,
        build_platform: &Platform,
        travel: Travel,
        naming: &Naming,
        plan: impl FnOnce(Request<'_>) -> Result<T, PlanError>,
    ) -> Result<Result<T, PlanError>, Error> {
        let platforms = self.platforms()?;
        let caching = caching(&project.manifest, build_platform, travel);
        Ok(plan(Request {
            tree: project.tree.as_ref(),
            project: &project.location.project,
            manifest: &project.manifest,
            workspace: &project.workspace,
            values: &project.values,
            selection: &project.location.selection,
            platforms: &platforms,
            build_platform,
            naming,
            caching: &caching,
        }))
    }
}

/// What is exchanged with other machines.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::cli) struct Travel {
    /// Whether a remote cache is read or written.
    pub(in crate::cli) cache: bool,
    /// Whether steps ask the client for compiled packages.
    pub(in crate::cli) packages: bool,
}

/// Returns how steps that run on `build_platform` keep what they compile.
fn caching(manifest: &Manifest, build_platform: &Platform, travel: Travel) -> Caching {
    let helper = Helper::of_this_process(build_platform);
    Caching {
        helper: helper.map(|helper| helper.command(paths::HELPER)),
        layers: match manifest.build.cache {
            // Packages that come from a store need not be in a layer, too.
            CacheMode::Auto => travel.cache && !travel.packages,
            CacheMode::Mount => false,
            CacheMode::Layer => true,
        },
        relay: travel.packages,
    }
}

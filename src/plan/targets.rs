//! From manifest and sources to a plan: which programs, for which platforms, in which images.
//!
//! Programs are found per platform (constraints may hide one), their closures computed once per
//! program and platform however many images hold them.

use std::collections::{BTreeMap, BTreeSet};

use super::drafts::{Draft, drafts};
use super::error::PlanError;
use super::ground::{Ground, with_ground};
use super::mains::Program;
use super::naming::Naming;
use super::sharing::{connected, join, needs};
use super::steps::caching::Policy;
use super::steps::compile::{self, Main};
use super::steps::image::{self, Binary};
use super::steps::packages::{self, Groups, Means};
use super::steps::{modules, toolchain};
use super::{Caching, CompileStep, ImageStep, PLAN_VERSION, Plan};
use crate::oci::{Platform, Reference};
use crate::project::golang::graph::{Closure, Loader, MainPackage};
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::names::binary_name;
use crate::project::manifest::{Manifest, Pgo, Values};
use crate::project::tree::{Tree, TreePath};

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The files.
    pub tree: &'a dyn Tree,
    /// Folder that the manifest's paths are relative to.
    pub project: &'a TreePath,
    /// The manifest.
    pub manifest: &'a Manifest,
    /// The Go modules.
    pub workspace: &'a Workspace,
    /// Values of template variables, but for binary, platform and Go version.
    pub values: &'a Values,
    /// Package patterns that were named; empty for all.
    pub selection: &'a [String],
    /// Target platforms that were named; empty for the manifest's.
    pub platforms: &'a [Platform],
    /// Platform that steps run on.
    pub build_platform: &'a Platform,
    /// How images are named, and which are wanted.
    pub naming: &'a Naming,
    /// How steps keep what they compile.
    pub caching: &'a Caching,
}

/// Returns the plan.
///
/// # Errors
/// See [`PlanError`].
pub fn plan(request: Request<'_>) -> Result<Plan, PlanError> {
    with_ground(&request, |ground| planned(request, ground))
}

fn planned<'a>(request: Request<'a>, ground: Ground<'a>) -> Result<Plan, PlanError> {
    let go = &request.manifest.go;
    let version = ground.version;
    request.workspace.check_toolchain(version)?;
    let policy = Policy::new(go, version, request.caching);
    let mut planner = Planner {
        request,
        policy,
        values: ground.values,
        loaders: ground.loaders,
        compiles: Compiles::default(),
    };
    let images = planner.images()?;
    let Compiles { steps, groups, .. } = planner.compiles;
    let needs = needs(&groups);
    let packages = needs.values().flat_map(|needs| &needs.packages);
    let packages: BTreeSet<&str> = packages.map(String::as_str).collect();
    request.workspace.verify(request.tree, packages)?;
    let manifest = request.manifest;
    let plan = Plan {
        version: PLAN_VERSION,
        build_platform: request.build_platform.clone(),
        toolchain: toolchain::step(go, &manifest.modules, version),
        modules: modules::step(
            go,
            &manifest.modules,
            request.workspace,
            request.tree,
            request.caching,
            &needs,
        )?,
        packages: Vec::new(),
        compiles: steps,
        images,
    };
    let means = Means {
        go,
        workspace: request.workspace,
        policy,
    };
    Ok(connected(plan, packages::steps(means, &groups)))
}

struct Planner<'a> {
    request: Request<'a>,
    policy: Policy<'a>,
    values: Values,
    loaders: Vec<(&'a Platform, Loader<'a>)>,
    compiles: Compiles,
}

/// The compile steps so far.
#[derive(Default)]
struct Compiles {
    steps: Vec<CompileStep>,
    known: BTreeMap<(TreePath, Platform), usize>,
    /// What programs share.
    groups: Groups,
}

impl Planner<'_> {
    /// Plans the images that are wanted.
    fn images(&mut self) -> Result<Vec<ImageStep>, PlanError> {
        let drafts = drafts(&self.request, &self.loaders, &self.values)?;
        let programs = drafts.iter().flat_map(|draft| &draft.programs);
        self.warm(programs.map(|program| &program.main));
        drafts.into_iter().map(|draft| self.image(draft)).collect()
    }

    /// Loads what programs need, on all platforms, before one after the other asks for it.
    fn warm<'m>(&self, mains: impl Iterator<Item = &'m MainPackage>) {
        let mains: BTreeSet<&MainPackage> = mains.collect();
        for (_, loader) in &self.loaders {
            loader.warm(mains.iter().map(|main| &main.directory));
        }
    }

    fn image(&mut self, draft: Draft) -> Result<ImageStep, PlanError> {
        let Draft {
            written,
            name,
            references,
            programs,
            values,
        } = draft;
        let image = &self.request.manifest.images[written];
        let mut platforms = Vec::new();
        for index in 0..self.loaders.len() {
            let binaries = self.binaries(index, &programs)?;
            if binaries.is_empty() {
                continue;
            }
            let request = &self.request;
            let platform = self.loaders[index].0;
            let planned = image::platform_image(
                request.tree,
                request.project,
                image,
                platform,
                &binaries,
                &values,
            );
            platforms.push(planned.map_err(|source| PlanError::Image {
                name: name.clone(),
                source,
            })?);
        }
        let annotations = image::expand(&image.annotations, &values);
        let annotations = annotations.map_err(|error| PlanError::Image {
            name: name.clone(),
            source: error.into(),
        })?;
        Ok(ImageStep {
            written,
            references: references.iter().map(Reference::familiar).collect(),
            compression: image.compression,
            name,
            platforms,
            annotations,
        })
    }

    /// Returns the binaries of an image for one platform, compiled once each; none if that has none
    /// of the programs.
    fn binaries(&mut self, index: usize, programs: &[Program]) -> Result<Vec<Binary>, PlanError> {
        let mut binaries: Vec<Binary> = Vec::new();
        for program in programs.iter().filter(|program| program.is_for(index)) {
            let main = &program.main;
            let compile = self.compile(index, main).map_err(|error| match error {
                PlanError::Graph(fault) if !program.is_on(index) => PlanError::OnPlatform {
                    platform: self.loaders[index].0.clone(),
                    fault,
                },
                error => error,
            })?;
            let name = self.compiles.steps[compile].binary.clone();
            if let Some(other) = binaries.iter().find(|other| other.name == name) {
                let first = self.compiles.steps[other.compile].import_path.clone();
                return Err(PlanError::SameBinary {
                    name,
                    first,
                    second: main.import_path.clone(),
                });
            }
            binaries.push(Binary { name, compile });
        }
        Ok(binaries)
    }

    fn compile(&mut self, index: usize, main: &MainPackage) -> Result<usize, PlanError> {
        let (platform, loader) = &self.loaders[index];
        let key = (main.directory.clone(), (*platform).clone());
        if let Some(known) = self.compiles.known.get(&key) {
            return Ok(*known);
        }
        let closure = loader.closure(&main.directory)?;
        let step = self.step(platform, main, &closure)?;
        let profile = match &self.request.manifest.go.pgo {
            Pgo::File(profile) => Some(self.request.project.join(profile.as_str())),
            Pgo::Auto | Pgo::Off => closure.profile.clone(),
        };
        self.compiles.steps.push(step);
        let compile = self.compiles.steps.len() - 1;
        let key_of_group = ((*platform).clone(), profile);
        let group = self.compiles.groups.entry(key_of_group).or_default();
        join(group, compile, closure, self.request.workspace);
        self.compiles.known.insert(key, compile);
        Ok(compile)
    }

    fn step(
        &self,
        platform: &Platform,
        main: &MainPackage,
        closure: &Closure,
    ) -> Result<CompileStep, PlanError> {
        let Request {
            manifest,
            workspace,
            project,
            tree,
            ..
        } = self.request;
        let go = &manifest.go;
        let binary = binary_name(&main.import_path);
        let suffix = if platform.os == "windows" { ".exe" } else { "" };
        let binary = format!("{binary}{suffix}");
        let mut inputs = closure.files.clone();
        inputs.extend(workspace.module_files.iter().cloned());
        let mut go_here = go.clone();
        if let Pgo::File(profile) = &go.pgo {
            let profile = project.join(profile.as_str());
            if tree.kind(&profile)?.is_none() {
                return Err(PlanError::NoProfile { path: profile });
            }
            inputs.insert(profile.clone());
            go_here.pgo = Pgo::File(profile);
        }
        let values = self.values.with_binary(&binary).with_platform(platform);
        let stamps = go
            .stamp
            .iter()
            .map(|(name, template)| Ok((name.clone(), template.expand(&values)?)));
        let own = closure.packages.keys().map(String::as_str);
        let downloads = !closure.external.is_empty() || !workspace.rivals(own).is_empty();
        let main = Main {
            binary: &binary,
            import_path: &main.import_path,
            package: &main.directory,
            inputs,
            needs_modules: workspace.vendor.is_none() && downloads,
            stamps: stamps.collect::<Result<_, PlanError>>()?,
        };
        Ok(compile::step(
            &go_here,
            workspace,
            self.policy,
            platform,
            main,
        )?)
    }
}

//! Packages compiled ahead of the binaries that share them.
//!
//! Two sets per platform. The standard library, as far as the project's own packages import it,
//! needs no module and compiles while the modules download. The packages of downloaded modules
//! that the project imports depend on module files, platform, toolchain and flags alone, so no
//! edit of a source repeats them; those of a vendor folder depend on their files there, too. What `cmd/go` caches is keyed by content: a package that one of
//! these steps compiles is found by every later `go build` with the same flags (`cmd/go/internal/work`,
//! `buildActionID`), so the flags here are those of the binaries.
//!
//! A profile (`default.pgo`) has a say in the compilation of every package below its program,
//! standard ones included: programs with a profile form a group of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::caching::Policy;
use super::{compile, environment, tools};
use crate::oci::Platform;
use crate::plan::container::{Layout, paths};
use crate::plan::{Keep, PackageSet, PackagesStep};
use crate::project::golang::workspace::Workspace;
use crate::project::manifest::{BuildMode, Go};
use crate::project::tree::TreePath;

/// Flags that decide how packages are compiled, so that shared steps need them too.
const SHARED_FLAGS: [&str; 6] = [
    "asan",
    "compiler",
    "gccgoflags",
    "installsuffix",
    "msan",
    "race",
];

/// Flags that say nothing about packages of other modules.
const OWN_FLAGS: [&str; 5] = ["cover", "covermode", "coverpkg", "json", "v"];

/// What programs of one platform and profile share.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// Packages of downloaded or vendored modules that the project imports.
    pub(crate) external: BTreeSet<String>,
    /// Files of all vendored packages below them.
    pub(crate) vendored: BTreeSet<TreePath>,
    /// Modules that `go` looks into for packages of the project itself.
    pub(crate) rivals: BTreeSet<String>,
    /// Packages of the standard library that the project imports.
    pub(crate) standard: BTreeSet<String>,
    /// Indices of the compile steps.
    pub(crate) compiles: Vec<usize>,
}

/// Groups by target platform and profile.
pub(crate) type Groups = BTreeMap<(Platform, Option<TreePath>), Group>;

/// The steps, and the one that each compile step builds upon.
#[derive(Debug, Default)]
pub(crate) struct Packages {
    pub(crate) steps: Vec<PackagesStep>,
    pub(crate) after: BTreeMap<usize, usize>,
}

/// What all steps are made from.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) go: &'a Go,
    pub(crate) workspace: &'a Workspace,
    pub(crate) policy: Policy<'a>,
}

/// Returns the steps that pay off.
///
/// In cache mounts a package is kept however it was compiled, so a step pays off only where it
/// gives waiting time a use (modules that download) or keeps two compile steps from compiling one
/// package twice. In layers it is what a later build on another machine starts from.
pub(crate) fn steps(means: Means<'_>, groups: &Groups) -> Packages {
    let mut packages = Packages::default();
    let Some(flags) = means.shared_flags() else {
        return packages;
    };
    let layers = means.policy.layers();
    let mut standard: BTreeMap<&Platform, usize> = BTreeMap::new();
    for ((platform, profile), group) in groups {
        let downloads = means.workspace.vendor.is_none() && !group.external.is_empty();
        let pays = layers || group.compiles.len() > 1 || downloads;
        if profile.is_none() && pays && !group.standard.is_empty() {
            packages.steps.push(means.standard(platform, group, &flags));
            standard.insert(platform, packages.steps.len() - 1);
        }
    }
    for ((platform, profile), group) in groups {
        let below = match profile {
            Some(_) => None,
            None => standard.get(platform).copied(),
        };
        let pays = layers || group.compiles.len() > 1;
        let mut after = below;
        if pays && (profile.is_some() || !group.external.is_empty()) {
            let step = means.dependencies((platform, profile.as_ref()), group, below, &flags);
            packages.steps.push(step);
            after = Some(packages.steps.len() - 1);
        }
        let follow = |after: usize| group.compiles.iter().map(move |compile| (*compile, after));
        packages.after.extend(after.into_iter().flat_map(follow));
    }
    packages
}

impl Means<'_> {
    fn standard(&self, platform: &Platform, group: &Group, flags: &[String]) -> PackagesStep {
        let layout = Layout::of([]);
        let mut env = self.env(PackageSet::Standard, platform, layout);
        // No module is near.
        env.insert("GOFLAGS".to_owned(), String::new());
        env.insert("GOWORK".to_owned(), "off".to_owned());
        PackagesStep {
            set: PackageSet::Standard,
            platform: platform.clone(),
            args: self.args(flags, None, &group.standard),
            packages: group.standard.clone(),
            inputs: BTreeSet::new(),
            needs_modules: false,
            after: None,
            keep: self.policy.keep(),
            relay: self.policy.relay(),
            directory: paths::TEMPORARY.to_owned(),
            env,
        }
    }

    fn dependencies(
        &self,
        (platform, profile): (&Platform, Option<&TreePath>),
        group: &Group,
        after: Option<usize>,
        flags: &[String],
    ) -> PackagesStep {
        let mut inputs = self.workspace.module_files.clone();
        inputs.extend(profile.cloned());
        inputs.extend(group.vendored.iter().cloned());
        let layout = Layout::of(&inputs);
        let mut packages = group.external.clone();
        if profile.is_some() {
            packages.extend(group.standard.iter().cloned());
        }
        let profile = profile.map(|profile| layout.absolute(profile));
        PackagesStep {
            set: PackageSet::Dependencies,
            platform: platform.clone(),
            args: self.args(flags, profile.as_deref(), &packages),
            needs_modules: self.workspace.vendor.is_none() && !group.external.is_empty(),
            after,
            keep: self.policy.keep(),
            relay: self.policy.relay(),
            directory: layout.absolute(&self.workspace.directory),
            env: self.env(PackageSet::Dependencies, platform, layout),
            packages,
            inputs,
        }
    }

    fn args(
        &self,
        flags: &[String],
        profile: Option<&str>,
        packages: &BTreeSet<String>,
    ) -> Vec<String> {
        let mut args: Vec<String> = [paths::GO, "build", "-trimpath", "-buildvcs=false"]
            .map(str::to_owned)
            .to_vec();
        args.extend(compile::build_flags(self.go));
        args.extend(tools::arguments(self.go, tools::For::Shared));
        if self.go.buildmode == BuildMode::Pie {
            args.push("-buildmode=pie".to_owned());
        }
        args.extend(profile.map(|profile| format!("-pgo={profile}")));
        args.extend(flags.iter().cloned());
        args.push("--".to_owned());
        args.extend(packages.iter().cloned());
        args
    }

    fn env(
        &self,
        set: PackageSet,
        platform: &Platform,
        layout: Layout,
    ) -> BTreeMap<String, String> {
        let mut env = environment::compiling(self.go, self.workspace, layout, platform);
        let module = self.workspace.main_modules.first();
        let what = match (set, module) {
            (PackageSet::Standard, _) | (_, None) => "standard library".to_owned(),
            (PackageSet::Dependencies, Some(module)) => format!("dependencies of {}", module.path),
        };
        let collect = self.policy.keep() == Keep::Used;
        if let Some(program) = self.policy.cache_program(&what, platform, collect) {
            env.insert("GOCACHEPROG".to_owned(), program);
        }
        env
    }

    /// Returns the manifest's own flags that shared packages are compiled with; none if there is
    /// one whose meaning for them is not known.
    fn shared_flags(&self) -> Option<Vec<String>> {
        let mut shared = Vec::new();
        for flag in &self.go.flags {
            let name = flag.trim_start_matches('-');
            let name = name.split_once('=').map_or(name, |(name, _)| name);
            if SHARED_FLAGS.contains(&name) {
                shared.push(flag.clone());
            } else if !OWN_FLAGS.contains(&name) {
                return None;
            }
        }
        Some(shared)
    }
}

//! What must happen to turn a project into images: plain, versioned, serialisable data.
//!
//! Enters: the resolved manifest, the Go workspace and closures of its main packages. Leaves: a
//! [`Plan`], which can be printed before any daemon exists. Nothing here knows of LLB, digests
//! or daemons; the same project gives the same plan wherever it is checked out.

mod container;
mod context;
mod drafts;
mod error;
#[cfg(test)]
pub(crate) mod fixture;
mod ground;
mod mains;
mod naming;
mod pinning;
mod programs;
mod sharing;
mod steps;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::oci::Platform;
use crate::project::lock::LockedToolchain;
use crate::project::manifest::{Base, Compression};
use crate::project::tree::TreePath;

pub use container::{Layout, paths};
pub use drafts::{Named, NamedProgram, names};
pub use error::PlanError;
pub use naming::Naming;
pub use pinning::{Lacking, Needs, needs};
pub use programs::programs;
pub use steps::caching::RELAY;
pub use steps::compile::JOBS_VARIABLE;
pub use steps::modules::{
    LENT_VARIABLES, NETRC_SECRET, TRUST_SECRET, VARIABLE_SECRET, VARIABLES_SECRET,
};
pub use steps::toolchain::DEFAULT_GO;
pub use targets::{Request, plan};

/// Version of the plan's own shape, raised when a reader of its JSON would notice.
pub const PLAN_VERSION: u32 = 2;

/// Everything one invocation has to do.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// [`PLAN_VERSION`].
    pub version: u32,
    /// Platform that steps run on.
    pub build_platform: Platform,
    /// The Go toolchain.
    pub toolchain: ToolchainStep,
    /// Download of the modules that the binaries need; none if there are none.
    pub modules: Option<ModulesStep>,
    /// Packages that are compiled ahead of the binaries that share them.
    pub packages: Vec<PackagesStep>,
    /// One step per binary and platform.
    pub compiles: Vec<CompileStep>,
    /// The images, in the manifest's order.
    pub images: Vec<ImageStep>,
}

impl Plan {
    /// Tells whether some step runs gobuild in its container.
    #[must_use]
    pub fn runs_helper(&self) -> bool {
        let asks = |step: &PackagesStep| step.relay || step.keep == Keep::Used;
        let mut queries = self.modules.iter().flat_map(|step| &step.queries);
        queries.any(|query| query.select.is_some())
            || self.packages.iter().any(asks)
            || self.compiles.iter().any(|step| step.relay)
    }

    /// Returns what the programs are called where their steps ask the client for packages.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let steps = self.compiles.iter();
        let scopes = steps.filter_map(|step| steps::caching::scope_of(&step.env));
        scopes.map(str::to_owned).collect()
    }
}

/// Which Go compiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolchainStep {
    /// Exact version, e.g. `1.26.3`.
    pub version: String,
    /// Where it comes from.
    pub source: ToolchainSource,
    /// What the lock file knows of it, if it comes from the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<LockedToolchain>,
}

/// Where the toolchain comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToolchainSource {
    /// The `golang.org/toolchain` module, through the user's `GOPROXY`.
    Proxy,
    /// The local `GOROOT`.
    Host,
    /// An image that holds `/usr/local/go`.
    Image(String),
}

/// Download of exactly the modules that the binaries' imports lead to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModulesStep {
    /// Module files of the project: all that the step sees of it.
    pub inputs: BTreeSet<TreePath>,
    /// Folder in the container that `go` runs in.
    pub directory: String,
    /// Id of the cache mount that downloads are kept in, for `select`.
    pub downloads: String,
    /// One listing per platform.
    pub queries: Vec<ModuleQuery>,
    /// Variables that every listing runs with.
    pub env: BTreeMap<String, String>,
    /// Secrets that downloads need.
    pub secrets: Vec<SecretMount>,
    /// SSH agents that downloads need.
    pub ssh: Vec<String>,
}

/// The external packages that binaries of one platform import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModuleQuery {
    /// Target platform: constraints decide which imports are followed.
    pub platform: Platform,
    /// Import paths, directly imported from the project's own packages.
    pub packages: BTreeSet<String>,
    /// Modules that `go` looks into for packages of the project itself, and that are fetched, too.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub rivals: BTreeSet<String>,
    /// The module cache that it leaves, and later steps of the platform read.
    pub output: String,
    /// The command.
    pub args: Vec<String>,
    /// The command that runs it and leaves just what it names; none where gobuild cannot run in the
    /// container: then the listings of all platforms fill one module cache, one after another.
    pub select: Option<Vec<String>>,
    /// Variables on top of the step's own.
    pub env: BTreeMap<String, String>,
}

/// A secret presented as a file to one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretMount {
    /// Id that the session resolves.
    pub id: String,
    /// Absolute path in the container.
    pub target: String,
    /// Whether the step runs without it.
    pub optional: bool,
}

/// `go build` of packages that several binaries, or later builds, share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackagesStep {
    /// Which packages these are.
    pub set: PackageSet,
    /// Target platform.
    pub platform: Platform,
    /// Import paths.
    pub packages: BTreeSet<String>,
    /// Every project file that the step sees: module files, and the profile if there is one.
    pub inputs: BTreeSet<TreePath>,
    /// Whether it mounts the modules.
    pub needs_modules: bool,
    /// Index of the step in [`Plan::packages`] that it builds upon.
    pub after: Option<usize>,
    /// Where the compiled packages are kept.
    pub keep: Keep,
    /// Whether it asks the client for compiled packages.
    pub relay: bool,
    /// Folder in the container that `go` runs in.
    pub directory: String,
    /// The command.
    pub args: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
}

/// The packages of a [`PackagesStep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PackageSet {
    /// The standard library, as far as the project imports it. Compiled while modules download.
    Standard,
    /// Packages of downloaded modules.
    Dependencies,
}

/// Where compiled packages are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// In the builder's cache mount, which all its builds share.
    Mount,
    /// In a layer: the step's `GOCACHE`, from empty.
    Layer,
    /// In a layer: those entries that the step used, compiled or taken from the cache mount.
    Used,
}

/// How steps keep what they compile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caching {
    /// The command that is gobuild inside step containers; none if it cannot run there.
    pub helper: Option<Vec<String>>,
    /// Whether compiled packages are kept in layers, which travel with an exported cache.
    pub layers: bool,
    /// Whether the client relays compiled packages from and to a shared store.
    pub relay: bool,
}

/// `go build` of one main package for one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompileStep {
    /// File name of the binary.
    pub binary: String,
    /// Import path of the main package.
    pub import_path: String,
    /// Its folder.
    pub package: TreePath,
    /// Target platform.
    pub platform: Platform,
    /// Every project file that the step sees.
    pub inputs: BTreeSet<TreePath>,
    /// Whether it mounts the modules.
    pub needs_modules: bool,
    /// Index of the step in [`Plan::packages`] that it builds upon.
    pub after: Option<usize>,
    /// Whether it asks the client for compiled packages.
    pub relay: bool,
    /// Folder in the container that `go` runs in.
    pub directory: String,
    /// The command.
    pub args: Vec<String>,
    /// Its variables.
    pub env: BTreeMap<String, String>,
}

/// One image, of one or several platforms.
#[derive(Clone, Debug, Serialize)]
pub struct ImageStep {
    /// Index of the manifest's `[[image]]` that it follows.
    #[serde(skip)]
    pub written: usize,
    /// Repository or plain name, without a tag; what `--target` selects.
    pub name: String,
    /// Every `name:tag` the image is to have.
    pub references: Vec<String>,
    /// How its layers are compressed.
    pub compression: Compression,
    /// What it is made of, per platform.
    pub platforms: Vec<PlatformImage>,
    /// The manifest's annotations.
    pub annotations: BTreeMap<String, String>,
}

/// An image of one platform.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformImage {
    /// Target platform.
    pub platform: Platform,
    /// What lies beneath.
    pub base: Base,
    /// Binaries, a layer each.
    pub binaries: Vec<BinaryLayer>,
    /// Copied files, a layer each.
    pub files: Vec<FilesLayer>,
    /// PEM files of the project whose certificates are added to the trust store.
    pub certs: Vec<TreePath>,
    /// Whether time zones are in; none: as the base has it.
    pub tzdata: Option<bool>,
    /// What the image says about how to run.
    pub config: ImageSettings,
}

/// A compiled binary's place in an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BinaryLayer {
    /// Index into [`Plan::compiles`].
    pub compile: usize,
    /// Absolute path in the image.
    pub path: String,
}

/// A file or folder of the project that is copied into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilesLayer {
    /// Where it is in the project.
    pub from: TreePath,
    /// Every file below it that is copied.
    pub inputs: BTreeSet<TreePath>,
    /// Whether `from` is a folder, whose content is copied.
    pub directory: bool,
    /// Absolute path in the image.
    pub to: String,
    /// Permission bits; the files' own if none.
    pub mode: Option<u32>,
    /// `user[:group]`, by name or number.
    pub owner: String,
}

/// What an image's config says, on top of its base's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageSettings {
    /// `uid[:gid]` or names.
    pub user: Option<String>,
    /// Entrypoint.
    pub entrypoint: Vec<String>,
    /// Default arguments.
    pub cmd: Vec<String>,
    /// Variables.
    pub env: BTreeMap<String, String>,
    /// Working folder.
    pub workdir: Option<String>,
    /// Ports, `8080/tcp`.
    pub expose: Vec<String>,
    /// Mount points.
    pub volumes: Vec<String>,
    /// Signal to stop with.
    pub stop_signal: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

//! Projects held in memory, planned, for tests.

use super::{Caching, Named, Naming, Plan, PlanError, Request, names, plan};
use crate::oci::Platform;
use crate::project::golang::workspace::{GoWork, Workspace};
use crate::project::manifest::{Document, Manifest, Values};
use crate::project::tree::TreePath;
use crate::project::tree::memory::MemoryTree;

/// A project and what the command line says of it.
pub(crate) struct Project {
    pub(crate) tree: MemoryTree,
    /// Its folder in the tree.
    pub(crate) folder: TreePath,
    pub(crate) manifest: Manifest,
    pub(crate) naming: Naming,
    pub(crate) selection: Vec<String>,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) caching: Caching,
}

impl Project {
    /// Returns the project of these files at the root; `goimage.toml` may be one of them.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::in_folder(".", files)
    }

    /// Returns the project in one folder of these files.
    pub(crate) fn in_folder<'a>(
        folder: &str,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let folder = TreePath::new(folder);
        let path = folder.join("goimage.toml");
        let files: Vec<_> = files.into_iter().collect();
        let manifest = files.iter().find(|(name, _)| TreePath::new(name) == path);
        let manifest = manifest.map_or_else(Manifest::default, |(name, text)| {
            Document::new(name, text).parse().expect("a manifest")
        });
        Self {
            tree: MemoryTree::new(files),
            folder,
            manifest,
            naming: Naming::default(),
            selection: Vec::new(),
            platforms: Vec::new(),
            caching: Caching::default(),
        }
    }

    /// Plans for builders where gobuild runs in step containers.
    pub(crate) fn with_helper(mut self) -> Self {
        self.caching.helper = Some(vec!["/run/gobuild/bin/gobuild".to_owned()]);
        self
    }

    /// Asks the client for compiled packages.
    pub(crate) fn with_relay(mut self) -> Self {
        self.caching.relay = true;
        self
    }

    /// Keeps compiled packages in layers.
    pub(crate) fn in_layers(mut self) -> Self {
        self.caching.layers = true;
        self
    }

    /// Selects packages, as paths on the command line do.
    pub(crate) fn select(mut self, patterns: &[&str]) -> Self {
        self.selection = patterns.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// Selects images, as `--target` does.
    pub(crate) fn target(mut self, names: &[&str]) -> Self {
        self.naming.targets = names.iter().map(|text| (*text).to_owned()).collect();
        self
    }

    /// Names the image, as `--tag` does.
    pub(crate) fn tag(mut self, references: &[&str]) -> Self {
        let references = references.iter().map(|text| text.parse());
        self.naming.tags = references.collect::<Result<_, _>>().expect("references");
        self
    }

    /// Chooses target platforms, as `--platform` does.
    pub(crate) fn platforms(mut self, platforms: &[&str]) -> Self {
        let platforms = platforms.iter().map(|text| text.parse());
        self.platforms = platforms.collect::<Result<_, _>>().expect("platforms");
        self
    }

    /// Plans it for steps that run on linux/amd64.
    pub(crate) fn try_plan(&self) -> Result<Plan, PlanError> {
        self.with_request(plan)
    }

    fn with_request<T>(
        &self,
        plan: impl FnOnce(Request<'_>) -> Result<T, PlanError>,
    ) -> Result<T, PlanError> {
        let workspace = Workspace::load(&self.tree, &self.folder, GoWork::Auto)?;
        plan(Request {
            tree: &self.tree,
            project: &self.folder,
            manifest: &self.manifest,
            workspace: &workspace,
            values: &Values::default(),
            selection: &self.selection,
            platforms: &self.platforms,
            build_platform: &Platform::linux("amd64"),
            naming: &self.naming,
            caching: &self.caching,
        })
    }

    /// Returns what its images are called.
    pub(crate) fn names(&self) -> Vec<Named> {
        self.with_request(names).expect("names")
    }

    /// As [`Self::try_plan`], of a project without faults.
    pub(crate) fn plan(&self) -> Plan {
        self.try_plan().expect("a plan")
    }

    /// Returns what is wrong with it.
    pub(crate) fn refusal(&self) -> String {
        self.try_plan().expect_err("a refusal").to_string()
    }
}

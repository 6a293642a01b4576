//! Presents a plan's inputs to the daemon: each as a digest-keyed OCI layout in a store that the
//! session serves. The daemon asks for bytes only where a step that needs them is not cached.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::base::certs::PemFile;
use crate::base::{self, BaseError};
use crate::content::{LayerError, Layout, LayoutError, STORE_ID, Store};
use crate::llb::{self, CopyFrom, FileOp, Local, Metadata, OciLayout, Output, Timestamp};
use crate::lower::{Circumstances, Program};
use crate::oci::Platform;
use crate::pipeline::closures;
use crate::pipeline::lock;
use crate::pipeline::project::ProjectTree;
use crate::plan::{FilesLayer, Plan, ToolchainSource, paths};
use crate::project::tree::{Tree as _, TreeError, TreePath};
use crate::toolchain::{self, Helper, Host, Kind, ToolchainError};

/// Name of the local source that serves files which images copy.
pub const FILES_SOURCE: &str = "project";

/// A plan's inputs as the daemon sees them.
pub struct Sources {
    /// What the session serves.
    pub store: Arc<Store>,
    /// What images are made of beside binaries.
    pub parts: Box<dyn Parts>,
    /// What the caller asks of every step.
    pub circumstances: Circumstances,
    /// The toolchain.
    pub toolchain: Toolchain,
    /// The project's certificates for downloads, as a root of their own, where no session lends them.
    pub trust: Option<Output>,
    /// gobuild itself; none if no step runs it.
    pub helper: Option<Output>,
    /// The project's module files; none if no step downloads.
    pub module_files: Option<Output>,
    /// Each packages step's files, in the order of the plan; none if it sees none.
    pub packages: Vec<Option<Output>>,
    /// Each compile step's files, in the order of the plan.
    pub closures: Vec<Output>,
}

/// Where images get what is compiled in no step: a host's own way to bring it to the daemon.
///
/// The daemon must find the same files whatever the host: it makes layers of them, and equal
/// files are equal layers.
pub trait Parts: Send + Sync {
    /// Returns a root that holds a part of gobuild's own.
    ///
    /// # Errors
    /// It cannot be packed; for certificates: a project file holds none.
    fn built_in(&self, part: &BuiltIn) -> Result<Output, PresentError>;

    /// Returns a root that holds the files of one `files` entry at their project paths.
    ///
    /// # Errors
    /// A path is one that no source can carry.
    fn copied(&self, files: &FilesLayer) -> Result<Output, PresentError>;
}

/// The root of step containers.
#[derive(Clone, Debug)]
pub enum Toolchain {
    /// A root that holds Go's tree, and nothing else that is used.
    Tree(Output),
    /// An image of a registry, which the daemon resolves.
    Image(String),
}

/// A part that gobuild carries itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltIn {
    /// The `static` base.
    Base,
    /// The trust store with more certificates, read from these project files.
    Certs(Vec<TreePath>),
    /// Time zones.
    TimeZones,
}

/// Why inputs cannot be presented.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// There is no toolchain.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// A project file cannot be packed.
    #[error("cannot pack the project's files")]
    Pack(#[from] LayerError),
    /// A layout cannot be formed.
    #[error("cannot describe the project's files")]
    Layout(#[from] LayoutError),
    /// The built-in base cannot be packed.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// The project cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A planned file is gone.
    #[error("{path} is gone since the project was read")]
    Gone {
        /// The file.
        path: TreePath,
    },
    /// A name does not fit a source.
    #[error("a source of the build graph")]
    Llb(#[from] llb::Error),
}

impl Sources {
    /// Packs everything that the steps of `plan` see. Blocks.
    ///
    /// # Errors
    /// See [`PresentError`].
    pub fn present(
        plan: &Plan,
        tree: &Arc<ProjectTree>,
        host: &Host,
    ) -> Result<Self, PresentError> {
        let store = Arc::new(Store::new());
        let platform = &plan.build_platform;
        let version = &plan.toolchain.version;
        let prepared = |kind| -> Result<Toolchain, PresentError> {
            let locked = plan.toolchain.locked.as_ref();
            let packed = locked.map(|locked| lock::packed(&locked.layer));
            let layout = toolchain::prepare(kind, version, platform, host, packed.as_ref())?;
            Ok(Toolchain::Tree(serve(
                &store,
                layout,
                platform,
                &format!("go {version}"),
            )?))
        };
        let toolchain = match &plan.toolchain.source {
            ToolchainSource::Proxy => match downloaded(plan, &store, host)? {
                Some(unpacked) => Toolchain::Tree(unpacked),
                None => prepared(Kind::Proxy)?,
            },
            ToolchainSource::Host => prepared(Kind::Host)?,
            ToolchainSource::Image(reference) => Toolchain::Image(reference.clone()),
        };
        let helper = match plan.runs_helper() {
            true => Helper::of_this_process(platform),
            false => None,
        };
        let helper = helper.map(|helper| served(&helper, &store, platform, host));
        let files = closures::pack(plan, tree, &store, &host.cache)?;
        let of = |inputs| files.get(inputs).cloned();
        let closures = plan.compiles.iter();
        Ok(Self {
            helper: helper.transpose()?,
            module_files: plan.modules.as_ref().and_then(|step| of(&step.inputs)),
            packages: plan.packages.iter().map(|step| of(&step.inputs)).collect(),
            closures: closures.filter_map(|step| of(&step.inputs)).collect(),
            parts: Box::new(Packed {
                tree: Arc::clone(tree),
                platform: platform.clone(),
                store: Arc::clone(&store),
                known: Mutex::default(),
            }),
            store,
            circumstances: Circumstances::default(),
            toolchain,
            trust: None,
        })
    }

    /// Returns the layer of a part that gobuild carries itself.
    ///
    /// The daemon makes it, as it makes those of binaries: it is packed and compressed alike,
    /// however the part came there.
    ///
    /// # Errors
    /// As [`Parts::built_in`].
    pub fn built_in(&self, part: &BuiltIn) -> Result<Output, PresentError> {
        let root = self.parts.built_in(part)?;
        let copy = CopyFrom::new(&root, "/", "/")
            .contents_only()
            .timestamp(Timestamp::from_unix_seconds(0));
        Ok(FileOp::new(&Output::scratch(), copy)
            .metadata(Metadata::named(part.name()))
            .build()?)
    }
}

impl BuiltIn {
    /// Returns what progress displays call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Base => "static base",
            Self::TimeZones => "time zones",
            Self::Certs(_) => "certificates",
        }
    }
}

/// The parts of images as layouts of the store; copied files come over the session.
struct Packed {
    tree: Arc<ProjectTree>,
    platform: Platform,
    store: Arc<Store>,
    known: Mutex<BTreeMap<BuiltIn, Output>>,
}

impl Parts for Packed {
    /// Packed on first use.
    fn built_in(&self, part: &BuiltIn) -> Result<Output, PresentError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(output) = known.get(part) {
            return Ok(output.clone());
        }
        let layout = match part {
            BuiltIn::Base => base::static_base(&self.platform)?,
            BuiltIn::TimeZones => base::tzdata_layout(&self.platform)?,
            BuiltIn::Certs(paths) => self.certs(paths)?,
        };
        let name = format!("load {}", part.name());
        let output = serve(&self.store, layout, &self.platform, &name)?;
        known.insert(part.clone(), output.clone());
        Ok(output)
    }

    /// They come through the session's file service rather than in a layout: assets can be large,
    /// and that way the daemon asks only for those that changed.
    fn copied(&self, files: &FilesLayer) -> Result<Output, PresentError> {
        Ok(Local::new(FILES_SOURCE)
            .include(files.inputs.iter().map(|path| escaped(path.as_str())))
            .shared_key_hint(FILES_SOURCE)
            .metadata(Metadata::named(format!("load {}", files.from)))
            .build()?)
    }
}

impl Packed {
    fn certs(&self, paths: &[TreePath]) -> Result<Layout, PresentError> {
        let mut bundles = Vec::new();
        for path in paths {
            let pem = self
                .tree
                .read(path)?
                .ok_or_else(|| PresentError::Gone { path: path.clone() })?;
            bundles.push((path.as_str(), pem));
        }
        let extra: Vec<PemFile<'_>> = bundles
            .iter()
            .map(|(name, pem)| PemFile { name, pem })
            .collect();
        Ok(base::certs_layout(&self.platform, &extra)?)
    }
}

/// Adds gobuild itself to the store.
fn served(
    helper: &Helper,
    store: &Store,
    platform: &Platform,
    host: &Host,
) -> Result<Output, PresentError> {
    let layout = helper.layout(platform, host)?;
    Ok(serve(store, layout, platform, "gobuild")?)
}

/// Returns the toolchain that the daemon fetches itself: a locked one, where this machine has no go
/// command to fetch it with.
fn downloaded(plan: &Plan, store: &Store, host: &Host) -> Result<Option<Output>, PresentError> {
    let platform = &plan.build_platform;
    let download = plan.toolchain.download().filter(|_| !host.has_go());
    let Some((locked, url)) = download else {
        return Ok(None);
    };
    let Some(helper) = Helper::of_this_process(platform) else {
        return Ok(None);
    };
    let program = Program {
        image: served(&helper, store, platform, host)?,
        command: helper.command(paths::HELPER),
        platform: platform.clone(),
    };
    Ok(Some(program.unpacked(locked, url)?))
}

/// Returns a pattern that matches just this path.
fn escaped(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for character in path.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '\\' | '!' | '#') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// Adds a layout to the store and returns the source that names it.
pub(super) fn serve(
    store: &Store,
    layout: Layout,
    platform: &Platform,
    name: &str,
) -> Result<Output, llb::Error> {
    let source = OciLayout::new(layout.name(), layout.digest(), platform.clone())
        .store(STORE_ID)
        .metadata(Metadata::named(name))
        .build();
    store.add(layout);
    source
}

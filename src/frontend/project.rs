//! The caller's project, read through the daemon in one piece.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;

use super::context::{Context, solve};
use super::failure::FrontendError;
use super::options::Options;
use super::own::Own;
use crate::buildkit::gateway::Gateway;
use crate::llb::Bind;
use crate::lower::rfc3339;
use crate::pipeline::project::go_directory;
use crate::plan::paths;
use crate::project::golang::workspace::{GoWork, Workspace};
use crate::project::lock::Lock;
use crate::project::manifest::{Manifest, Template, Values};
use crate::project::tree::filtered::FilteredTree;
use crate::project::tree::packed::PackedTree;
use crate::project::tree::{Tree as _, TreePath};

/// The project's files.
pub type ContextTree = FilteredTree<PackedTree>;

/// Name of the archive in the output of the step that packs it.
const ARCHIVE: &str = "project.zst";

/// A project, read.
pub struct ContextProject {
    /// Its files.
    pub tree: Arc<ContextTree>,
    /// The folder that the manifest's paths are relative to: the root.
    pub root: TreePath,
    /// Its Go modules.
    pub workspace: Workspace,
    /// Its manifest, or the default one.
    pub manifest: Manifest,
    /// What its lock file says, if there is one.
    pub lock: Option<Lock>,
    /// Values of template variables.
    pub values: Values,
}

/// Returns what the manifest means for a caller who names the image himself.
///
/// # Errors
/// The manifest is wrong.
pub fn manifest(context: &Context) -> Result<Manifest, FrontendError> {
    let document = context.document.as_ref();
    let parsed = document.map_or_else(|| Ok(Manifest::default()), |text| text.parse());
    let mut manifest = parsed.map_err(|error| FrontendError::manifest(&error))?;
    for image in &mut manifest.images {
        // A fact that only tags need is asked of nobody.
        image.tags = vec![Template::literal("latest")];
    }
    Ok(manifest)
}

/// Reads the project.
///
/// # Errors
/// The context cannot be had, or its module files are wrong.
pub(super) async fn read(
    gateway: &Gateway,
    options: &Options,
    own: &Own,
    context: &Context,
    manifest: Manifest,
) -> Result<ContextProject, FrontendError> {
    let archive = archive(gateway, own, context).await?;
    let values = values(options, &manifest);
    let (fetching, root) = (gateway.clone(), context.root.clone());
    let handle = Handle::current();
    let fetch = move |path: &TreePath| -> io::Result<Bytes> {
        handle.block_on(async {
            let reference = solve(&fetching, &root).await.map_err(io::Error::other)?;
            let content = fetching.read_file(&reference, path.as_str()).await;
            content.map(Bytes::from).map_err(io::Error::other)
        })
    };
    let (ignored, lock) = (context.ignored.clone(), context.lock.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let archive = zstd::decode_all(archive.as_slice()).map_err(FrontendError::Archive)?;
        let tree = PackedTree::read(&archive.into(), Box::new(fetch));
        let tree = tree.map_err(FrontendError::Archive)?;
        let tree = FilteredTree::new(tree, TreePath::root(), ignored);
        let start = go_directory(&tree, &TreePath::root())?;
        let go_work = TreePath::new("go.work");
        let go_work = match tree.kind(&go_work)? {
            Some(_) => GoWork::File(go_work),
            None => GoWork::Off,
        };
        let workspace = Workspace::load(&tree, &start, go_work);
        let workspace = workspace.map_err(|error| FrontendError::workspace(&error))?;
        Ok(ContextProject {
            tree: Arc::new(tree),
            root: TreePath::root(),
            workspace,
            manifest,
            lock,
            values,
        })
    });
    reading.await.map_err(|_| FrontendError::Died)?
}

/// Has the context packed, which costs nothing if nothing of it changed, and reads the archive.
async fn archive(
    gateway: &Gateway,
    own: &Own,
    context: &Context,
) -> Result<Vec<u8>, FrontendError> {
    let to = format!("{}/{ARCHIVE}", paths::OUTPUT);
    let packed = own
        .step("read the project".to_owned(), &["project", "--output", &to])
        .bind(paths::ROOT, Bind::read_only(&context.root))
        .build()?
        .output(paths::OUTPUT)?;
    let reference = solve(gateway, &packed).await?;
    Ok(gateway.read_file(&reference, ARCHIVE).await?)
}

/// Returns the values of template variables: what the caller passes as build arguments.
fn values(options: &Options, manifest: &Manifest) -> Values {
    let environment = manifest.environment().into_iter();
    let env: BTreeMap<String, String> = environment
        .filter_map(|name| Some((name.to_owned(), options.arguments.get(name)?.clone())))
        .collect();
    Values {
        git: Some(options.git.clone()),
        date: options.epoch.map(rfc3339),
        env,
        ..Values::default()
    }
}

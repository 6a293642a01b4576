//! Makes the frontend image: this very program, a `go` command to fetch toolchains with, and the
//! labels that BuildKit reads before it starts a frontend.
//!
//! It is a build like any other: layouts over the session, one solve, the daemon's exporters.
//!
//! Source: BuildKit `frontend/gateway/gateway.go` (labels),
//! `frontend/dockerfile/cmd/dockerfile-frontend/Dockerfile`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::solve;
use super::own;
use crate::base::CERTS_PATH;
use crate::base::certs::mozilla;
use crate::buildkit::client::Client;
use crate::buildkit::error::Error as WireError;
use crate::buildkit::gateway::{GatewayResult, PlatformImage};
use crate::buildkit::session::Session;
use crate::buildkit::session::auth::{self, AuthService, CredentialStore};
use crate::buildkit::session::content::{self, ContentStores};
use crate::buildkit::session::filesend::{self, FileSendService, Target};
use crate::buildkit::solve::{BuildError, Exporter, SolveOptions};
use crate::content::{
    Attributes, BlobSource, Compression, FileCache, LayerBuilder, LayerError, Layout, LayoutError,
    STORE_ID, Store,
};
use crate::llb::{self, Metadata, OciLayout, Output};
use crate::oci::{ImageConfig, Platform};
use crate::pipeline::outcome::Outcome;
use crate::plan::DEFAULT_GO;
use crate::progress::event::{Event, Made};
use crate::toolchain::{self, Helper, Host, ToolchainError};

/// Name of the image's layout.
const NAME: &str = "gobuild/frontend";

/// What the daemon may ask of this frontend.
const CAPABILITIES: &str = "moby.buildkit.frontend.subrequests,moby.buildkit.frontend.contexts";

/// What becomes of the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name.
    pub reference: String,
    /// Whether a registry gets it.
    pub push: bool,
    /// The OCI archive that it is written to.
    pub archive: Option<PathBuf>,
    /// How its layers are compressed, as exporters spell it.
    pub compression: String,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// This program cannot run on the platform.
    #[error("this gobuild does not run on {0}")]
    Platform(Platform),
    /// There is no `go` command, or the program cannot be read.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The files cannot be packed.
    #[error("cannot pack the frontend")]
    Layer(#[from] LayerError),
    /// The layout cannot be formed.
    #[error("cannot describe the frontend")]
    Layout(#[from] LayoutError),
    /// A name does not fit a source.
    #[error("a source of the build graph")]
    Llb(#[from] llb::Error),
    /// The daemon, the session or the connection failed.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl From<BuildError<WireError>> for PackageError {
    fn from(error: BuildError<WireError>) -> Self {
        match error {
            BuildError::Driver(error) | BuildError::Wire(error) => Self::Wire(error),
        }
    }
}

/// The image's files and config, by platform.
pub struct Package(BTreeMap<Platform, Packed>);

/// The image of one platform.
struct Packed {
    layout: Layout,
    config: ImageConfig,
}

impl Package {
    /// Packs this program for `platform`, and static programs for others. Blocks.
    ///
    /// # Errors
    /// One cannot run on its platform, or Go cannot be fetched.
    pub fn pack(
        platform: &Platform,
        others: &BTreeMap<Platform, PathBuf>,
        host: &Host,
    ) -> Result<Self, PackageError> {
        let mut packed = BTreeMap::new();
        for (platform, program) in others {
            let helper = Helper::of_program(program.clone(), platform)?;
            packed.insert(platform.clone(), Packed::of(&helper, platform, host)?);
        }
        if !packed.contains_key(platform) {
            let helper = Helper::of_this_process(platform);
            let helper = helper.ok_or_else(|| PackageError::Platform(platform.clone()))?;
            packed.insert(platform.clone(), Packed::of(&helper, platform, host)?);
        }
        Ok(Self(packed))
    }

    /// Has a daemon export the image.
    ///
    /// # Errors
    /// The daemon fails, or a registry refuses.
    pub async fn export(
        self,
        client: &Client,
        wanted: &Wanted,
        credentials: Arc<CredentialStore>,
        events: mpsc::Sender<Event>,
    ) -> Result<Outcome, PackageError> {
        let store = Arc::new(Store::new());
        let mut roots = Vec::new();
        for (platform, packed) in self.0 {
            roots.push((
                platform.clone(),
                packed.root(&platform)?,
                packed.config.to_json(),
            ));
            store.add(packed.layout);
        }
        let stores = ContentStores::new();
        stores.attach_source(STORE_ID, store as Arc<dyn BlobSource>);
        let archive = wanted.archive.clone();
        let targets = archive.map(|path| (0, Target::File(path)));
        let session = Session::builder(NAME)
            .service(stores.service(), content::METHODS)
            .service(AuthService::new(credentials).into_server(), auth::METHODS)
            .service(
                FileSendService::new(targets.into_iter().collect()).into_server(),
                filesend::METHODS,
            )
            .start(client)
            .await?;
        let platforms: Vec<String> = roots
            .iter()
            .map(|(platform, ..)| platform.to_string())
            .collect();
        let options = SolveOptions {
            exporters: wanted.exporters(),
            attributes: BTreeMap::from([("platform".to_owned(), platforms.join(","))]),
            ..SolveOptions::default()
        };
        let build = client.build(
            &session,
            options,
            events,
            CancellationToken::new(),
            |gateway| async move {
                let mut images = BTreeMap::new();
                for (platform, root, config) in roots {
                    let reference = solve(&gateway, &root).await?;
                    images.insert(platform, PlatformImage { reference, config });
                }
                Ok(GatewayResult::of_images(images))
            },
        );
        let response = build.await?.exporter;
        Ok(Outcome {
            name: wanted.reference.clone(),
            references: vec![wanted.reference.clone()],
            digest: response.get("containerimage.digest").cloned(),
            made: Made::of(wanted.push),
            by_id: false,
            response,
        })
    }
}

impl Packed {
    fn of(helper: &Helper, platform: &Platform, host: &Host) -> Result<Self, PackageError> {
        let mut below = LayerBuilder::new();
        below.file(CERTS_PATH, mozilla(), Attributes::FILE)?;
        toolchain::add_command(&mut below, own::GO, DEFAULT_GO, platform, host)?;
        let layers = [below, helper.layer()?];
        let packed = layers.iter();
        let packed = packed.map(|layer| layer.pack(&FileCache::disabled(), Compression::None));
        let packed = packed.collect::<Result<Vec<_>, _>>()?;
        let mut config = ImageConfig::empty(platform);
        let mut entrypoint = own::command(helper.linker(), "");
        entrypoint.push("frontend".to_owned());
        config.set_command(&entrypoint, &[]);
        let label =
            |name: &str, value: &str| (format!("moby.buildkit.frontend.{name}"), value.to_owned());
        let labels = [label("network.none", "true"), label("caps", CAPABILITIES)];
        config.add_labels(&BTreeMap::from(labels));
        config.set_created("1970-01-01T00:00:00Z");
        Ok(Self {
            layout: Layout::new(NAME, platform, &packed)?,
            config,
        })
    }

    /// Returns the source that names it.
    fn root(&self, platform: &Platform) -> Result<Output, llb::Error> {
        OciLayout::new(self.layout.name(), self.layout.digest(), platform.clone())
            .store(STORE_ID)
            .metadata(Metadata::named(format!("gobuild frontend {platform}")))
            .build()
    }
}

impl Wanted {
    /// Returns the daemon's exporters, the one that writes the archive first.
    fn exporters(&self) -> Vec<Exporter> {
        let exporter = |kind: &str, more: &[(&str, &str)]| {
            let common = [
                ("name", self.reference.as_str()),
                ("compression", &self.compression),
                ("force-compression", "true"),
            ];
            let attributes = common.iter().chain(more);
            Exporter {
                kind: kind.to_owned(),
                attributes: attributes
                    .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                    .collect(),
            }
        };
        let archive = self.archive.iter().map(|_| exporter("oci", &[]));
        let pushed = [("push", "true"), ("oci-mediatypes", "true")];
        let pushed = self.push.then(|| exporter("image", &pushed));
        archive.chain(pushed).collect()
    }
}

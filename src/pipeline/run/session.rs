//! The session of a build: everything that this machine serves to the daemon.

#![expect(
    clippy::disallowed_methods,
    reason = "an archive may go to standard output"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Offer, RunError};
use crate::buildkit::client::Client;
use crate::buildkit::engine::ArchiveWriter;
use crate::buildkit::session::Session;
use crate::buildkit::session::auth::{self, AuthService};
use crate::buildkit::session::content::{self, ContentStores, LayoutStore};
use crate::buildkit::session::filesend::{self, FileSendService, Target};
use crate::buildkit::session::filesync::{
    self, FileSyncService, LocalSource, Permissions, Selection,
};
use crate::buildkit::session::secrets::{self, SecretsService};
use crate::buildkit::session::ssh;
use crate::content::{BlobSource, STORE_ID, folder_key};
use crate::oci::exporter::Destination;
use crate::pipeline::exports::Receiver;
use crate::pipeline::function::Inputs;
use crate::pipeline::present::FILES_SOURCE;

/// A session, and what the daemon sends through it.
pub(super) struct Served {
    pub(super) session: Session,
    received: FileSendService,
}

impl Served {
    /// Returns the reason of a failure: if an output could not be kept here, that.
    pub(super) fn reason(&self, error: RunError) -> RunError {
        match self.received.failure() {
            Some(said) if !error.is_cancellation() => RunError::Output(said.to_owned()),
            _ => error,
        }
    }
}

/// Opens a session that serves everything the build may ask for.
pub(super) async fn start(
    client: &Client,
    inputs: &Inputs,
    offer: &Offer,
    receivers: &BTreeMap<usize, Receiver>,
    mut archive: Option<ArchiveWriter>,
) -> Result<Served, RunError> {
    let stores = ContentStores::new();
    stores.attach_source(
        STORE_ID,
        Arc::clone(&inputs.sources.store) as Arc<dyn BlobSource>,
    );
    offer.caches.attach(&stores);
    let mut targets = BTreeMap::new();
    for (index, receiver) in receivers {
        let target = match receiver {
            Receiver::Layout(path) => {
                stores.attach_export(Arc::new(LayoutStore::new(path)));
                continue;
            }
            Receiver::Folder(path) => Target::Directory(path.clone()),
            Receiver::Stream(Destination::File(path)) => Target::File(path.clone()),
            Receiver::Stream(Destination::Stdout) => Target::Writer(Box::new(std::io::stdout())),
            // An image that is only described sends none.
            Receiver::Load => match archive.take() {
                Some(writer) => Target::Writer(Box::new(writer)),
                None => continue,
            },
        };
        targets.insert(*index, target);
    }
    let received = FileSendService::new(targets);
    let key = shared_key(offer);
    let session = Session::builder(&key)
        .service(stores.service(), content::METHODS)
        .service(
            AuthService::new(Arc::clone(&offer.credentials)).into_server(),
            auth::METHODS,
        )
        .service(
            SecretsService::new(offer.secrets.clone())?.into_server(),
            secrets::METHODS,
        )
        .service(offer.ssh.clone().into_server(), ssh::METHODS)
        .service(
            FileSyncService::new(files(inputs, offer)?)
                .with_layouts(Arc::clone(&inputs.sources.store))
                .into_server(),
            filesync::METHODS,
        )
        .service(received.clone().into_server(), filesend::METHODS);
    Ok(Served {
        session: session.start(client).await?,
        received,
    })
}

/// Returns the local source of copied files: just those that some image copies.
fn files(inputs: &Inputs, offer: &Offer) -> Result<filesync::LocalSources, RunError> {
    let images = inputs.plan.images.iter().flat_map(|image| &image.platforms);
    let copied = images
        .flat_map(|image| &image.files)
        .flat_map(|files| &files.inputs);
    let list = copied.map(|path| path.as_str()).collect();
    let selection = Selection::Files(list);
    let source =
        LocalSource::open(&offer.root, selection, Permissions::Normalised).map_err(|source| {
            RunError::Folder {
                path: offer.root.clone(),
                source,
            }
        })?;
    Ok(BTreeMap::from([(FILES_SOURCE.to_owned(), source)]))
}

/// Names this project on this machine: the daemon keeps what it received for a next build of the
/// same key.
fn shared_key(offer: &Offer) -> String {
    let name = offer.root.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}:{}", folder_key(&offer.root))
}

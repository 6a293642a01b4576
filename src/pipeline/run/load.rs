//! Loads one image: describes it first, and sends it only if it is not there.
//!
//! What the first solve has made, the second one exports from the daemon's cache.

use std::collections::BTreeMap;

use super::{Run, RunError, tell};
use crate::buildkit::error::Error as WireError;
use crate::buildkit::solve::Exporter;
use crate::pipeline::exports::{Export, Receiver};
use crate::pipeline::load::Loader;
use crate::pipeline::outcome::Outcome;
use crate::progress::event::Level;

impl Run<'_> {
    /// Builds one image and loads it.
    pub(super) async fn load(&self, export: &Export, loader: &Loader) -> Result<Outcome, RunError> {
        let image = export.references.join(", ");
        if let Some(platform) = export.platform.and_then(|_| loader.platform()) {
            let which =
                format!("{loader} keeps one platform of an image: {platform} of {image} is loaded");
            tell(self.events, Level::Info, which).await;
        }
        let described = self.solve(&described(export), None).await?;
        let id = match loader.takes_index() {
            true => described.digest.as_deref(),
            false => described.image_id(),
        };
        if let Some(id) = id
            && loader.has(&export.references, id).await
        {
            let found = format!("{image} is already there: {loader} has {id}");
            tell(self.events, Level::Info, found).await;
            return Ok(loaded(described, loader));
        }
        let (writer, loading) = loader.start();
        let solved = self.solve(export, Some(writer)).await;
        let failed = |source| RunError::Load {
            image: image.clone(),
            source: Box::new(source),
        };
        let outcome = match solved {
            // The archive is cut off, and who was to load it can only say that.
            Err(error) if error.is_cancellation() => return Err(error),
            // Who does not read on has a reason that says more than a broken pipe.
            Err(error) => match loading.await {
                Err(reason) if error.to_string().contains("takes the archive") => {
                    return Err(failed(reason));
                }
                _ => return Err(error),
            },
            Ok(outcome) => outcome,
        };
        // Who has the whole archive may take long to unpack it, or have stopped to answer.
        tokio::select! {
            biased;
            () = self.failed.cancelled() => return Err(WireError::Cancelled.into()),
            loaded = loading => loaded.map_err(failed)?,
        }
        tell(
            self.events,
            Level::Info,
            format!("loaded {image} into {loader}"),
        )
        .await;
        Ok(loaded(outcome, loader))
    }
}

/// Returns the export that makes the same image and sends nothing.
fn described(export: &Export) -> Export {
    let described = export.exporters.iter().map(|exporter| {
        let mut attributes = exporter.attributes.clone();
        attributes.insert("store".to_owned(), "false".to_owned());
        Exporter {
            kind: "image".to_owned(),
            attributes,
        }
    });
    let loads = |receiver: &&Receiver| **receiver != Receiver::Load;
    debug_assert_eq!(export.receivers.values().filter(loads).count(), 0);
    Export {
        exporters: described.collect(),
        receivers: BTreeMap::new(),
        ..export.clone()
    }
}

/// Returns an outcome whose digest nobody can pull by, where the image is only known by its ID.
fn loaded(outcome: Outcome, loader: &Loader) -> Outcome {
    Outcome {
        by_id: !loader.takes_index(),
        ..outcome
    }
}

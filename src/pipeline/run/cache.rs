//! Writes a remote cache: a solve whose result is every image and platform, and whose only export
//! is the cache.
//!
//! It runs beside the solves that export the images, so that pushing and caching overlap; the
//! daemon computes what they have in common once. With a solve per image each would replace what
//! the others wrote to the same place. It stays out of the build history, which has the images.

use std::collections::BTreeMap;
use std::path::Path;

use tokio::sync::mpsc;

use super::{Run, RunError, tell};
use crate::buildkit::session::content::{IndexError, LayoutIndex};
use crate::buildkit::solve::{SolveOptions, SolveResponse};
use crate::pipeline::caches::{CacheExport, CacheLayout};
use crate::pipeline::exports::Export;
use crate::pipeline::function::Wanted;
use crate::progress::event::{Event, Level};

/// Key of the response that holds the descriptor of what was written, as JSON.
pub(super) const MANIFEST: &str = "cache.manifest";

impl Run<'_> {
    /// Builds everything and writes the cache.
    pub(super) async fn cache(
        &self,
        cache: &CacheExport,
        exports: &[Export],
    ) -> Result<SolveResponse, RunError> {
        let (function, gate) = (&self.function, &self.gate);
        let options = SolveOptions {
            cache_imports: self.offer.caches.imports.clone(),
            cache_exports: vec![cache.entry.clone()],
            attributes: BTreeMap::from([(
                "platform".to_owned(),
                function.inputs().plan.build_platform.to_string(),
            )]),
            internal: true,
            ..SolveOptions::default()
        };
        let wanted: Vec<Wanted> = exports.iter().map(Export::wanted).collect();
        let build = self.client.build(
            &self.shared.session,
            options,
            self.events.clone(),
            self.failed.clone(),
            |gateway| async move {
                gate.opened().await;
                function.build_all(&gateway, &wanted).await
            },
        );
        let response = build.await?;
        let manifest = response.exporter.get(MANIFEST);
        if let (Some(layout), Some(manifest)) = (&cache.layout, manifest) {
            enter(layout, manifest).map_err(|source| RunError::Index {
                path: layout.folder.clone().into(),
                source,
            })?;
        }
        Ok(response)
    }
}

/// Enters what was written into the index of a layout.
fn enter(layout: &CacheLayout, manifest: &str) -> Result<(), IndexError> {
    let index = LayoutIndex::new(Path::new(&layout.folder));
    index.put_tag(manifest.as_bytes(), &layout.tag)?;
    if layout.reset {
        let deleted = index.sweep()?;
        tracing::debug!(deleted, folder = layout.folder, "local cache was reset");
    }
    Ok(())
}

/// Returns what the daemon says of a cache that was written. That of one that was not is an error
/// if the cache is required, else a warning.
///
/// # Errors
/// A required cache was not written.
pub(super) async fn judge(
    written: Result<SolveResponse, RunError>,
    cache: &CacheExport,
    events: &mpsc::Sender<Event>,
) -> Result<BTreeMap<String, String>, RunError> {
    let error = match written {
        Ok(response) => return Ok(response.exporter),
        Err(error) => error,
    };
    if cache.required || error.is_cancellation() {
        return Err(RunError::Cache {
            cache: cache.shown.clone(),
            source: Box::new(error),
        });
    }
    let text = format!("the cache {} was not written: {error}", cache.shown);
    tell(events, Level::Warning, text).await;
    Ok(BTreeMap::new())
}

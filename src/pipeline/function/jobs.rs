//! A cap on compile steps that run at once.
//!
//! The daemon has no such limit for a build, and edges between the steps would change their keys.
//! So each step is built by a call of its own before the image that needs it is solved, and only
//! so many of these calls are made at a time. A step that is cached, or that another image has had
//! built, answers at once.

use futures_util::future::try_join_all;
use tokio::sync::Semaphore;

use super::{CacheUse, FunctionError, solve};
use crate::buildkit::gateway::Gateway;
use crate::lower::Binaries;
use crate::plan::PlatformImage;

/// How many compile steps run at once, in all solves of an invocation.
#[derive(Debug, Default)]
pub struct Jobs(Option<Semaphore>);

impl Jobs {
    /// Returns a cap; none if there is no number.
    #[must_use]
    pub fn new(jobs: Option<u32>) -> Self {
        let permits = jobs.map(|jobs| usize::try_from(jobs).unwrap_or(Semaphore::MAX_PERMITS));
        Self(permits.map(|permits| Semaphore::new(permits.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// Builds the binaries of images if they must not be built all at once; else they are left to
    /// the solves of the images.
    pub(super) async fn build(
        &self,
        gateway: &Gateway,
        platforms: &[PlatformImage],
        binaries: &Binaries<'_>,
        cache: CacheUse,
    ) -> Result<(), FunctionError> {
        let Some(permits) = &self.0 else {
            return Ok(());
        };
        let layers = platforms.iter().flat_map(|image| &image.binaries);
        let built = layers.map(|layer| async {
            let root = binaries.root(layer.compile)?;
            // It is never closed, so there is always a permit to wait for.
            let _permit = permits.acquire().await;
            let reference = solve(gateway, root, cache).await?;
            gateway.evaluate(&reference).await?;
            Ok::<_, FunctionError>(())
        });
        try_join_all(built).await.map(drop)
    }
}

//! Asks a daemon what it can do.
//!
//! Only a running build can be asked, so one is started that builds nothing and stays out of the
//! history.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::request::SolveOptions;
use super::run::BuildError;
use crate::buildkit::client::Client;
use crate::buildkit::error::Error;
use crate::buildkit::gateway::{Capabilities, GatewayResult, Reference};
use crate::buildkit::session::Session;

/// Room for the events of a build that has none.
const EVENTS: usize = 64;

impl Client {
    /// Returns what the daemon can do.
    ///
    /// # Errors
    /// The daemon is gone or refuses.
    pub async fn capabilities(&self) -> Result<Capabilities, Error> {
        let session = Session::builder("").start(self).await?;
        let options = SolveOptions {
            internal: true,
            ..SolveOptions::default()
        };
        let (events, mut ignored) = mpsc::channel(EVENTS);
        tokio::spawn(async move { while ignored.recv().await.is_some() {} });
        let (told, mut answer) = mpsc::channel(1);
        let cancel = CancellationToken::new();
        let build = self.build(&session, options, events, cancel, |gateway| async move {
            let capabilities = gateway.ping().await?;
            // There is room for the one answer.
            let _ = told.try_send(capabilities);
            Ok(GatewayResult::single(Reference::default()))
        });
        build.await.map_err(|error| match error {
            BuildError::Driver(error) | BuildError::Wire(error) => error,
        })?;
        answer.recv().await.ok_or(Error::Incomplete {
            call: "LLBBridge.Ping",
            missing: "capabilities",
        })
    }
}

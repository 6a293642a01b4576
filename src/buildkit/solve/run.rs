//! One build from its request to its answer.
//!
//! Three things run at once: `Solve`, which the daemon answers when the build has been exported;
//! the status stream; and the caller's function, which drives the build through a [`Gateway`].
//! What the function returns goes to the daemon in the one `Return` of the build. Dropping the
//! build's future, or cancelling its token, resets the `Solve` call, and the daemon stops.
//!
//! Source: BuildKit `client/{build,solve}.go`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use buildkit_proto::moby::buildkit::v1 as wire;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tonic::metadata::MetadataValue;

use super::request::SolveOptions;
use super::status;
use crate::buildkit::client::Client;
use crate::buildkit::error::{Error, return_status};
use crate::buildkit::gateway::{Gateway, GatewayResult};
use crate::buildkit::identity::random_id;
use crate::buildkit::session::Session;
use crate::progress::event::Event;

/// How long the daemon may take to report an error that was handed to it.
const ERROR_ECHO: Duration = Duration::from_secs(5);

/// How long the last events of a cancelled build are waited for.
const CANCELLED_EVENTS: Duration = Duration::from_millis(500);

/// What the exporters say of what they wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SolveResponse {
    /// Among others `containerimage.digest`, `containerimage.descriptor` (base64 of JSON) and
    /// `cache.manifest` (JSON).
    pub exporter: BTreeMap<String, String>,
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError<E: std::error::Error + 'static> {
    /// The function that drives the build failed.
    #[error(transparent)]
    Driver(E),
    /// The daemon, the session or the connection failed, or the build was cancelled.
    #[error(transparent)]
    Wire(Error),
}

impl Client {
    /// Runs a build.
    ///
    /// `drive` solves graphs through the gateway and returns what is to be exported; its error is
    /// reported to the daemon and is then this call's error. Events go to `events` until the
    /// stream's end; they are dropped if nobody receives them, but a receiver that is kept and
    /// not read from holds the build up. Several builds may share a session.
    ///
    /// # Errors
    /// `drive` fails, the daemon fails to build or to export, it goes away, or `cancel` is
    /// cancelled.
    pub async fn build<F, R, E>(
        &self,
        session: &Session,
        options: SolveOptions,
        events: mpsc::Sender<Event>,
        cancel: CancellationToken,
        drive: F,
    ) -> Result<SolveResponse, BuildError<E>>
    where
        F: FnOnce(Gateway) -> R,
        R: Future<Output = Result<GatewayResult, E>>,
        E: std::error::Error + 'static,
    {
        let build = random_id().map_err(|error| BuildError::Wire(error.into()))?;
        let solved = CancellationToken::new();
        let watching = status::forward(self.clone(), build.clone(), events, solved.clone());
        let mut watching = AbortOnDropHandle::new(tokio::spawn(watching));

        let outcome = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(BuildError::Wire(Error::Cancelled)),
            outcome = self.run(session, &options, &build, drive) => outcome,
            error = self.lost(session) => Err(BuildError::Wire(error)),
        };
        solved.cancel();
        // What ended the build on this side also ends the daemon's interest in its stream.
        let patience = match &outcome {
            Err(BuildError::Wire(Error::Cancelled | Error::DaemonGone { .. })) => CANCELLED_EVENTS,
            _ => Duration::MAX,
        };
        if timeout(patience, &mut watching).await.is_err() {
            tracing::debug!("the last events of the build did not come");
        }
        outcome
    }

    /// Runs `Solve` and the driver side by side, and `Return` between them.
    async fn run<F, R, E>(
        &self,
        session: &Session,
        options: &SolveOptions,
        build: &str,
        drive: F,
    ) -> Result<SolveResponse, BuildError<E>>
    where
        F: FnOnce(Gateway) -> R,
        R: Future<Output = Result<GatewayResult, E>>,
        E: std::error::Error + 'static,
    {
        let id = MetadataValue::try_from(build).unwrap_or_else(|_| MetadataValue::from_static(""));
        let imports = options.cache_imports.clone();
        let gateway = Gateway::of_build(
            self.connection().clone(),
            id,
            imports,
            self.translation().clone(),
        );
        let mut solve = pin!(self.solve(options.request(build, session.id())));
        let driven = tokio::select! {
            driven = drive(gateway.clone()) => driven,
            // The daemon waits for `Return`; an answer before it can only be a failure.
            early = &mut solve => return early.map_err(BuildError::Wire),
        };
        let (outcome, failure) = match driven {
            Ok(result) => (Ok(result), None),
            Err(error) => (Err(return_status(&error)), Some(error)),
        };
        let returned = gateway.finish(outcome);
        let Some(failure) = failure else {
            let answer = tokio::select! {
                returned = returned => match returned {
                    Ok(()) => solve.await,
                    Err(error) => Err(error),
                },
                early = &mut solve => early,
            };
            return answer.map_err(BuildError::Wire);
        };
        // The daemon records the error; the driver's own says more.
        let echo = timeout(ERROR_ECHO, async { tokio::join!(returned, solve) }).await;
        if let Ok((Err(error), _)) = &echo {
            tracing::debug!(%error, "the build's error could not be returned");
        }
        match echo {
            Ok((_, Err(gone @ Error::DaemonGone { .. }))) => Err(BuildError::Wire(gone)),
            _ => Err(BuildError::Driver(failure)),
        }
    }

    async fn solve(&self, request: wire::SolveRequest) -> Result<SolveResponse, Error> {
        match self.control().solve(request).await {
            Ok(answer) => Ok(SolveResponse {
                exporter: answer.into_inner().exporter_response.into_iter().collect(),
            }),
            Err(status) => Err(self.error(status).await),
        }
    }

    /// Waits for the end of what a build cannot do without.
    async fn lost(&self, session: &Session) -> Error {
        let gone = |reason| Error::DaemonGone {
            peer: self.connection().peer().to_owned(),
            reason,
        };
        tokio::select! {
            reason = self.connection().end() => gone(reason),
            reason = session.end() => {
                // The session's stream ends first when the connection does.
                match timeout(CANCELLED_EVENTS, self.connection().end()).await {
                    Ok(reason) => gone(reason),
                    Err(_) => Error::SessionLost { reason },
                }
            }
        }
    }
}

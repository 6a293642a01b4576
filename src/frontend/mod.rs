//! gobuild as a BuildKit frontend: what `# syntax=` names, and what the frontend image runs.
//!
//! The daemon starts this program in a container and speaks to it over its standard streams. What
//! the caller wants is in the environment; the project is what the caller's session serves.
//!
//! 1. [`environment`] reads what the daemon handed over; [`options`] understands it.
//! 2. [`context`] finds the manifest and the sources, both on the caller's side.
//! 3. [`project`] reads them. A step packs everything that planning looks at, so that the project
//!    comes in one piece, and if nothing changed not even that step runs.
//! 4. [`crate::plan`] plans as it does for the command line.
//! 5. [`present`] brings the plan's inputs into the graph: copies of the build context in place of
//!    layouts, which only a client can serve.
//! 6. [`crate::pipeline::function`], the same build function, makes the result.
//!
//! [`requests`] answers questions about a project in place of building it; `lint` is what
//! [`crate::check`] has to say of it. [`package`] makes the
//! frontend image.
//!
//! Source: BuildKit `frontend/gateway/gateway.go`, `frontend/dockerui/`, `frontend/subrequests/`.

mod build;
pub mod context;
mod contexts;
pub mod environment;
mod failure;
mod lint;
pub mod options;
mod own;
pub mod package;
pub mod present;
pub mod project;
mod remote;
pub mod requests;

pub use build::Frontend;
pub use failure::FrontendError;

use crate::buildkit::gateway::{Gateway, GatewayResult};
use crate::buildkit::transport::Connection;
use environment::Environment;
use options::Options;

/// Runs the build that the daemon started this process for.
///
/// What goes wrong with the build is told to the daemon, which tells the caller.
///
/// # Errors
/// There is no daemon at the other end of the standard streams.
pub async fn serve(environment: Environment) -> Result<(), FrontendError> {
    let connection = Connection::of_frontend()
        .await
        .map_err(FrontendError::NoDaemon)?;
    let options = Options::parse(&environment.options);
    let imports = options
        .as_ref()
        .map(|options| options.cache_imports.clone());
    let gateway = Gateway::of_frontend(connection, imports.unwrap_or_default());
    let answer = match options {
        Ok(options) => answer(gateway.clone(), environment, options).await,
        Err(error) => Err(error.into()),
    };
    match answer {
        Ok(result) => gateway.finish(Ok(result)).await?,
        Err(error) => gateway.fail(&error, error.places()).await?,
    }
    Ok(())
}

async fn answer(
    gateway: Gateway,
    environment: Environment,
    options: Options,
) -> Result<GatewayResult, FrontendError> {
    if options.request.as_deref() == Some(requests::DESCRIBE) {
        return Ok(requests::describe());
    }
    let frontend = Frontend::start(gateway, environment, options).await?;
    match frontend.options.request.as_deref() {
        None => frontend.build().await,
        Some(requests::TARGETS) => frontend.targets().await,
        Some(requests::OUTLINE) => frontend.outline().await,
        Some(requests::LINT) => frontend.lint().await,
        Some(other) => Err(FrontendError::Request(other.to_owned())),
    }
}

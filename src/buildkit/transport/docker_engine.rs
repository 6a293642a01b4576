//! `docker-engine://[CONTEXT]`: the BuildKit inside a Docker Engine.
//!
//! Engines from API 1.53 on speak gRPC on their own socket; older ones hand out a stream of it for
//! an upgraded request. Both serve the Control service whole, so the session is a stream of the
//! same connection as with any buildkitd, and the engine's `/session` is not needed.
//!
//! Sources: moby `daemon/server/router/grpc`, `daemon/command/httphandler.go`.

use std::fmt;

use http::Method;

use super::docker_host::{DockerHost, Protocol};
use super::http1::{empty, exchange, upgrade};
use super::parts::{Parts, write_query};
use super::{AddressError, ConnectCause, Dialled, TlsFiles, local, watched};

const FORM: &str = "docker-engine://[CONTEXT][?host=ADDRESS]";

/// First version of the engine's API whose socket speaks gRPC.
const NATIVE: (u32, u32) = (1, 53);

/// A Docker Engine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DockerEngine {
    /// Docker context that names it; none for the current one.
    pub context: Option<String>,
    /// Address of its API, once the context is looked up.
    pub host: Option<String>,
}

impl DockerEngine {
    /// What its addresses begin with.
    pub const SCHEME: &'static str = "docker-engine://";

    pub(super) fn parse(given: &str) -> Result<Self, AddressError> {
        let parts = Parts::of(given, FORM)?;
        parts.name_only()?;
        if !parts.path().is_empty() {
            return Err(parts.refuse("a path has no meaning"));
        }
        let mut query = parts.query(&["host"])?;
        let context = match given
            .trim_start_matches(Self::SCHEME)
            .split(['?', '#'])
            .next()
        {
            None | Some("") => None,
            Some(_) => Some(parts.host()?),
        };
        Ok(Self {
            context,
            host: query.remove("host"),
        })
    }
}

impl fmt::Display for DockerEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::SCHEME)?;
        f.write_str(self.context.as_deref().unwrap_or_default())?;
        write_query(f, &[("host", &self.host)])
    }
}

/// Connects to the BuildKit of an engine.
pub(super) async fn dial(
    engine: &DockerEngine,
    tls: Option<&TlsFiles>,
) -> Result<Dialled, ConnectCause> {
    let host = engine.host.as_deref().unwrap_or_default();
    let host: DockerHost = host.parse()?;
    let shaken = async {
        if api(&host, tls).await? >= NATIVE {
            return watched(local(), host.dial(tls, Protocol::Http2).await?).await;
        }
        let stream = host.dial(tls, Protocol::Http1).await?;
        watched(local(), upgrade(stream, "/grpc").await?).await
    };
    let patience = host.patience();
    match tokio::time::timeout(patience, shaken).await {
        Ok(shaken) => shaken,
        Err(_) => Err(ConnectCause::NotEngine(format!(
            "no answer within {} s",
            patience.as_secs()
        ))),
    }
}

/// Asks an engine for the version of its API.
async fn api(host: &DockerHost, tls: Option<&TlsFiles>) -> Result<(u32, u32), ConnectCause> {
    let stream = host.dial(tls, Protocol::Http1).await?;
    let answer = exchange(stream, Method::GET, "/_ping", &[], empty()).await?;
    let version = answer.headers().get("api-version");
    let version = version.and_then(|version| version.to_str().ok());
    version.and_then(parse_version).ok_or_else(|| {
        let status = answer.status();
        ConnectCause::NotEngine(format!("it answers {status} without a version of its API"))
    })
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_named_by_context_or_address() {
        for given in [
            "docker-engine://",
            "docker-engine://far",
            "docker-engine://far?host=tcp://far.test:2376",
            "docker-engine://?host=unix:///run/docker.sock",
        ] {
            assert_eq!(DockerEngine::parse(given).unwrap().to_string(), given);
        }
        for given in [
            "docker-engine://a/b",
            "docker-engine://me@a",
            "docker-engine://a?x=y",
        ] {
            let error = DockerEngine::parse(given).unwrap_err().to_string();
            assert!(error.contains(FORM), "{error}");
        }
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(parse_version("1.9").unwrap() < NATIVE);
        assert!(parse_version("1.53").unwrap() >= NATIVE);
        assert_eq!(parse_version("one"), None);
    }
}

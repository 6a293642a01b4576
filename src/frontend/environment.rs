//! What the daemon hands to a frontend: options, the caller's session, the frontend's own image.
//!
//! Source: BuildKit `frontend/gateway/gateway.go` (`newFrontend`), `solver/pb/attr.go`.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that reads what the daemon hands over"
)]

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

const OPTION: &str = "BUILDKIT_FRONTEND_OPT_";
const SESSION: &str = "BUILDKIT_SESSION_ID";

/// Where the daemon puts the graph of the frontend's own image.
const OWN_IMAGE: &str = "/run/config/buildkit/metadata/frontend.bin";

/// What the daemon hands over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The caller's options.
    pub options: BTreeMap<String, String>,
    /// Id of the session that serves the caller's files.
    pub session: String,
    /// The graph of this program's image; daemons before v0.9 hand none over.
    pub image: Option<Vec<u8>>,
    /// The file that was started: this program, or the dynamic linker that loads it.
    pub program: PathBuf,
}

/// What tells a frontend from a program that somebody started by hand.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// There is no session.
    #[error("{SESSION} is not set")]
    NoSession,
    /// The daemon says nothing about this program's image, or there is no `/proc`.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

impl Environment {
    /// Reads the environment of this process.
    ///
    /// # Errors
    /// No daemon started it.
    pub fn read() -> Result<Self, EnvironmentError> {
        let session = std::env::var(SESSION).map_err(|_| EnvironmentError::NoSession)?;
        let link = "/proc/self/exe";
        let program = std::fs::read_link(link).map_err(|source| EnvironmentError::Read {
            path: link.into(),
            source,
        })?;
        Ok(Self {
            options: options(std::env::vars()),
            session,
            image: match std::fs::read(OWN_IMAGE) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                read => Some(read.map_err(|source| EnvironmentError::Read {
                    path: OWN_IMAGE.into(),
                    source,
                })?),
            },
            program,
        })
    }
}

/// Returns the options among variables: `BUILDKIT_FRONTEND_OPT_7=target=api`.
fn options(variables: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    let pairs = variables.filter_map(|(name, pair)| {
        name.strip_prefix(OPTION)?;
        let (key, value) = pair.split_once('=').unwrap_or((&pair, ""));
        Some((key.to_owned(), value.to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_split_at_the_first_equals_sign() {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = [
            variable("PATH", "/bin"),
            variable("BUILDKIT_FRONTEND_OPT_0", "build-arg:A=b=c"),
            variable("BUILDKIT_FRONTEND_OPT_1", "no-cache="),
        ];
        let found = options(variables.into_iter());
        assert_eq!(found["build-arg:A"], "b=c");
        assert_eq!(found["no-cache"], "");
        assert_eq!(found.len(), 2);
    }
}

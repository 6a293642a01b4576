//! Failures of the wire: nobody there, gone in mid-build, cancelled, or the daemon's own error.
//!
//! A `tonic::Status` enters together with the connection it came over, an [`Error`] leaves. The
//! connection decides whether the daemon is gone, since a broken stream has no status code of its
//! own. The daemon's status is kept whole, so that it can be handed back in `Return`.

mod classify;
mod details;

use std::sync::Arc;
use std::time::Duration;

use buildkit_proto::google::rpc;
use prost::Message;
use tonic::{Code, Status};

pub use self::classify::ErrorKind;
pub use self::details::{Details, Position, Range, SolveFailure, SourceExcerpt, SourceInfo};
use super::gateway::Untranslatable;
use super::identity::NoRandomness;
use super::transport::{ConnectError, Connection};

/// How long to wait for a connection to end after an error that such an end would explain.
const END_FOLLOWS: Duration = Duration::from_millis(500);

/// A failure of the wire.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The daemon cannot be reached.
    #[error(transparent)]
    Connect(Arc<ConnectError>),
    /// The connection ended before the work did.
    #[error("buildkitd at {peer} went away: {reason}")]
    DaemonGone {
        /// Where it listened.
        peer: String,
        /// What was seen of the end.
        reason: Arc<str>,
    },
    /// The session's stream ended although the connection lives.
    #[error("buildkitd ended the session: {reason}")]
    SessionLost {
        /// What was seen of the end.
        reason: Arc<str>,
    },
    /// The work was cancelled from this side.
    #[error("cancelled")]
    Cancelled,
    /// The daemon reports an error.
    #[error(transparent)]
    Daemon(Box<DaemonError>),
    /// The daemon's answer lacks something it must have.
    #[error("the daemon's answer to {call} has no {missing}")]
    Incomplete {
        /// The call that was answered.
        call: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// The daemon lacks what the build needs.
    #[error(transparent)]
    Lacking(#[from] Untranslatable),
    /// No name can be made up for a session or a build.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// An error that the daemon reports.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct DaemonError {
    /// gRPC code.
    pub code: Code,
    /// The daemon's message.
    pub message: String,
    /// BuildKit's typed details.
    pub details: Details,
    status: rpc::Status,
}

impl Error {
    /// Returns what kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect(_) => ErrorKind::Unreachable,
            Self::DaemonGone { .. } | Self::SessionLost { .. } => ErrorKind::DaemonGone,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Daemon(error) => classify::classify(error.code, &error.message, &error.details),
            Self::Lacking(_) => ErrorKind::Lacking,
            Self::Incomplete { .. } | Self::NoRandomness(_) => ErrorKind::Other,
        }
    }

    /// Returns the daemon's own error, if this is one.
    #[must_use]
    pub fn daemon(&self) -> Option<&DaemonError> {
        match self {
            Self::Daemon(error) => Some(error),
            _ => None,
        }
    }

    /// Reads a status that came over `connection`, or that gRPC made up because it broke.
    pub(super) async fn of(status: Status, connection: &Connection) -> Self {
        if may_be_the_end(&status) {
            // The end is seen by another task than the one that reports the broken stream.
            let end = tokio::time::timeout(END_FOLLOWS, connection.end()).await;
            if let Ok(reason) = end {
                return Self::DaemonGone {
                    peer: connection.peer().to_owned(),
                    reason,
                };
            }
        }
        Self::Daemon(Box::new(DaemonError::from(status)))
    }
}

/// Tells whether a lost daemon would look like this: gRPC's own errors carry their cause, and a
/// daemon that shuts down cancels what it works on before it closes the connection.
fn may_be_the_end(status: &Status) -> bool {
    std::error::Error::source(status).is_some()
        || matches!(status.code(), Code::Cancelled | Code::Unavailable)
}

impl From<Status> for DaemonError {
    fn from(status: Status) -> Self {
        let plain = || rpc::Status {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Vec::new(),
        };
        let whole = match status.details() {
            [] => plain(),
            bytes => rpc::Status::decode(bytes).unwrap_or_else(|_| plain()),
        };
        Self::from(whole)
    }
}

impl From<rpc::Status> for DaemonError {
    fn from(status: rpc::Status) -> Self {
        Self {
            code: Code::from(status.code),
            message: status.message.clone(),
            details: Details::of(&status),
            status,
        }
    }
}

impl DaemonError {
    /// Returns the status as the daemon sent it.
    #[must_use]
    pub fn status(&self) -> &rpc::Status {
        &self.status
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Arc::new(error))
    }
}

/// Words any error as the status that `Return` hands to the daemon.
///
/// If a daemon's error is what it comes from, that one goes back with its details, so that the
/// build's record shows which vertex failed.
pub(in crate::buildkit) fn return_status(error: &(dyn std::error::Error + 'static)) -> rpc::Status {
    let mut text = error.to_string();
    let mut link = Some(error);
    while let Some(current) = link {
        if let Some(Error::Daemon(daemon)) = current.downcast_ref::<Error>() {
            return daemon.status.clone();
        }
        link = current.source();
        if let Some(cause) = link.map(ToString::to_string)
            && !text.ends_with(&cause)
        {
            text = format!("{text}: {cause}");
        }
    }
    rpc::Status {
        code: Code::Unknown.into(),
        message: text,
        details: Vec::new(),
    }
}

/// Returns an error with its causes in one line.
#[must_use]
pub fn explained(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("image api")]
    struct Outer(#[source] Error);

    fn daemon_error() -> Error {
        let status = rpc::Status {
            code: 2,
            message: "exit code: 1".into(),
            details: vec![buildkit_proto::google::protobuf::Any {
                type_url: "github.com/moby/buildkit/errdefs.Vertex+json".into(),
                value: br#"{"digest":"sha256:aa"}"#.to_vec(),
            }],
        };
        let bytes = status.encode_to_vec();
        let grpc = Status::with_details(Code::Unknown, "exit code: 1", bytes.into());
        Error::Daemon(Box::new(DaemonError::from(grpc)))
    }

    #[test]
    fn a_daemons_error_goes_back_with_its_details() {
        let status = return_status(&Outer(daemon_error()));
        assert_eq!(status.message, "exit code: 1");
        assert_eq!(Details::of(&status).vertex.as_deref(), Some("sha256:aa"));
    }

    #[test]
    fn any_other_error_goes_back_with_its_causes() {
        assert_eq!(
            return_status(&Outer(Error::Cancelled)).message,
            "image api: cancelled"
        );
    }
}

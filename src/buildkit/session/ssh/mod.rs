//! Forwards SSH agents to build steps: `moby.sshforward.v1.SSH`.
//!
//! Each connection that a step makes to its agent socket is one stream, and gets one
//! connection to the agent here. Steps may list keys and sign; `agent` answers everything
//! else itself, as BuildKit's `session/sshforward/sshprovider` does.
//!
//! The daemon forwards bytes whatever they mean, so a step without network can also be given a
//! service of this process: a [`StreamHandler`], which `stream` connects.

mod agent;
mod spec;
mod stream;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildkit_proto::moby::sshforward::v1::ssh_server::{Ssh, SshServer};
use buildkit_proto::moby::sshforward::v1::{BytesMessage, CheckAgentRequest, CheckAgentResponse};
use tokio::net::UnixStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

pub use spec::{SpecError, SshSpec};
pub use stream::{HandlerStream, StreamHandler};

/// The methods that this service answers, as the session announces them.
pub const METHODS: &[&str] = &[
    "/moby.sshforward.v1.SSH/CheckAgent",
    "/moby.sshforward.v1.SSH/ForwardAgent",
];

/// The agent that a step gets when it names none.
pub const DEFAULT: &str = "default";

/// The service.
#[derive(Clone)]
pub struct SshService {
    sockets: Arc<BTreeMap<String, PathBuf>>,
    handlers: BTreeMap<String, Arc<dyn StreamHandler>>,
}

impl std::fmt::Debug for SshService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SshService")
            .field("sockets", &self.sockets)
            .field("handlers", &self.handlers.keys())
            .finish()
    }
}

/// Why an agent cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// No socket was given, and the environment names none.
    #[error("no agent for {id:?}: SSH_AUTH_SOCK is not set")]
    NoAgent {
        /// The agent's id.
        id: String,
    },
    /// The socket cannot be looked at.
    #[error("cannot use the agent socket {path:?}")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// There is a file, presumably a private key.
    #[error("{path:?} is no agent socket; add the key to an agent with ssh-add and forward that")]
    NotSocket {
        /// The file.
        path: PathBuf,
    },
    /// Two agents have the same id.
    #[error("agent {id:?} is given twice")]
    Duplicate {
        /// The id.
        id: String,
    },
}

impl SshService {
    /// Returns a service of the given agents. `environment` is the value of `SSH_AUTH_SOCK`,
    /// for agents without a socket.
    ///
    /// # Errors
    /// An agent has no socket, or an id is used twice.
    pub fn new(agents: &[SshSpec], environment: Option<&Path>) -> Result<Self, SshError> {
        let mut sockets = BTreeMap::new();
        for agent in agents {
            let id = agent.id.clone();
            let path = agent.socket.as_deref().or(environment);
            let path = path.ok_or_else(|| SshError::NoAgent { id: id.clone() })?;
            let found = path.metadata().map_err(|source| SshError::Socket {
                path: path.into(),
                source,
            })?;
            if !found.file_type().is_socket() {
                return Err(SshError::NotSocket { path: path.into() });
            }
            if sockets.insert(id.clone(), path.to_owned()).is_some() {
                return Err(SshError::Duplicate { id });
            }
        }
        Ok(Self {
            sockets: Arc::new(sockets),
            handlers: BTreeMap::new(),
        })
    }

    /// Adds a service of this process; steps reach it as the agent `id`.
    #[must_use]
    pub fn with_handler(mut self, id: &str, handler: Arc<dyn StreamHandler>) -> Self {
        self.handlers.insert(id.to_owned(), handler);
        self
    }

    /// Returns the service in the form that a tonic router takes.
    #[must_use]
    pub fn into_server(self) -> SshServer<Self> {
        SshServer::new(self)
    }

    fn socket(&self, id: &str) -> Result<&Path, Status> {
        let id = if id.is_empty() { DEFAULT } else { id };
        let socket = self.sockets.get(id);
        let missing = || Status::not_found(format!("unset ssh forward key {id}"));
        socket.map(PathBuf::as_path).ok_or_else(missing)
    }
}

#[tonic::async_trait]
impl Ssh for SshService {
    async fn check_agent(
        &self,
        request: Request<CheckAgentRequest>,
    ) -> Result<Response<CheckAgentResponse>, Status> {
        let id = &request.get_ref().id;
        if !self.handlers.contains_key(id) {
            self.socket(id)?;
        }
        Ok(Response::new(CheckAgentResponse {}))
    }

    type ForwardAgentStream = ReceiverStream<Result<BytesMessage, Status>>;

    async fn forward_agent(
        &self,
        request: Request<Streaming<BytesMessage>>,
    ) -> Result<Response<Self::ForwardAgentStream>, Status> {
        let id = request.metadata().get("buildkit.ssh.id");
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        if let Some(handler) = self.handlers.get(id) {
            let answers = stream::forward(Arc::clone(handler), request.into_inner());
            return Ok(Response::new(ReceiverStream::new(answers)));
        }
        let socket = self.socket(id)?;
        let agent = UnixStream::connect(socket).await.map_err(|error| {
            let message = format!("cannot connect to the agent socket {socket:?}: {error}");
            Status::unavailable(message)
        })?;
        let answers = agent::forward(agent, request.into_inner());
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}

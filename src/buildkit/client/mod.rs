//! The Control service: what a daemon is, what it stores, and the calls that builds are made of.
//!
//! Source: BuildKit `api/services/control/control.proto`, `client/{info,workers}.go`.

mod records;

use std::collections::BTreeMap;
use std::time::Duration;

use buildkit_proto::moby::buildkit::v1::control_client::ControlClient;
use buildkit_proto::moby::buildkit::v1::{
    BuildHistoryRequest, InfoRequest, ListWorkersRequest, types,
};
use tonic::transport::Channel;
use tonic::{Code, Status};

pub use self::records::{Prune, UsageRecord};
use super::error::Error;
use super::gateway::Translation;
use super::transport::{Address, ConnectCause, ConnectError, Connection, TlsFiles};
use crate::oci::Platform;

/// Largest message either side sends (the daemon's own limit).
pub(super) const MAX_MESSAGE: usize = 16 << 20;

/// How long a daemon may take to say who it is.
const FIRST_ANSWER: Duration = Duration::from_secs(10);

/// A connection to a daemon's Control service.
///
/// Clones share the connection.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    connection: Connection,
    version: Option<Version>,
    translation: Translation,
}

/// Which daemon answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Go package it was built from.
    pub package: String,
    /// Its version, e.g. `v0.32.2`.
    pub version: String,
    /// Its revision in version control.
    pub revision: String,
}

/// A worker of a daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// Its id.
    pub id: String,
    /// Its labels, among them `org.mobyproject.buildkit.worker.snapshotter`.
    pub labels: BTreeMap<String, String>,
    /// Platforms it runs, its native one first.
    pub platforms: Vec<Platform>,
    /// What it removes when it collects garbage, rule by rule.
    pub collects: Vec<Prune>,
}

impl Client {
    /// Connects to a daemon and asks it who it is.
    ///
    /// # Errors
    /// Nobody listens at the address or answers there, or not a buildkitd.
    pub async fn connect(address: &Address, tls: Option<&TlsFiles>) -> Result<Self, Error> {
        let connection = Connection::open(address, tls).await?;
        let failed = |cause| ConnectError {
            address: address.clone(),
            cause,
        };
        let version = first_answer(&connection, FIRST_ANSWER).await;
        Ok(Self {
            address: address.clone(),
            version: version.map_err(failed)?,
            connection,
            translation: Translation::default(),
        })
    }

    /// Rewrites all graphs of builds that this handle starts.
    #[must_use]
    pub fn translating(mut self, translation: Translation) -> Self {
        self.translation = translation;
        self
    }

    pub(super) fn translation(&self) -> &Translation {
        &self.translation
    }

    /// Returns the connection that all of this client's calls use.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns where the daemon listens.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the daemon's version as it told on connecting; none from daemons before v0.11.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Asks a daemon for its version again; the call is also a sign of life.
    ///
    /// # Errors
    /// The daemon is gone or refuses.
    pub async fn info(&self) -> Result<Option<Version>, Error> {
        match self.control().info(InfoRequest {}).await {
            Ok(answer) => Ok(answer.into_inner().buildkit_version.map(Version::from)),
            Err(status) => Err(self.error(status).await),
        }
    }

    /// Returns the daemon's workers, the default one first.
    ///
    /// # Errors
    /// The daemon is gone or refuses.
    pub async fn list_workers(&self) -> Result<Vec<Worker>, Error> {
        let request = ListWorkersRequest { filter: Vec::new() };
        match self.control().list_workers(request).await {
            Ok(answer) => Ok(answer
                .into_inner()
                .record
                .into_iter()
                .map(Worker::from)
                .collect()),
            Err(status) => Err(self.error(status).await),
        }
    }

    /// Tells whether the daemon is building something, whoever asked for it.
    ///
    /// # Errors
    /// The daemon is gone, or keeps no history.
    pub async fn is_building(&self) -> Result<bool, Error> {
        let request = BuildHistoryRequest {
            active_only: true,
            early_exit: true,
            ..BuildHistoryRequest::default()
        };
        let mut events = match self.control().listen_build_history(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) => return Err(self.error(status).await),
        };
        match events.message().await {
            Ok(event) => Ok(event.is_some()),
            Err(status) => Err(self.error(status).await),
        }
    }

    pub(super) fn control(&self) -> ControlClient<Channel> {
        control(&self.connection)
    }

    pub(super) async fn error(&self, status: Status) -> Error {
        Error::of(status, &self.connection).await
    }
}

fn control(connection: &Connection) -> ControlClient<Channel> {
    ControlClient::new(connection.channel())
        .max_decoding_message_size(MAX_MESSAGE)
        .max_encoding_message_size(MAX_MESSAGE)
}

/// Asks a daemon who it is. The system accepts connections for daemons that are stopped, too, which
/// never answer.
async fn first_answer(
    connection: &Connection,
    patience: Duration,
) -> Result<Option<Version>, ConnectCause> {
    let mut daemon = control(connection);
    let answer = tokio::time::timeout(patience, daemon.info(InfoRequest {})).await;
    match answer.map_err(|_| ConnectCause::TimedOut(patience))? {
        Ok(answer) => Ok(answer.into_inner().buildkit_version.map(Version::from)),
        // Daemons before v0.11 have no such call, but they have answered.
        Err(status) if status.code() == Code::Unimplemented => Ok(None),
        Err(status) => Err(ConnectCause::NotBuildkit(reason(&status))),
    }
}

/// Words a status with its causes, which for a broken stream say more than the message.
fn reason(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut link = std::error::Error::source(status);
    while let Some(cause) = link {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        link = cause.source();
    }
    text
}

impl From<types::BuildkitVersion> for Version {
    fn from(version: types::BuildkitVersion) -> Self {
        Self {
            package: version.package,
            version: version.version,
            revision: version.revision,
        }
    }
}

impl From<types::WorkerRecord> for Worker {
    fn from(record: types::WorkerRecord) -> Self {
        Self {
            id: record.id,
            labels: record.labels.into_iter().collect(),
            platforms: record
                .platforms
                .iter()
                .map(|p| Platform::new(&p.os, &p.architecture, Some(&p.variant)))
                .collect(),
            collects: record.gc_policy.into_iter().map(Prune::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_daemon_that_never_answers_is_given_up() {
        let (near, _far) = tokio::io::duplex(64 << 10);
        let connection = Connection::over("a test", near).await.unwrap();
        let late = first_answer(&connection, Duration::from_millis(20)).await;
        assert!(matches!(late, Err(ConnectCause::TimedOut(_))), "{late:?}");
        let told = ConnectCause::TimedOut(FIRST_ANSWER).to_string();
        assert_eq!(told, "no answer within 10 s");
    }
}

//! Hands build secrets to the daemon: `moby.buildkit.secrets.v1.Secrets`.
//!
//! The daemon asks by id when a step that mounts the secret runs. Only `NotFound` means that
//! there is none: any other error fails the step, even if the secret is optional. Values are
//! read when asked for and never logged.

mod spec;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use buildkit_proto::moby::buildkit::secrets::v1::secrets_server::{
    Secrets, SecretsServer as Server,
};
use buildkit_proto::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use tonic::{Request, Response, Status};

pub use spec::{SecretSpec, SpecError, SpecSource};

/// The methods that this service answers, as the session announces them.
pub const METHODS: &[&str] = &["/moby.buildkit.secrets.v1.Secrets/GetSecret"];

/// The longest value, in bytes: what BuildKit's own client allows.
pub const LONGEST: usize = 500 << 10;

/// Where a secret's value is.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// In an environment variable.
    Env(String),
    /// In a file.
    File(PathBuf),
    /// Here.
    Literal(Vec<u8>),
}

/// The service.
#[derive(Clone, Debug)]
pub struct SecretsService {
    sources: Arc<BTreeMap<String, SecretSource>>,
}

/// Why a secret cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Its file cannot be read.
    #[error("cannot read secret {id:?} from {path:?}")]
    Read {
        /// The secret.
        id: String,
        /// Its file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Its value is too long.
    #[error("secret {id:?} is longer than {LONGEST} bytes")]
    TooLong {
        /// The secret.
        id: String,
    },
}

impl SecretSource {
    /// Returns where the secret of a command line is: without a source, in the variable named
    /// like it if that is set, else in the file named like it.
    #[must_use]
    pub fn of(spec: &SecretSpec) -> Self {
        match &spec.source {
            Some(SpecSource::Env(name)) => Self::Env(name.clone()),
            Some(SpecSource::File(path)) => Self::File(path.clone()),
            None if std::env::var_os(&spec.id).is_some() => Self::Env(spec.id.clone()),
            None => Self::File(spec.id.clone().into()),
        }
    }

    /// Returns the value, `None` if there is none: the variable is not set.
    fn value(&self, id: &str) -> Result<Option<Vec<u8>>, SecretError> {
        let value = match self {
            Self::Env(name) => {
                std::env::var_os(name).map(std::os::unix::ffi::OsStringExt::into_vec)
            }
            Self::File(path) => Some(read(path).map_err(|source| SecretError::Read {
                id: id.into(),
                path: path.clone(),
                source,
            })?),
            Self::Literal(value) => Some(value.clone()),
        };
        match value {
            Some(value) if value.len() > LONGEST => Err(SecretError::TooLong { id: id.into() }),
            other => Ok(other),
        }
    }
}

impl std::fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Literal(_) => f.write_str("Literal(…)"),
        }
    }
}

impl SecretsService {
    /// Returns a service of the given secrets by id. Files are looked at, so that a wrong path
    /// is known before the build starts.
    ///
    /// # Errors
    /// A file is missing or too long, or may not be read.
    pub fn new(sources: BTreeMap<String, SecretSource>) -> Result<Self, SecretError> {
        for (id, source) in &sources {
            source.value(id)?;
        }
        Ok(Self {
            sources: Arc::new(sources),
        })
    }

    /// Returns the service in the form that a tonic router takes.
    #[must_use]
    pub fn into_server(self) -> Server<Self> {
        Server::new(self)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut value = Vec::new();
    // One byte more than allowed tells that there is more.
    std::fs::File::open(path)?
        .take(LONGEST as u64 + 1)
        .read_to_end(&mut value)?;
    Ok(value)
}

#[tonic::async_trait]
impl Secrets for SecretsService {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = request.into_inner().id;
        let missing = || Status::not_found(format!("secret {id:?} not found"));
        let source = self.sources.get(&id).cloned().ok_or_else(missing)?;
        let asked = id.clone();
        let value = tokio::task::spawn_blocking(move || source.value(&asked)).await;
        let value = value
            .map_err(|error| Status::internal(error.to_string()))?
            .map_err(|error| {
                let cause = std::error::Error::source(&error);
                let cause = cause.map_or(String::new(), |cause| format!(": {cause}"));
                Status::failed_precondition(format!("{error}{cause}"))
            })?;
        let data = value.ok_or_else(missing)?;
        Ok(Response::new(GetSecretResponse { data }))
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn service(id: &str, source: SecretSource) -> Result<SecretsService, SecretError> {
        SecretsService::new([(id.to_owned(), source)].into())
    }

    async fn get(service: &SecretsService, id: &str) -> Result<Vec<u8>, Status> {
        let request = GetSecretRequest {
            id: id.into(),
            ..GetSecretRequest::default()
        };
        let answer = service.get_secret(Request::new(request)).await?;
        Ok(answer.into_inner().data)
    }

    #[tokio::test]
    async fn values_come_from_every_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, b"from a file\0").unwrap();
        let file = service("a", SecretSource::File(path)).unwrap();
        assert_eq!(get(&file, "a").await.unwrap(), b"from a file\0");
        let literal = service("a", SecretSource::Literal(b"x".to_vec())).unwrap();
        assert_eq!(get(&literal, "a").await.unwrap(), b"x");
        let variable = service("a", SecretSource::Env("PATH".into())).unwrap();
        let path = std::env::var("PATH").unwrap();
        assert_eq!(get(&variable, "a").await.unwrap(), path.as_bytes());
    }

    #[tokio::test]
    async fn only_what_is_missing_is_not_found() {
        let unset = SecretSource::Env("GOBUILD_TEST_NEVER_SET".into());
        let unset = service("a", unset).unwrap();
        assert_eq!(get(&unset, "a").await.unwrap_err().code(), Code::NotFound);
        assert_eq!(get(&unset, "b").await.unwrap_err().code(), Code::NotFound);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "x").unwrap();
        let file = service("a", SecretSource::File(path.clone())).unwrap();
        std::fs::remove_file(&path).unwrap();
        let status = get(&file, "a").await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("token"), "{status}");
    }

    #[test]
    fn what_cannot_be_read_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let read = service("a", SecretSource::File(path.clone()));
        assert!(matches!(read, Err(SecretError::Read { .. })));
        std::fs::write(&path, vec![0; LONGEST]).unwrap();
        assert!(service("a", SecretSource::File(path.clone())).is_ok());
        std::fs::write(&path, vec![0; LONGEST + 1]).unwrap();
        let read = service("a", SecretSource::File(path));
        assert!(matches!(read, Err(SecretError::TooLong { .. })));
    }

    #[test]
    fn values_are_not_printed() {
        let secret = service("a", SecretSource::Literal(b"hunter2".to_vec())).unwrap();
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}

//! Finds a registry's credentials as docker does, then as podman does.
//!
//! The order: `DOCKER_AUTH_CONFIG`, Docker's file, Podman's file. Where a file names a helper for
//! the host, or for all hosts, that helper stands for the logins in the file; if it has none, the
//! next file is asked.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::config::{ConfigError, ConfigFile, keys};
use super::credentials::Credentials;
use crate::oci::cache::boolean;

/// How long an answer is good: tokens of some helpers live five minutes.
const FRESH: Duration = Duration::from_secs(290);
/// How long a helper may take; it may ask the user.
const PATIENCE: Duration = Duration::from_secs(120);
/// What helpers print if they have no login.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// Where credentials are kept.
#[derive(Clone, Default)]
pub struct Locations {
    /// Docker's configuration folder.
    pub docker: Option<PathBuf>,
    /// The text of `DOCKER_AUTH_CONFIG`.
    pub docker_auth_config: Option<String>,
    /// Podman's file.
    pub podman: Option<PathBuf>,
    /// The `PATH` in which credential helpers are found; that of the process if not said.
    pub programs: Option<OsString>,
    /// Whether the daemon gets credentials themselves even where tokens would do
    /// (`BUILDKIT_NO_CLIENT_TOKEN`).
    pub no_client_tokens: bool,
}

/// The credentials of one build, each asked for once.
pub struct CredentialStore {
    locations: Locations,
    variable: ConfigFile,
    docker: ConfigFile,
    podman: ConfigFile,
    /// Answers by host. The lock is held while a helper runs: some hang when two run at once.
    known: Mutex<HashMap<String, (Instant, Credentials)>>,
}

/// Why credentials cannot be found out.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A configuration file cannot be read.
    #[error("cannot read {path:?}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A configuration file is malformed.
    #[error("malformed {path:?}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, without any secret.
        reason: String,
    },
    /// A helper cannot be run.
    #[error("cannot run the credential helper {helper:?}")]
    Run {
        /// The program.
        helper: String,
        /// The system's answer.
        source: io::Error,
    },
    /// A helper failed.
    #[error("credential helper {helper:?} failed for {host:?}: {reason}")]
    Helper {
        /// The program.
        helper: String,
        /// The registry.
        host: String,
        /// What it printed, or what was wrong with that.
        reason: String,
    },
}

impl Locations {
    /// Reads the process's environment.
    #[must_use]
    pub fn from_environment() -> Self {
        let path = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = path("HOME").map(PathBuf::from);
        let docker = path("DOCKER_CONFIG")
            .map(PathBuf::from)
            .or_else(|| Some(home.as_ref()?.join(".docker")));
        let podman = path("REGISTRY_AUTH_FILE").map(PathBuf::from).or_else(|| {
            let runtime = path("XDG_RUNTIME_DIR").map(PathBuf::from)?;
            Some(runtime.join("containers/auth.json"))
        });
        let no_client_tokens = std::env::var("BUILDKIT_NO_CLIENT_TOKEN")
            .is_ok_and(|value| boolean(&value) == Some(true));
        Self {
            docker,
            docker_auth_config: std::env::var("DOCKER_AUTH_CONFIG")
                .ok()
                .filter(|text| !text.is_empty()),
            podman,
            programs: None,
            no_client_tokens,
        }
    }
}

impl CredentialStore {
    /// Reads the configuration at `locations`; files that do not exist hold nothing.
    ///
    /// # Errors
    /// A file cannot be read or is malformed. A malformed `DOCKER_AUTH_CONFIG` is only warned
    /// about, as docker does.
    pub fn load(locations: Locations) -> Result<Self, AuthError> {
        let docker = locations
            .docker
            .as_ref()
            .map(|path| path.join("config.json"));
        let text = locations.docker_auth_config.as_deref();
        let variable = match text.map(ConfigFile::parse_variable) {
            Some(Err(error)) => {
                tracing::warn!("DOCKER_AUTH_CONFIG is ignored: {error}");
                ConfigFile::default()
            }
            Some(Ok(file)) => file,
            None => ConfigFile::default(),
        };
        Ok(Self {
            variable,
            docker: read(docker.as_deref())?,
            podman: read(locations.podman.as_deref())?,
            known: Mutex::default(),
            locations,
        })
    }

    /// Returns the credentials for a registry, given its host with the port if it has one.
    ///
    /// # Errors
    /// A helper fails, or the host's login is malformed.
    pub async fn credentials_for(&self, host: &str) -> Result<Credentials, AuthError> {
        let mut known = self.known.lock().await;
        if let Some((when, credentials)) = known.get(host)
            && when.elapsed() < FRESH
        {
            return Ok(credentials.clone());
        }
        let found = self.find(host).await?;
        known.insert(host.to_owned(), (Instant::now(), found.clone()));
        Ok(found)
    }

    /// Returns Docker's configuration folder.
    pub(super) fn docker_directory(&self) -> Option<PathBuf> {
        self.locations.docker.clone()
    }

    /// Returns whether the daemon may be spared credentials.
    pub(super) fn shares_tokens(&self) -> bool {
        !self.locations.no_client_tokens
    }

    async fn find(&self, host: &str) -> Result<Credentials, AuthError> {
        let own = [host];
        let keys = match keys(host) {
            [] => &own,
            known => known,
        };
        let podman = self.locations.podman.as_deref();
        let docker = self.locations.docker.as_deref();
        for (file, path) in [
            (&self.variable, Some(Path::new("DOCKER_AUTH_CONFIG"))),
            (&self.docker, docker),
            (&self.podman, podman),
        ] {
            for key in keys {
                if let Some(helper) = file.helper(key) {
                    let answer = self.ask(helper, key).await?;
                    if answer != Credentials::Anonymous {
                        return Ok(answer);
                    }
                    continue;
                }
                let malformed = |error: ConfigError| AuthError::Malformed {
                    path: path.unwrap_or(Path::new("")).into(),
                    reason: error.to_string(),
                };
                match file.login(key).map_err(malformed)? {
                    None | Some(Credentials::Anonymous) => {}
                    Some(found) => return Ok(found),
                }
            }
        }
        Ok(Credentials::Anonymous)
    }

    /// Asks a credential helper (`docker/docker-credential-helpers`).
    async fn ask(&self, helper: &str, host: &str) -> Result<Credentials, AuthError> {
        let program = format!("docker-credential-{helper}");
        let run = |source| AuthError::Run {
            helper: program.clone(),
            source,
        };
        let failed = |reason: &str| AuthError::Helper {
            helper: program.clone(),
            host: host.into(),
            reason: reason.trim().into(),
        };
        if helper.contains('/') {
            return Err(run(io::ErrorKind::InvalidInput.into()));
        }
        let mut command = Command::new(&program);
        if let Some(programs) = &self.locations.programs {
            command.env("PATH", programs);
        }
        let mut child = command
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(run)?;
        let input = child.stdin.take();
        let answered = tokio::time::timeout(PATIENCE, async {
            if let Some(mut input) = input {
                // A helper that does not read its input says why on its output.
                input.write_all(host.as_bytes()).await.ok();
            }
            child.wait_with_output().await
        });
        let output = answered
            .await
            .map_err(|_| failed("it did not answer in time"))?
            .map_err(run)?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            if printed.trim() == NOT_FOUND {
                return Ok(Credentials::Anonymous);
            }
            // A helper that fails prints no secret, but says on either output what is wrong.
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(failed(&format!("{} {}", printed.trim(), complaint.trim())));
        }
        let answer: Answer = serde_json::from_slice(&output.stdout)
            .map_err(|_| failed("its answer is malformed"))?;
        Ok(match (answer.username.as_str(), answer.secret) {
            (_, secret) if secret.is_empty() => Credentials::Anonymous,
            ("<token>", secret) => Credentials::IdentityToken(secret),
            (username, password) => Credentials::Password {
                username: username.to_owned(),
                password,
            },
        })
    }
}

impl std::fmt::Debug for CredentialStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialStore").finish_non_exhaustive()
    }
}

fn read(path: Option<&Path>) -> Result<ConfigFile, AuthError> {
    let Some(path) = path else {
        return Ok(ConfigFile::default());
    };
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(ConfigFile::default());
        }
        Err(source) => {
            return Err(AuthError::Read {
                path: path.into(),
                source,
            });
        }
    };
    ConfigFile::parse(&text).map_err(|error| AuthError::Malformed {
        path: path.into(),
        reason: error.to_string(),
    })
}

/// A helper's answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

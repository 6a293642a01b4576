//! The login part of Docker's `config.json`, of Podman's `auth.json`, and of the variable
//! `DOCKER_AUTH_CONFIG` (docker/cli `cli/config/configfile`).

use std::collections::BTreeMap;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde::Deserialize;

use super::credentials::Credentials;

/// Docker Hub's key in configuration files, of times before registries had host names there.
pub(super) const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// A configuration file as written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfigFile {
    #[serde(default)]
    auths: BTreeMap<String, AuthEntry>,
    #[serde(default)]
    creds_store: String,
    #[serde(default)]
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct AuthEntry {
    #[serde(default)]
    auth: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    identitytoken: String,
    #[serde(default)]
    registrytoken: String,
}

impl std::fmt::Debug for AuthEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthEntry(…)")
    }
}

/// The variable as written: only `auth` is allowed in its entries.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    #[serde(default)]
    auths: BTreeMap<String, VariableEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableEntry {
    auth: String,
}

/// Why a login cannot be read. None of these repeats what the file says.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    #[error("line {line} is no valid configuration")]
    Syntax { line: usize },
    #[error("the login of {key:?} is not base64 of user:password")]
    Login { key: String },
}

impl ConfigFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// It is not the JSON that Docker writes.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(text).map_err(|error| ConfigError::Syntax { line: error.line() })
    }

    /// Reads the variable's text.
    ///
    /// # Errors
    /// It is not JSON of the form `{"auths": {"<host>": {"auth": "…"}}}`.
    pub(super) fn parse_variable(text: &str) -> Result<Self, ConfigError> {
        let variable: Variable = serde_json::from_str(text)
            .map_err(|error| ConfigError::Syntax { line: error.line() })?;
        let auths = variable.auths.into_iter().map(|(key, entry)| {
            let entry = AuthEntry {
                auth: entry.auth,
                ..AuthEntry::default()
            };
            (key, entry)
        });
        let file = Self {
            auths: auths.collect(),
            ..Self::default()
        };
        for (key, entry) in &file.auths {
            if entry.credentials(key)? == Credentials::Anonymous {
                return Err(ConfigError::Login { key: key.clone() });
            }
        }
        Ok(file)
    }

    /// Returns the name of the helper that keeps a host's login.
    pub(super) fn helper(&self, key: &str) -> Option<&str> {
        let helper = self.cred_helpers.get(key).unwrap_or(&self.creds_store);
        Some(helper.as_str()).filter(|helper| !helper.is_empty())
    }

    /// Returns the login written under `key`, or under an older form of the same host.
    ///
    /// # Errors
    /// It cannot be decoded.
    pub(super) fn login(&self, key: &str) -> Result<Option<Credentials>, ConfigError> {
        let exact = self.auths.get_key_value(key);
        let older = || self.auths.iter().find(|(written, _)| host(written) == key);
        match exact.or_else(older) {
            Some((written, entry)) => Ok(Some(entry.credentials(written)?)),
            None => Ok(None),
        }
    }
}

impl AuthEntry {
    fn credentials(&self, key: &str) -> Result<Credentials, ConfigError> {
        if !self.registrytoken.is_empty() {
            return Ok(Credentials::RegistryToken(self.registrytoken.clone()));
        }
        if !self.identitytoken.is_empty() {
            return Ok(Credentials::IdentityToken(self.identitytoken.clone()));
        }
        if !self.auth.is_empty() {
            let login = decode(&self.auth);
            return login.ok_or_else(|| ConfigError::Login { key: key.into() });
        }
        if self.username.is_empty() && self.password.is_empty() {
            return Ok(Credentials::Anonymous);
        }
        Ok(Credentials::Password {
            username: self.username.clone(),
            password: self.password.clone(),
        })
    }
}

fn decode(auth: &str) -> Option<Credentials> {
    let lenient =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decoded = GeneralPurpose::new(&STANDARD, lenient).decode(auth).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (username, password) = decoded.split_once(':')?;
    (!username.is_empty()).then(|| Credentials::Password {
        username: username.to_owned(),
        password: password.trim_matches('\0').to_owned(),
    })
}

/// Returns the keys that a registry's host may have in a file, the most usual first.
pub(super) fn keys(host: &str) -> &[&str] {
    match host {
        "docker.io" | "index.docker.io" | "registry-1.docker.io" => {
            &[DOCKER_HUB, "docker.io", "registry-1.docker.io"]
        }
        _ => &[],
    }
}

/// Returns the host of a key that is a URL.
fn host(key: &str) -> &str {
    let rest = key.split_once("://").map_or(key, |(_, rest)| rest);
    rest.split_once('/').map_or(rest, |(host, _)| host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(username: &str, password: &str) -> Credentials {
        Credentials::Password {
            username: username.into(),
            password: password.into(),
        }
    }

    #[test]
    fn every_form_of_a_login_is_read() {
        let file = ConfigFile::parse(
            br#"{"auths": {
                "a.test": {"auth": "dXNlcjpwYTpzcw=="},
                "b.test": {"auth": "dXNlcjpwYTpzcw"},
                "https://c.test/v1/": {"username": "u", "password": "p"},
                "d.test": {"auth": "dTpw", "identitytoken": "id"},
                "e.test": {"registrytoken": "raw"},
                "f.test": {}
            }, "HttpHeaders": {"X": "y"}}"#,
        )
        .unwrap();
        let login = |host: &str| file.login(host).unwrap();
        assert_eq!(login("a.test"), Some(password("user", "pa:ss")));
        assert_eq!(login("b.test"), Some(password("user", "pa:ss")));
        assert_eq!(login("c.test"), Some(password("u", "p")));
        assert_eq!(
            login("d.test"),
            Some(Credentials::IdentityToken("id".into()))
        );
        assert_eq!(
            login("e.test"),
            Some(Credentials::RegistryToken("raw".into()))
        );
        assert_eq!(login("f.test"), Some(Credentials::Anonymous));
        assert_eq!(login("test"), None);
    }

    #[test]
    fn errors_do_not_repeat_secrets() {
        let broken = ConfigFile::parse(b"{\"auths\": {\"a\": {\"auth\": 5678}}}").unwrap_err();
        assert_eq!(broken.to_string(), "line 1 is no valid configuration");
        let file = ConfigFile::parse(br#"{"auths": {"a.test": {"auth": "hunter2"}}}"#).unwrap();
        let message = file.login("a.test").unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
        assert!(!format!("{file:?}").contains("hunter2"));
    }

    #[test]
    fn the_variable_is_strict() {
        let read = ConfigFile::parse_variable;
        let file = read(r#"{"auths": {"a.test": {"auth": "dTpw"}}}"#).unwrap();
        assert_eq!(file.login("a.test").unwrap(), Some(password("u", "p")));
        assert!(read(r#"{"auths": {"a.test": {"username": "u"}}}"#).is_err());
        assert!(read(r#"{"auths": {"a.test": {"auth": ""}}}"#).is_err());
        assert!(read(r#"{"credsStore": "x"}"#).is_err());
    }

    #[test]
    fn a_helper_of_the_host_goes_before_the_store() {
        let file =
            ConfigFile::parse(br#"{"credsStore": "pass", "credHelpers": {"a.test": "ecr"}}"#)
                .unwrap();
        assert_eq!(file.helper("a.test"), Some("ecr"));
        assert_eq!(file.helper("b.test"), Some("pass"));
        assert_eq!(ConfigFile::default().helper("a.test"), None);
    }
}

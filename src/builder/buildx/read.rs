//! Reads the store from the disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{DEFAULT_CONTEXT, Store, engine};

/// Where an engine listens if nothing says otherwise.
const ENGINE: &str = "unix:///var/run/docker.sock";

/// Where the store is, and what else it depends on.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// `BUILDX_CONFIG`.
    pub buildx_config: Option<PathBuf>,
    /// Folder of Docker's `config.json`.
    pub docker_config: Option<PathBuf>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// Folder of the engine's credentials, where `DOCKER_TLS_VERIFY` asks for TLS:
    /// `DOCKER_CERT_PATH`, else Docker's own.
    pub docker_certificates: Option<PathBuf>,
}

/// What is of interest in Docker's `config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DockerConfig {
    current_context: String,
}

impl Place {
    /// Reads the store; one that is not there holds nothing.
    #[must_use]
    pub fn read(&self) -> Store {
        let engines = self.docker_config.as_deref().map(engine::contexts);
        let engines = engines.unwrap_or_default();
        let store = Store {
            contexts: engines.keys().cloned().collect(),
            engines,
            engine_tls: self.docker_certificates.as_deref().map(|folder| {
                // Without files it is TLS still, that trusts what this machine trusts.
                engine::credentials(folder).unwrap_or_default()
            }),
            context: self.context(),
            engine: self
                .docker_host
                .clone()
                .unwrap_or_else(|| ENGINE.to_owned()),
            ..Store::default()
        };
        let usual = || Some(self.docker_config.as_ref()?.join("buildx"));
        let Some(folder) = self.buildx_config.clone().or_else(usual) else {
            return store;
        };
        Store {
            current: json(&folder.join("current")),
            defaults: entries(folder.join("defaults"))
                .filter_map(|(hash, path)| {
                    let name = fs::read_to_string(path).ok()?;
                    Some((hash, name.trim().to_owned()))
                })
                .collect(),
            builders: entries(folder.join("instances"))
                .filter_map(|(name, path)| Some((name, json(&path)?)))
                .collect(),
            folder,
            ..store
        }
    }

    /// Returns the Docker context in use, by docker's own order.
    fn context(&self) -> String {
        if self.docker_host.is_some() {
            return DEFAULT_CONTEXT.to_owned();
        }
        let configured = || {
            let file = self.docker_config.as_ref()?.join("config.json");
            let config: DockerConfig = json(&file)?.ok()?;
            Some(config.current_context).filter(|name| !name.is_empty())
        };
        let context = self.docker_context.clone().or_else(configured);
        context.unwrap_or_else(|| DEFAULT_CONTEXT.to_owned())
    }
}

/// Returns what lies in a folder; nothing where it cannot be read.
fn entries(folder: PathBuf) -> impl Iterator<Item = (String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
}

/// Returns what a file holds; none where there is none.
fn json<T: DeserializeOwned>(path: &Path) -> Option<Result<T, String>> {
    let told = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    match fs::read(path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| told(&error))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(told(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Builder, Current, Node, NodePlatform};
    use super::*;

    /// Writes a store with one builder, its current one, and a broken one.
    fn docker() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let current = r#"{"Key":"far","Name":"team","Global":false}"#;
        write("buildx/current", current);
        write("buildx/defaults/0123", "team");
        write(
            "buildx/instances/team",
            r#"{"Name":"team","Driver":"docker-container","Nodes":[{"Name":"team0",
            "Endpoint":"far","Platforms":[{"architecture":"arm64","os":"linux"}],
            "DriverOpts":{"network":"host"},"Flags":["--debug"],"Files":null}],"Dynamic":false}"#,
        );
        write("buildx/instances/broken", "{");
        write("config.json", r#"{"auths":{},"currentContext":"far"}"#);
        write(
            "contexts/meta/abc/meta.json",
            r#"{"Name":"far","Endpoints":{}}"#,
        );
        folder
    }

    fn place(docker: &Path) -> Place {
        Place {
            docker_config: Some(docker.to_owned()),
            ..Place::default()
        }
    }

    #[test]
    fn files_as_buildx_writes_them_are_read() {
        let docker = docker();
        let store = place(docker.path()).read();
        let current = Current {
            key: "far".to_owned(),
            name: "team".to_owned(),
            global: false,
        };
        assert_eq!(store.current, Some(Ok(current)));
        assert_eq!(store.defaults["0123"], "team");
        assert!(store.contexts.contains("far"));
        let node = Node {
            name: "team0".to_owned(),
            endpoint: "far".to_owned(),
            platforms: Some(vec![NodePlatform {
                os: "linux".to_owned(),
                architecture: "arm64".to_owned(),
                variant: String::new(),
            }]),
            driver_opts: Some([("network".to_owned(), "host".to_owned())].into()),
        };
        let builder = Builder {
            name: "team".to_owned(),
            driver: "docker-container".to_owned(),
            nodes: vec![node],
        };
        assert_eq!(store.builders["team"], Ok(builder));
        let why = store.builders["broken"].as_ref().unwrap_err();
        assert!(why.contains("instances/broken: "), "{why}");
    }

    #[test]
    fn the_engine_in_use_is_found_as_docker_does() {
        let docker = docker();
        let mut place = place(docker.path());
        let engine = |place: &Place| {
            let store = place.read();
            format!("{} {}", store.context, store.engine)
        };
        assert_eq!(engine(&place), format!("far {ENGINE}"));
        place.docker_context = Some("near".to_owned());
        assert_eq!(engine(&place), format!("near {ENGINE}"));
        place.docker_host = Some("tcp://far:2376".to_owned());
        assert_eq!(engine(&place), "default tcp://far:2376");
        assert_eq!(engine(&Place::default()), format!("default {ENGINE}"));
    }

    #[test]
    fn a_store_that_is_not_there_holds_nothing() {
        let docker = docker();
        let mut place = place(docker.path());
        place.buildx_config = Some(docker.path().join("elsewhere"));
        let store = place.read();
        assert_eq!((store.current, store.builders.len()), (None, 0));
        assert_eq!(store.folder, docker.path().join("elsewhere"));
    }
}

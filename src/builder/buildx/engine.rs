//! Docker Engines: what Docker contexts and Docker's variables say of where they listen.
//!
//! The engine of a context is a builder as well, of buildx's driver `docker`: its own BuildKit.
//!
//! Source: docker/cli `cli/context/{docker/load.go,store}`, `cli/context/tlsdata.go` (folders),
//! `cli/flags/options.go` (`DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{DEFAULT_CONTEXT, NodeError, Store};
use crate::buildkit::transport::{DockerEngine, TlsFiles};

/// Where the engine of a context listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engine {
    /// Address of its API.
    pub host: String,
    /// Its credentials.
    pub tls: Option<TlsFiles>,
}

/// What is of interest in the description of a Docker context.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    name: String,
    #[serde(default)]
    endpoints: BTreeMap<String, Endpoint>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Endpoint {
    #[serde(rename = "Host")]
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    unverified: bool,
}

/// Returns the engines of the contexts that Docker's folder describes, by name.
pub(super) fn contexts(docker: &Path) -> BTreeMap<String, Engine> {
    let described = fs::read_dir(docker.join("contexts/meta"));
    let described = described.into_iter().flatten().flatten();
    let contexts = described.filter_map(|entry| {
        let bytes = fs::read(entry.path().join("meta.json")).ok()?;
        let Context { name, endpoints } = serde_json::from_slice(&bytes).ok()?;
        let endpoint = endpoints.get("docker");
        let folder = docker.join("contexts/tls").join(hex(&name)).join("docker");
        let engine = Engine {
            host: endpoint.map(|e| e.host.clone()).unwrap_or_default(),
            tls: match (credentials(&folder), endpoint) {
                (tls, Some(endpoint)) if endpoint.unverified => Some(TlsFiles {
                    unverified: true,
                    ..tls.unwrap_or_default()
                }),
                (tls, _) => tls,
            },
        };
        Some((name, engine))
    });
    contexts.collect()
}

/// Returns the credentials in a folder, of which each file may be missing.
pub(super) fn credentials(folder: &Path) -> Option<TlsFiles> {
    let file = |name: &str| Some(folder.join(name)).filter(|path: &PathBuf| path.is_file());
    let files = TlsFiles {
        ca: file("ca.pem"),
        identity: file("cert.pem").zip(file("key.pem")),
        server_name: None,
        unverified: false,
    };
    (files != TlsFiles::default()).then_some(files)
}

fn hex(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// Completes the address of an engine with where it listens, and returns its credentials.
    ///
    /// # Errors
    /// There is no such context, or its engine cannot be spoken to.
    pub fn engine(
        &self,
        address: &DockerEngine,
    ) -> Result<(DockerEngine, Option<TlsFiles>), NodeError> {
        let name = address.context.as_deref().unwrap_or(&self.context);
        let refused = |why: String| NodeError::Context {
            name: name.to_owned(),
            why,
        };
        let own = Engine {
            host: self.engine.clone(),
            tls: self.engine_tls.clone(),
        };
        let engine = match (&address.host, self.engines.get(name)) {
            (Some(host), _) if *host == own.host => own,
            (Some(host), _) => Engine {
                host: host.clone(),
                ..Engine::default()
            },
            (None, _) if name == DEFAULT_CONTEXT => own,
            (None, Some(engine)) => engine.clone(),
            (None, None) => return Err(refused("there is no such Docker context".to_owned())),
        };
        // An address alone is of no context.
        let named = address.context.is_some() || address.host.is_none();
        let address = DockerEngine {
            context: named.then(|| name.to_owned()),
            host: Some(engine.host),
        };
        Ok((address, engine.tls))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn docker() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let meta = |name: &str, more: &str| {
            format!(
                r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{
                "Host":"tcp://{name}.test:2376"{more}}}}}}}"#
            )
        };
        write("contexts/meta/1/meta.json", &meta("far", ""));
        write(
            "contexts/meta/2/meta.json",
            &meta("lax", r#","SkipTLSVerify":true"#),
        );
        write(&format!("contexts/tls/{}/docker/ca.pem", hex("far")), "");
        folder
    }

    #[test]
    fn a_context_tells_where_its_engine_is() {
        let folder = docker();
        let store = Store {
            engines: contexts(folder.path()),
            context: "far".to_owned(),
            engine: "unix:///var/run/docker.sock".to_owned(),
            ..Store::default()
        };
        let shown = |context: Option<&str>, host: Option<&str>| {
            let address = DockerEngine {
                context: context.map(str::to_owned),
                host: host.map(str::to_owned),
            };
            match store.engine(&address) {
                Ok((address, tls)) => format!("{address} {}", tls.is_some()),
                Err(error) => error.to_string(),
            }
        };
        let lines = [
            shown(None, None),
            shown(Some("default"), None),
            shown(None, Some("tcp://near:2375")),
            shown(Some("lax"), None),
            shown(Some("gone"), None),
        ];
        insta::assert_snapshot!(lines.join("\n"), @r#"
        docker-engine://far?host=tcp://far.test:2376 true
        docker-engine://default?host=unix:///var/run/docker.sock false
        docker-engine://?host=tcp://near:2375 false
        docker-engine://lax?host=tcp://lax.test:2376 true
        Docker context "gone": there is no such Docker context
        "#);
    }
}

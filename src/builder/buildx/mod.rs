//! The store of `docker buildx`: which builders it knows, and which one is its current one.
//!
//! [`read`](Place::read) is the edge; what it returns is plain data, from which
//! [`choose`](super::choose) chooses and `nodes` makes addresses. Nothing is written or locked:
//! buildx replaces its files atomically.
//!
//! Source: docker/buildx `store/{store,nodegroup}.go`, `store/storeutil/storeutil.go`.

mod engine;
pub(super) mod nodes;
mod read;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::buildkit::transport::TlsFiles;

pub use engine::Engine;
pub use nodes::{NodeError, Place as NodePlace};
pub use read::Place;

/// Name of the Docker context that every machine has.
const DEFAULT_CONTEXT: &str = "default";

/// What the store holds.
#[derive(Clone, Debug, Default)]
pub struct Store {
    /// Its folder.
    pub folder: PathBuf,
    /// What `docker buildx use` chose last; the reason where the file cannot be read.
    pub current: Option<Result<Current, String>>,
    /// Builders that `docker buildx use --default` chose, by the hash of their key.
    pub defaults: BTreeMap<String, String>,
    /// Every builder by its name; the reason where its file cannot be read.
    pub builders: BTreeMap<String, Result<Builder, String>>,
    /// Docker contexts, each of which buildx takes for a builder, too; the default one is not
    /// among them.
    pub contexts: BTreeSet<String>,
    /// Where the engines of these contexts are.
    pub engines: BTreeMap<String, Engine>,
    /// Docker context in use.
    pub context: String,
    /// Address of the engine of the default context.
    pub engine: String,
    /// Its credentials.
    pub engine_tls: Option<TlsFiles>,
}

/// The file `current`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Current {
    /// Context or engine that it was chosen for.
    pub key: String,
    /// The builder; empty for none.
    pub name: String,
    /// Whether it counts for every context.
    pub global: bool,
}

/// A file of `instances`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Builder {
    /// Its name.
    pub name: String,
    /// How its daemons are run: `docker-container`, `remote`, `kubernetes`, ….
    pub driver: String,
    /// Its daemons.
    pub nodes: Vec<Node>,
}

/// One daemon of a builder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Docker context, engine or daemon, as the driver has it.
    pub endpoint: String,
    /// Platforms that it was created for; none where the daemon is to say.
    pub platforms: Option<Vec<NodePlatform>>,
    /// Settings of the driver.
    pub driver_opts: Option<BTreeMap<String, String>>,
}

/// A platform as the image specification writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NodePlatform {
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub architecture: String,
    /// CPU variant, or empty.
    pub variant: String,
}

impl Store {
    /// Returns the name of the builder that buildx would use; none where that is the Docker
    /// Engine itself, which nobody chose.
    ///
    /// # Errors
    /// The file that says so cannot be read.
    pub fn current(&self) -> Result<Option<&str>, String> {
        let key = self.key();
        if let Some(current) = &self.current {
            let current = current.as_ref().map_err(Clone::clone)?;
            let name = Some(current.name.as_str()).filter(|name| !name.is_empty());
            if let Some(name) = name {
                if current.global && self.get(name).is_some() {
                    return Ok(Some(name));
                }
                if current.key == key {
                    return Ok(self.get(name).map(|_| name).or(self.of_context()));
                }
            }
        }
        let default = self.defaults.get(&hash(key)).map(String::as_str);
        let default = default.filter(|name| self.get(name).is_some());
        Ok(default.or(self.of_context()))
    }

    /// Returns the builder that is named as the Docker context in use.
    fn of_context(&self) -> Option<&str> {
        self.get(&self.context).map(|_| self.context.as_str())
    }

    /// Returns what choices are kept for: the context, or the engine of the default one.
    fn key(&self) -> &str {
        if self.context == DEFAULT_CONTEXT {
            &self.engine
        } else {
            &self.context
        }
    }

    /// Returns a builder; names are lower-case in the store.
    pub(super) fn get(&self, name: &str) -> Option<&Result<Builder, String>> {
        self.builders.get(&name.to_ascii_lowercase())
    }

    /// Tells whether a name means a Docker Engine's own BuildKit.
    pub(super) fn is_engine(&self, name: &str) -> bool {
        name == DEFAULT_CONTEXT || self.contexts.contains(name)
    }
}

/// Returns the name of a key's file in `defaults`.
fn hash(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest
        .iter()
        .take(10)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        let builder = |name: &str| (name.to_owned(), Ok(Builder::default()));
        Store {
            builders: [builder("one"), builder("two")].into(),
            context: DEFAULT_CONTEXT.to_owned(),
            engine: "unix:///var/run/docker.sock".to_owned(),
            ..Store::default()
        }
    }

    fn current(key: &str, name: &str, global: bool) -> Option<Result<Current, String>> {
        Some(Ok(Current {
            key: key.to_owned(),
            name: name.to_owned(),
            global,
        }))
    }

    #[test]
    fn the_current_builder_is_the_one_of_the_engine_in_use() {
        let mut store = store();
        assert_eq!(store.current(), Ok(None));
        store.current = current("unix:///var/run/docker.sock", "one", false);
        assert_eq!(store.current(), Ok(Some("one")));
        store.engine = "tcp://far:2376".to_owned();
        assert_eq!(store.current(), Ok(None));
        store
            .defaults
            .insert(hash("tcp://far:2376"), "two".to_owned());
        assert_eq!(store.current(), Ok(Some("two")));
        store.current = current("unix:///var/run/docker.sock", "one", true);
        assert_eq!(store.current(), Ok(Some("one")));
        store.context = "two".to_owned();
        store.current = current("two", "gone", false);
        assert_eq!(store.current(), Ok(Some("two")));
        store.current = Some(Err("broken".to_owned()));
        assert_eq!(store.current(), Err("broken".to_owned()));
    }

    #[test]
    fn a_key_is_hashed_as_buildx_does() {
        // printf %s unix:///var/run/docker.sock | sha256sum | cut -c1-20
        assert_eq!(hash("unix:///var/run/docker.sock"), "13c4025c96f36e94b348");
    }
}

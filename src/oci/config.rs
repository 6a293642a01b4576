//! The image config that an exporter is given: a base's config with an image's settings on top.
//!
//! Configs are kept as JSON objects, so that members of a base's config which no specification
//! names yet survive. Layer ids are left out: BuildKit's exporter fills in `rootfs` and matches
//! `history` against the layers it writes.
//! Sources: OCI image-spec `config.md`; BuildKit `exporter/containerimage/writer.go`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Platform;

/// `PATH` of an image whose base says none.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// An image config under construction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageConfig {
    /// Members other than the two below.
    root: Map<String, Value>,
    /// `config`, the execution parameters.
    run: Map<String, Value>,
    /// `history`.
    history: Vec<Value>,
}

/// A base's config that is no config.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is not JSON.
    #[error("image config is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is not an object, or a member has an unexpected type.
    #[error("image config: {member} is not {expected}")]
    Shape {
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

impl ImageConfig {
    /// Returns the config of an empty image.
    #[must_use]
    pub fn empty(platform: &Platform) -> Self {
        let mut config = Self::default();
        config.set_platform(platform);
        config.set_env("PATH", DEFAULT_PATH);
        config
    }

    /// Reads a base's config and makes it one of `platform`.
    ///
    /// # Errors
    /// It is not JSON, or not of a config's shape.
    pub fn of_base(json: &[u8], platform: &Platform) -> Result<Self, ConfigError> {
        let shape = |member, expected| ConfigError::Shape { member, expected };
        let Value::Object(mut root) = serde_json::from_slice(json)? else {
            return Err(shape("the document", "an object"));
        };
        let run = match root.remove("config") {
            Some(Value::Object(run)) => run,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(shape("config", "an object")),
        };
        let history = match root.remove("history") {
            Some(Value::Array(history)) => history,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err(shape("history", "an array")),
        };
        let mut config = Self { root, run, history };
        config.set_platform(platform);
        if config.env().all(|(name, _)| name != "PATH") {
            config.set_env("PATH", DEFAULT_PATH);
        }
        Ok(config)
    }

    /// Returns the platform that a config is for.
    ///
    /// # Errors
    /// It is not JSON, or names no operating system or architecture.
    pub fn platform_of(json: &[u8]) -> Result<Platform, ConfigError> {
        let root: Value = serde_json::from_slice(json)?;
        let text = |member: &'static str| {
            let value = root
                .get(member)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty());
            value.ok_or(ConfigError::Shape {
                member,
                expected: "a text",
            })
        };
        let variant = root.get("variant").and_then(Value::as_str);
        Ok(Platform::new(text("os")?, text("architecture")?, variant))
    }

    fn set_platform(&mut self, platform: &Platform) {
        self.root.insert("os".to_owned(), json!(platform.os));
        self.root
            .insert("architecture".to_owned(), json!(platform.architecture));
        match &platform.variant {
            Some(variant) => self.root.insert("variant".to_owned(), json!(variant)),
            None => self.root.remove("variant"),
        };
    }

    fn env(&self) -> impl Iterator<Item = (&str, &str)> {
        let env = self
            .run
            .get("Env")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        env.filter_map(Value::as_str)
            .filter_map(|pair| pair.split_once('='))
    }

    /// Sets a variable; one that is there keeps its place.
    pub fn set_env(&mut self, name: &str, value: &str) {
        let mut env: Vec<(String, String)> = self
            .env()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        match env.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => value.clone_into(old),
            None => env.push((name.to_owned(), value.to_owned())),
        }
        let env: Vec<String> = env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        self.run.insert("Env".to_owned(), json!(env));
    }

    /// Sets entrypoint and arguments; those of the base belonged to its own program.
    pub fn set_command(&mut self, entrypoint: &[String], cmd: &[String]) {
        for (member, value) in [("Entrypoint", entrypoint), ("Cmd", cmd)] {
            if value.is_empty() {
                self.run.remove(member);
            } else {
                self.run.insert(member.to_owned(), json!(value));
            }
        }
    }

    /// Sets a text member of the execution parameters: `User`, `WorkingDir` or `StopSignal`.
    pub fn set_text(&mut self, member: &str, value: &str) {
        self.run.insert(member.to_owned(), json!(value));
    }

    /// Adds keys to a set member: `ExposedPorts` or `Volumes`.
    pub fn add_to_set(&mut self, member: &str, keys: &[String]) {
        for key in keys {
            self.add(member, key, json!({}));
        }
    }

    /// Adds labels over those of the base.
    pub fn add_labels(&mut self, labels: &BTreeMap<String, String>) {
        for (key, value) in labels {
            self.add("Labels", key, json!(value));
        }
    }

    fn add(&mut self, member: &str, key: &str, value: Value) {
        match self.run.entry(member).or_insert_with(|| json!({})) {
            Value::Object(table) => {
                table.insert(key.to_owned(), value);
            }
            other => *other = json!({ key: value }),
        }
    }

    /// Adds a layer's line to the history.
    pub fn add_history(&mut self, created: &str, created_by: &str) {
        let line = json!({ "created": created, "created_by": created_by, "comment": "gobuild" });
        self.history.push(line);
    }

    /// Sets the time of creation, RFC 3339.
    pub fn set_created(&mut self, created: &str) {
        self.root.insert("created".to_owned(), json!(created));
    }

    /// Returns the config as JSON, its members in bytewise order.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut root = self.root.clone();
        root.insert("config".to_owned(), Value::Object(self.run.clone()));
        if !self.history.is_empty() {
            root.insert("history".to_owned(), Value::Array(self.history.clone()));
        }
        Value::Object(root).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_keeps_what_the_image_does_not_set() {
        let base = br#"{"os":"linux","architecture":"arm64","variant":"v8","moby.x":1,
            "config":{"Env":["A=1","PATH=/p"],"Cmd":["sh"],"Labels":{"a":"1"},"Healthcheck":{"Test":["x"]}},
            "history":[{"created_by":"base"}]}"#;
        let mut config = ImageConfig::of_base(base, &Platform::linux("arm64")).unwrap();
        config.set_env("A", "2");
        config.set_command(&["/usr/local/bin/api".to_owned()], &[]);
        config.set_text("User", "65532:65532");
        config.add_to_set("ExposedPorts", &["8080/tcp".to_owned()]);
        config.add_labels(&BTreeMap::from([("b".to_owned(), "2".to_owned())]));
        config.add_history("1970-01-01T00:00:00Z", "gobuild /usr/local/bin/api");
        let json: Value = serde_json::from_slice(&config.to_json()).unwrap();
        assert_eq!(
            json,
            json!({
                "os": "linux", "architecture": "arm64", "moby.x": 1,
                "config": {
                    "Env": ["A=2", "PATH=/p"], "Entrypoint": ["/usr/local/bin/api"],
                    "User": "65532:65532", "ExposedPorts": {"8080/tcp": {}},
                    "Labels": {"a": "1", "b": "2"}, "Healthcheck": {"Test": ["x"]},
                },
                "history": [
                    {"created_by": "base"},
                    {"created": "1970-01-01T00:00:00Z", "created_by": "gobuild /usr/local/bin/api", "comment": "gobuild"},
                ],
            })
        );
    }

    #[test]
    fn what_is_no_config_is_refused() {
        let platform = Platform::linux("amd64");
        assert!(matches!(
            ImageConfig::of_base(b"{", &platform),
            Err(ConfigError::Json(_))
        ));
        for json in ["[]", r#"{"config":[]}"#, r#"{"history":{}}"#] {
            assert!(
                matches!(
                    ImageConfig::of_base(json.as_bytes(), &platform),
                    Err(ConfigError::Shape { .. })
                ),
                "{json}"
            );
        }
        assert!(ImageConfig::of_base(br#"{"config":null}"#, &platform).is_ok());
    }
}

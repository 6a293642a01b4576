//! Images as others see them: crane asks the registry, runimage unpacks and runs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::tool;

/// An image in a registry, an OCI archive or an OCI layout folder.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    source: String,
    platform: String,
    /// Docker's folder, which has the login.
    login: Option<PathBuf>,
}

/// A file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// Permission bits, in octal.
    pub(crate) mode: String,
    /// `uid:gid`
    pub(crate) owner: String,
    /// Seconds since 1970.
    pub(crate) time: String,
    /// Path without a leading slash.
    pub(crate) path: String,
}

impl Image {
    /// Returns the image behind a reference or path, for linux/amd64.
    pub(crate) fn new(source: impl ToString) -> Self {
        Self {
            source: source.to_string(),
            platform: "linux/amd64".to_owned(),
            login: None,
        }
    }

    /// Returns the same, read with the login in Docker's folder.
    pub(crate) fn login(&self, docker: &Path) -> Self {
        Self {
            login: Some(docker.to_owned()),
            ..self.clone()
        }
    }

    /// Asks crane.
    fn crane(&self, args: &[&str]) -> String {
        let mut command = Command::new("crane");
        command.args(args).arg(&self.source);
        command.envs(self.login.iter().map(|docker| ("DOCKER_CONFIG", docker)));
        String::from_utf8(tool::output(command).stdout).unwrap()
    }

    /// Returns the same for another platform.
    pub(crate) fn platform(&self, platform: &str) -> Self {
        Self {
            platform: platform.to_owned(),
            ..self.clone()
        }
    }

    /// Returns the reference or path.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// Returns what the reference names: a manifest or an index.
    pub(crate) fn top(&self) -> Value {
        json(&self.crane(&["manifest"]))
    }

    /// Returns what the `index.json` of a layout folder names first: a manifest or an index.
    pub(crate) fn top_of_layout(folder: &Path) -> Value {
        let read = |path: &str| json(&fs::read_to_string(folder.join(path)).unwrap());
        let digest = string(&read("index.json")["manifests"][0]["digest"]);
        read(&format!("blobs/{}", digest.replace(':', "/")))
    }

    /// Returns the platform's manifest.
    pub(crate) fn manifest(&self) -> Value {
        json(&self.crane(&["manifest", "--platform", &self.platform]))
    }

    /// Returns the digest that the reference names.
    pub(crate) fn digest(&self) -> String {
        self.crane(&["digest"]).trim().to_owned()
    }

    /// Returns the platforms of the index, or the one of the config.
    pub(crate) fn platforms(&self) -> BTreeSet<String> {
        let name = |platform: &Value| {
            format!(
                "{}/{}",
                string(&platform["os"]),
                string(&platform["architecture"])
            )
        };
        match self.top()["manifests"].as_array() {
            Some(manifests) => manifests
                .iter()
                .map(|manifest| name(&manifest["platform"]))
                .collect(),
            None => BTreeSet::from([name(&self.config())]),
        }
    }

    /// Returns digest and media type of the layers.
    pub(crate) fn layers(&self) -> Vec<(String, String)> {
        let manifest = self.manifest();
        let layers = manifest["layers"]
            .as_array()
            .unwrap_or_else(|| panic!("{manifest:#}"));
        let parts = |layer: &Value| (string(&layer["digest"]), string(&layer["mediaType"]));
        layers.iter().map(parts).collect()
    }

    /// Returns the digests of the layers.
    pub(crate) fn layer_digests(&self) -> BTreeSet<String> {
        self.layers()
            .into_iter()
            .map(|(digest, _)| digest)
            .collect()
    }

    /// Returns the platform's config.
    pub(crate) fn config(&self) -> Value {
        json(&tool::run(
            "runimage",
            &["-platform", &self.platform, "-config", &self.source],
        ))
    }

    /// Returns the files, links included, sorted by path.
    pub(crate) fn files(&self) -> Vec<File> {
        let listing = tool::run(
            "runimage",
            &["-platform", &self.platform, "-files", &self.source],
        );
        listing
            .lines()
            .map(|line| {
                let fields: Vec<&str> = line.splitn(4, ' ').collect();
                let &[mode, owner, time, path] = fields.as_slice() else {
                    panic!("{line}")
                };
                File {
                    mode: mode.to_owned(),
                    owner: owner.to_owned(),
                    time: time.to_owned(),
                    path: path.to_owned(),
                }
            })
            .collect()
    }

    /// Returns a file's content.
    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        let mut command = Command::new("runimage");
        command.args(["-platform", &self.platform, "-cat", path, &self.source]);
        tool::output(command).stdout
    }

    /// Runs a container and returns what it printed.
    pub(crate) fn run(&self, entrypoint: Option<&str>, args: &[String]) -> String {
        let mut command = Command::new("runimage");
        command
            .args(["-platform", &self.platform])
            .stdin(Stdio::null());
        if let Some(entrypoint) = entrypoint {
            command.args(["-entrypoint", entrypoint]);
        }
        command.arg(&self.source).args(args);
        String::from_utf8(tool::output(command).stdout).unwrap()
    }

    /// Runs a container as the image says and returns what it printed.
    pub(crate) fn run_default(&self) -> String {
        self.run(None, &[])
    }
}

/// Returns a text of a JSON document; panics if it is none.
pub(crate) fn string(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no text"))
        .to_owned()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

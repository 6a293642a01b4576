//! `test.toml` of an example: what its images must hold and print.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// All of an example.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectations {
    /// One entry per image that the project must yield; there are no others.
    pub(crate) image: Vec<ExpectedImage>,
}

/// One image.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedImage {
    /// Name without the repository prefix.
    pub(crate) name: String,
    /// All its platforms.
    pub(crate) platforms: BTreeSet<String>,
    /// The config's user; empty if not given.
    #[serde(default)]
    pub(crate) user: String,
    /// The config's entrypoint.
    pub(crate) entrypoint: Vec<String>,
    /// Variables that the config must have.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// All exposed ports.
    #[serde(default)]
    pub(crate) expose: BTreeSet<String>,
    /// All labels.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// If given, all files.
    pub(crate) files: Option<Vec<String>>,
    /// What containers print.
    #[serde(default)]
    pub(crate) run: Vec<ExpectedRun>,
}

/// One container.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedRun {
    /// A program instead of the image's entrypoint.
    #[serde(default)]
    pub(crate) entrypoint: Vec<String>,
    /// Arguments.
    #[serde(default)]
    pub(crate) args: Vec<String>,
    /// Standard output, to the byte.
    pub(crate) stdout: String,
}

impl Expectations {
    /// Reads an example's file.
    pub(crate) fn read(example: &Path) -> Self {
        let path = example.join("test.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

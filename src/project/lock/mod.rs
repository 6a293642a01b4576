//! `goimage.lock`, version 1: what the names of a project stood for when somebody looked.
//!
//! Enters: the file's text. Leaves: a [`Lock`], which has digests for images and for archives of Go
//! toolchains, or the problems of the text with their places. `gobuild lock` writes it
//! (`pipeline::lock`), the plan is pinned by it (`plan::pinning`).

use std::collections::BTreeSet;

use oci_spec::image::Digest;
use serde::{Deserialize, Serialize};

use super::manifest::{ManifestError, Problem};
use crate::oci::{Platform, Reference};

/// The one version of the file's shape.
const VERSION: u32 = 1;

/// Where a proxy has the module that toolchains are.
const MODULE: &str = "/golang.org/toolchain/@v/";

/// What stands above the entries.
const HEADING: &str =
    "# Written by `gobuild lock`. It belongs beside the manifest, under version control.\n";

/// The entries of a lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Base and toolchain images, by name.
    pub images: Vec<LockedImage>,
    /// Go toolchains of the module proxy, by version and platform.
    pub toolchains: Vec<LockedToolchain>,
}

/// What the name of an image stood for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// Its whole name, with a tag.
    pub name: Reference,
    /// Digest of its index or manifest.
    pub digest: Digest,
}

/// A Go toolchain as the module proxy has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedToolchain {
    /// Exact version, e.g. `1.26.3`.
    pub version: String,
    /// The platform that it runs on.
    pub platform: Platform,
    /// Where its archive was fetched from; none if no builder could fetch it from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Digest of its archive, the module's zip file.
    pub digest: Digest,
    /// What gobuild makes of it.
    pub layer: LockedLayer,
}

/// A packed toolchain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedLayer {
    /// Version of the rules by which it is packed: a gobuild with other rules makes another layer.
    pub packer: u32,
    /// Digest of the layer, which is not compressed.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// The file as it is written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, rename = "image", skip_serializing_if = "Vec::is_empty")]
    images: Vec<LockedImage>,
    #[serde(default, rename = "toolchain", skip_serializing_if = "Vec::is_empty")]
    toolchains: Vec<LockedToolchain>,
}

/// Returns the name of the lock file that belongs to a manifest: `goimage.lock` to `goimage.toml`.
#[must_use]
pub fn file_name(manifest: &str) -> String {
    let stem = manifest.strip_suffix(".toml").unwrap_or(manifest);
    format!("{stem}.lock")
}

impl Lock {
    /// Reads the text of a lock file; `name` is what errors call it.
    ///
    /// # Errors
    /// It is not of version 1, or says two things of one name.
    pub fn parse(name: &str, text: &str) -> Result<Self, ManifestError> {
        let refused = |problem: Problem| {
            let problem =
                problem.help("`gobuild lock` writes this file; remove it to write it anew");
            ManifestError::new(name, text, vec![problem])
        };
        let document: Document = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or_default();
            refused(match error.span() {
                Some(span) => Problem::new(message, span, "here"),
                None => Problem::without_place(message),
            })
        })?;
        if document.version != VERSION {
            let message = format!("version {} of lock files is unknown", document.version);
            return Err(refused(Problem::without_place(message)));
        }
        let lock = Self {
            images: document.images,
            toolchains: document.toolchains,
        };
        match lock.repeated() {
            None => Ok(lock),
            Some(entry) => Err(refused(Problem::without_place(format!(
                "there are two entries for {entry}"
            )))),
        }
    }

    /// Returns the text of the file, the same for the same entries.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut document = Document {
            version: VERSION,
            images: self.images.clone(),
            toolchains: self.toolchains.clone(),
        };
        document.images.sort_by(|a, b| a.name.cmp(&b.name));
        let of = |locked: &LockedToolchain| (locked.version.clone(), locked.platform.clone());
        document.toolchains.sort_by_key(of);
        // Texts and numbers: there is nothing here that TOML could not hold.
        let entries = toml::to_string(&document).unwrap_or_default();
        format!("{HEADING}{entries}")
    }

    /// Returns what the name of an image stands for.
    #[must_use]
    pub fn image(&self, name: &Reference) -> Option<&Digest> {
        let name = name.clone().or_latest();
        let found = self.images.iter().find(|image| image.name == name);
        found.map(|image| &image.digest)
    }

    /// Returns the toolchain of an exact version that runs on `platform`.
    #[must_use]
    pub fn toolchain(&self, version: &str, platform: &Platform) -> Option<&LockedToolchain> {
        let is_it =
            |locked: &&LockedToolchain| locked.version == version && locked.platform == *platform;
        self.toolchains.iter().find(is_it)
    }

    /// Returns an entry that is there twice.
    fn repeated(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let images = self.images.iter().map(|image| image.name.to_string());
        let toolchains = &self.toolchains;
        let toolchains = toolchains.iter().map(LockedToolchain::to_string);
        images
            .chain(toolchains)
            .find(|entry| !seen.insert(entry.clone()))
    }
}

impl LockedToolchain {
    /// Has the archive come from another server of the module proxy's protocol.
    pub fn come_from(&mut self, proxy: &str) {
        let url = self.url.as_deref();
        if let Some(path) = url.and_then(|url| url.get(url.rfind(MODULE)?..)) {
            self.url = Some(format!("{}{path}", proxy.trim_end_matches('/')));
        }
    }
}

impl std::fmt::Display for LockedToolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Go {} for {}", self.version, self.platform)
    }
}

#[cfg(test)]
mod tests;

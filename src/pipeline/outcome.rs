//! What came of a build: digests for standard output and for files that scripts read.
//!
//! The metadata file has buildx's keys (`build/build.go`, `commands/build.go` there): flat for
//! one image, by image name for several, as `buildx bake` has it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::progress::event::Made;

/// Key of the exporter's response that holds a descriptor.
const DESCRIPTOR: &str = "containerimage.descriptor";

/// One finished image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The image's name in the plan.
    pub name: String,
    /// Every `name:tag` it was given.
    pub references: Vec<String>,
    /// Digest of its manifest or index; none where only binaries were exported.
    pub digest: Option<String>,
    /// What was done for it.
    pub made: Made,
    /// Whether the digest is the image's ID: a Docker Engine keeps it, and no registry knows it.
    pub by_id: bool,
    /// What the exporters said.
    pub response: BTreeMap<String, String>,
}

impl Outcome {
    /// Returns how much it tells of its image: a registry has what was pushed, and the daemon names
    /// no digest of binaries.
    fn rank(&self) -> (bool, bool) {
        let is_pushed = matches!(self.made, Made::Pushed | Made::Unchanged);
        (is_pushed, self.digest.is_some())
    }

    /// Tells whether both came of one image. Two images may have a name in common, and then no
    /// reference.
    fn is_of_image(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.references, &other.references);
        let is_shared = ours.iter().any(|reference| theirs.contains(reference));
        self.name == other.name && (is_shared || ours.is_empty() || theirs.is_empty())
    }

    /// Returns the image id as buildx writes it to `--iidfile`: the config's digest where there is
    /// one config, else the digest.
    #[must_use]
    pub fn image_id(&self) -> Option<&str> {
        let config = self.response.get("containerimage.config.digest");
        config.or(self.digest.as_ref()).map(String::as_str)
    }

    /// Returns the descriptor of the manifest or index, as JSON.
    #[must_use]
    pub fn descriptor(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.response.get(DESCRIPTOR)?).ok()
    }

    fn metadata(&self) -> Value {
        let mut members = Map::new();
        for (key, value) in &self.response {
            let decoded = match key.as_str() {
                // The one value that travels as base64 of JSON.
                DESCRIPTOR => self.descriptor(),
                _ => None,
            };
            let decoded = decoded.and_then(|json| serde_json::from_slice(&json).ok());
            members.insert(key.clone(), decoded.unwrap_or_else(|| json!(value)));
        }
        Value::Object(members)
    }
}

/// Returns one outcome of each image, of those that its solves have: that of a push, if there is
/// one, else one with a digest.
#[must_use]
pub fn images(outcomes: &[Outcome]) -> Vec<&Outcome> {
    let mut images: Vec<&Outcome> = Vec::new();
    for outcome in outcomes {
        match images.iter_mut().find(|known| known.is_of_image(outcome)) {
            Some(known) if known.rank() < outcome.rank() => *known = outcome,
            Some(_) => {}
            None => images.push(outcome),
        }
    }
    images
}

/// Returns `name:tag@sha256:…` for every reference, or `name:tag` of one that has no digest: so
/// that `docker run` takes it. A reference that was pushed has the digest that was pushed.
#[must_use]
pub fn pinned(outcomes: &[Outcome]) -> Vec<String> {
    let mut best: Vec<(&String, &Outcome)> = Vec::new();
    for outcome in outcomes {
        for reference in &outcome.references {
            match best.iter_mut().find(|(known, _)| *known == reference) {
                Some((_, known)) if known.rank() < outcome.rank() => *known = outcome,
                Some(_) => {}
                None => best.push((reference, outcome)),
            }
        }
    }
    let lines = best.into_iter().filter_map(|(reference, outcome)| {
        let digest = outcome.digest.as_ref()?;
        Some(match outcome.by_id {
            true => reference.clone(),
            false => format!("{reference}@{digest}"),
        })
    });
    lines.collect()
}

/// Returns what a deployment calls the image of this name: `name:tag@sha256:…` if it was pushed,
/// `name:tag` if it is known by that alone.
#[must_use]
pub fn deployed(outcomes: &[Outcome], name: &str) -> Option<String> {
    let images = images(outcomes);
    let image = images.into_iter().find(|image| image.name == name)?;
    let reference = image.references.first()?;
    Some(match (&image.digest, image.made) {
        (Some(digest), Made::Pushed | Made::Unchanged) => format!("{reference}@{digest}"),
        _ => reference.clone(),
    })
}

/// Returns the content of `--metadata-file`.
#[must_use]
pub fn metadata_file(outcomes: &[Outcome]) -> String {
    let value = match images(outcomes).as_slice() {
        [one] => one.metadata(),
        several => Value::Object(
            several
                .iter()
                .map(|outcome| (outcome.name.clone(), outcome.metadata()))
                .collect(),
        ),
    };
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str) -> Outcome {
        let descriptor = STANDARD.encode(r#"{"size":7}"#);
        Outcome {
            name: name.to_owned(),
            references: vec![format!("{name}:1"), format!("{name}:2")],
            digest: Some("sha256:aa".to_owned()),
            made: Made::Pushed,
            by_id: false,
            response: BTreeMap::from([
                ("containerimage.digest".to_owned(), "sha256:aa".to_owned()),
                ("containerimage.descriptor".to_owned(), descriptor),
            ]),
        }
    }

    #[test]
    fn one_image_is_flat_and_several_are_named() {
        let one: Value = serde_json::from_str(&metadata_file(&[outcome("a")])).unwrap();
        assert_eq!(one["containerimage.descriptor"]["size"], 7);
        assert_eq!(one["containerimage.digest"], "sha256:aa");
        let two: Value =
            serde_json::from_str(&metadata_file(&[outcome("a"), outcome("b")])).unwrap();
        assert_eq!(two["b"]["containerimage.digest"], "sha256:aa");
    }

    #[test]
    fn every_reference_is_pinned() {
        assert_eq!(pinned(&[outcome("a")]), ["a:1@sha256:aa", "a:2@sha256:aa"]);
        assert_eq!(outcome("a").image_id(), Some("sha256:aa"));
        let kept = Outcome {
            by_id: true,
            ..outcome("a")
        };
        assert_eq!(pinned(&[kept]), ["a:1", "a:2"]);
    }

    #[test]
    fn a_deployment_takes_a_digest_that_a_registry_knows() {
        let outcomes = [outcome("b"), outcome("a")];
        assert_eq!(deployed(&outcomes, "a").unwrap(), "a:1@sha256:aa");
        let loaded = [written(Some("sha256:bb"))];
        assert_eq!(deployed(&loaded, "a").unwrap(), "a:1");
        assert_eq!(deployed(&loaded, "b"), None);
    }

    /// Returns what comes of an image that is only written to files.
    fn written(digest: Option<&str>) -> Outcome {
        Outcome {
            digest: digest.map(str::to_owned),
            made: Made::Built,
            response: BTreeMap::from([("of".to_owned(), "a file".to_owned())]),
            ..outcome("a")
        }
    }

    #[test]
    fn what_was_pushed_tells_of_an_image_that_was_also_loaded_or_written() {
        let binaries = Outcome {
            references: Vec::new(),
            ..written(None)
        };
        let loaded = Outcome {
            by_id: true,
            ..written(Some("sha256:bb"))
        };
        let pushed = outcome("a");
        for outcomes in [
            [pushed.clone(), loaded.clone(), binaries.clone()],
            [binaries.clone(), loaded.clone(), pushed.clone()],
            [loaded.clone(), pushed.clone(), binaries.clone()],
        ] {
            assert_eq!(images(&outcomes), [&pushed]);
            assert_eq!(pinned(&outcomes), ["a:1@sha256:aa", "a:2@sha256:aa"]);
            let alone = std::slice::from_ref(&pushed);
            assert_eq!(metadata_file(&outcomes), metadata_file(alone));
        }
        let known = Outcome {
            made: Made::Unchanged,
            ..pushed
        };
        assert_eq!(images(&[loaded.clone(), known.clone()]), [&known]);
        assert_eq!(images(&[binaries, loaded.clone()]), [&loaded]);
    }

    #[test]
    fn images_of_one_name_are_told_apart_by_their_tags() {
        let tagged = |tag: &str| Outcome {
            references: vec![format!("a:{tag}")],
            ..outcome("a")
        };
        let both = [tagged("slim"), tagged("full")];
        assert_eq!(images(&both).len(), 2);
        assert_eq!(pinned(&both), ["a:slim@sha256:aa", "a:full@sha256:aa"]);
    }
}

//! Annotations among the attributes of exporters: `annotation[-TYPE][[PLATFORM]].KEY`.
//!
//! A part of an image is an image of one platform to its node, which knows no other platform and
//! no index. What is said of those is put into the index here.
//!
//! Source: BuildKit `exporter/containerimage/exptypes/annotations.go`.

use std::collections::BTreeMap;

use crate::oci::Platform;

/// What an index is annotated with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Annotations {
    /// On the index itself.
    pub(super) index: BTreeMap<String, String>,
    /// On its entries; the platform is none for all.
    entries: Vec<(Option<Platform>, String, String)>,
}

/// An attribute that is an annotation.
struct Key<'a> {
    of: Of,
    platform: Option<Platform>,
    key: &'a str,
}

/// What is annotated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Index,
    Entry,
    Manifest,
    /// Left to the daemon.
    Other,
}

impl Annotations {
    /// Adds what the attributes of an exporter say of the index.
    pub(super) fn add(&mut self, attributes: &BTreeMap<String, String>) {
        for (attribute, value) in attributes {
            match parse(attribute) {
                Some(Key {
                    of: Of::Index, key, ..
                }) => {
                    self.index.insert(key.to_owned(), value.clone());
                }
                Some(Key {
                    of: Of::Entry,
                    platform,
                    key,
                }) => self.entries.push((platform, key.to_owned(), value.clone())),
                _ => {}
            }
        }
    }

    /// Returns the annotations of a platform's entry in the index.
    pub(super) fn of(&self, platform: &Platform) -> BTreeMap<String, String> {
        let meant = |of: &Option<Platform>| of.as_ref().is_none_or(|of| of == platform);
        let entries = self.entries.iter().filter(|(of, _, _)| meant(of));
        entries
            .map(|(_, key, value)| (key.clone(), value.clone()))
            .collect()
    }
}

/// Returns the attributes of the part of one platform.
pub(super) fn of_part(
    attributes: &BTreeMap<String, String>,
    platform: &Platform,
) -> BTreeMap<String, String> {
    let own = attributes.iter().filter_map(|(attribute, value)| {
        let attribute = match parse(attribute) {
            Some(Key {
                of: Of::Index | Of::Entry,
                ..
            }) => return None,
            Some(Key {
                of: Of::Manifest,
                platform: Some(of),
                key,
            }) => (of == *platform).then(|| format!("annotation.{key}"))?,
            _ => attribute.clone(),
        };
        Some((attribute, value.clone()))
    });
    own.collect()
}

fn parse(attribute: &str) -> Option<Key<'_>> {
    let rest = attribute.strip_prefix("annotation")?;
    let at = rest.find(['[', '.'])?;
    let (kind, rest) = rest.split_at(at);
    let (platform, key) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (platform, key) = rest.split_once("].")?;
            (Some(platform.parse().ok()?), key)
        }
        None => (None, rest.strip_prefix('.')?),
    };
    let of = match kind {
        "-index" => Of::Index,
        "-manifest-descriptor" => Of::Entry,
        "" | "-manifest" => Of::Manifest,
        _ => Of::Other,
    };
    Some(Key { of, platform, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_annotation_goes_where_it_belongs() {
        let attributes: BTreeMap<String, String> = [
            ("annotation.a", "1"),
            ("annotation-manifest[linux/arm64].b", "2"),
            ("annotation[linux/amd64].c.d", "3"),
            ("annotation-index.e", "4"),
            ("annotation-manifest-descriptor.f", "5"),
            ("annotation-manifest-descriptor[linux/arm64].g", "6"),
            ("compression", "zstd"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let (amd, arm) = (Platform::linux("amd64"), Platform::linux("arm64"));
        let shown = |map: BTreeMap<String, String>| format!("{map:?}");
        let mut index = Annotations::default();
        index.add(&attributes);
        insta::assert_snapshot!(
            [
                shown(of_part(&attributes, &amd)),
                shown(of_part(&attributes, &arm)),
                shown(index.of(&amd)),
                shown(index.of(&arm)),
                shown(index.index),
            ].join("\n"),
            @r#"
        {"annotation.a": "1", "annotation.c.d": "3", "compression": "zstd"}
        {"annotation.a": "1", "annotation.b": "2", "compression": "zstd"}
        {"f": "5"}
        {"f": "5", "g": "6"}
        {"e": "4"}
        "#
        );
    }
}

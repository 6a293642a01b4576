//! What a build asks of the daemon besides its graph.
//!
//! Source: BuildKit `client/solve.go`, `control/control.go`.

use std::collections::BTreeMap;

use buildkit_proto::moby::buildkit::v1 as wire;

/// Options of one build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SolveOptions {
    /// What becomes of the result; an exporter's place is its id in the session.
    pub exporters: Vec<Exporter>,
    /// Caches to read; they reach every solve of the build.
    pub cache_imports: Vec<CacheEntry>,
    /// Caches to write.
    pub cache_exports: Vec<CacheEntry>,
    /// Privileges that the graph uses, e.g. `network.host`.
    pub entitlements: Vec<String>,
    /// Options that the daemon itself reads, such as `attest:provenance`. The build history
    /// keeps them in clear.
    pub attributes: BTreeMap<String, String>,
    /// Keeps the build out of the history.
    pub internal: bool,
}

/// An exporter and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exporter {
    /// `image`, `oci`, `docker`, `local`, `tar`, or an engine's `moby`.
    pub kind: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

/// A cache to read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// `registry`, `local`, `inline`, `gha`, `s3` or `azblob`.
    pub kind: String,
    /// Its attributes; tokens among them travel to the daemon.
    pub attributes: BTreeMap<String, String>,
}

impl CacheEntry {
    /// Returns the cache that an image carries in its config.
    #[must_use]
    pub fn inline() -> Self {
        Self {
            kind: "inline".to_owned(),
            attributes: BTreeMap::new(),
        }
    }
}

impl SolveOptions {
    /// Returns the request of a build that is driven through the gateway: neither a frontend nor
    /// a definition, so the daemon waits for `Return`.
    pub(super) fn request(&self, build: &str, session: &str) -> wire::SolveRequest {
        let first = self.exporters.first();
        wire::SolveRequest {
            r#ref: build.to_owned(),
            session: session.to_owned(),
            frontend_attrs: self.attributes.clone().into_iter().collect(),
            cache: Some(wire::CacheOptions {
                exports: self.cache_exports.iter().map(cache).collect(),
                imports: self.cache_imports.iter().map(cache).collect(),
                ..wire::CacheOptions::default()
            }),
            entitlements: self.entitlements.clone(),
            internal: self.internal,
            exporters: self.exporters.iter().map(exporter).collect(),
            // Daemons before v0.13 know one exporter, under these names.
            exporter_deprecated: first.map(|e| e.kind.clone()).unwrap_or_default(),
            exporter_attrs_deprecated: first
                .map(|e| e.attributes.clone().into_iter().collect())
                .unwrap_or_default(),
            ..wire::SolveRequest::default()
        }
    }
}

fn exporter(exporter: &Exporter) -> wire::Exporter {
    wire::Exporter {
        r#type: exporter.kind.clone(),
        attrs: exporter.attributes.clone().into_iter().collect(),
    }
}

fn cache(entry: &CacheEntry) -> wire::CacheOptionsEntry {
    wire::CacheOptionsEntry {
        r#type: entry.kind.clone(),
        attrs: entry.attributes.clone().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_build_has_neither_frontend_nor_definition() {
        let options = SolveOptions {
            exporters: vec![Exporter {
                kind: "image".into(),
                attributes: BTreeMap::from([("push".into(), "true".into())]),
            }],
            ..SolveOptions::default()
        };
        let request = options.request("build", "session");
        assert_eq!(request.frontend, "");
        assert_eq!(request.definition, None);
        assert_eq!(
            (request.r#ref.as_str(), request.session.as_str()),
            ("build", "session")
        );
        assert_eq!(
            request.exporters[0].attrs,
            request.exporter_attrs_deprecated
        );
        assert_eq!(request.exporter_deprecated, "image");
    }

    #[test]
    fn caches_travel_with_all_their_attributes() {
        let entry = |kind: &str| CacheEntry {
            kind: kind.to_owned(),
            attributes: BTreeMap::from([("token".to_owned(), "sesame".to_owned())]),
        };
        let options = SolveOptions {
            cache_imports: vec![entry("s3"), entry("azblob")],
            cache_exports: vec![entry("gha"), CacheEntry::inline()],
            ..SolveOptions::default()
        };
        let request = options.request("build", "session");
        assert!(!format!("{:?}", request.frontend_attrs).contains("sesame"));
        let cache = request.cache.unwrap();
        let shown = |entries: &[wire::CacheOptionsEntry]| -> Vec<String> {
            let entries = entries.iter();
            entries
                .map(|e| format!("{} {:?}", e.r#type, e.attrs))
                .collect()
        };
        assert_eq!(
            shown(&cache.imports),
            [
                "s3 {\"token\": \"sesame\"}",
                "azblob {\"token\": \"sesame\"}"
            ]
        );
        assert_eq!(
            shown(&cache.exports),
            ["gha {\"token\": \"sesame\"}", "inline {}"]
        );
    }
}

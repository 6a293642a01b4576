//! What the daemon did, read from `--progress=rawjson`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::program::Run;

/// The vertices of a run that completed. Of vertices that several solves share, the reports are
/// not told apart: ask only for those that one image has.
pub(crate) struct Vertices {
    /// By digest: the name, and whether its result was taken from the cache.
    by_digest: BTreeMap<String, (String, bool)>,
}

impl Vertices {
    /// Reads what a run with `--progress=rawjson` wrote to standard error.
    pub(crate) fn of(run: &Run) -> Self {
        let mut by_digest = BTreeMap::new();
        let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
        for line in lines {
            let status: Value =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            for vertex in status["vertexes"].as_array().into_iter().flatten() {
                if vertex["completed"].is_null() {
                    continue;
                }
                let digest = vertex["digest"].as_str().unwrap().to_owned();
                let name = vertex["name"].as_str().unwrap().to_owned();
                let cached = vertex["cached"].as_bool().unwrap_or(false);
                // The key is computed before the cache is asked: the last report counts.
                by_digest.insert(digest, (name, cached));
            }
        }
        assert!(!by_digest.is_empty(), "no vertex was reported\n{run}");
        Self { by_digest }
    }

    /// Returns the names of vertices that begin so and really ran, sorted.
    pub(crate) fn ran(&self, prefix: &str) -> Vec<&str> {
        self.named(prefix, false)
    }

    /// Returns the names of vertices that begin so and were cached, sorted.
    pub(crate) fn cached(&self, prefix: &str) -> Vec<&str> {
        self.named(prefix, true)
    }

    fn named(&self, prefix: &str, wanted: bool) -> Vec<&str> {
        let vertices = self.by_digest.values();
        let matching =
            vertices.filter(|(name, cached)| name.starts_with(prefix) && *cached == wanted);
        let mut names: Vec<&str> = matching.map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }
}

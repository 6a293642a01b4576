//! What the daemon did, read from `--progress=rawjson`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
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

    /// Returns how often a vertex of this name ran, in all solves of the run. Solves that share a
    /// vertex report the same times.
    pub(crate) fn runs(run: &Run, name: &str) -> usize {
        let ran = intervals(run)
            .into_iter()
            .filter(|interval| interval.name == name);
        ran.collect::<BTreeSet<_>>().len()
    }

    /// Returns the digests of the layers that the daemon unpacked.
    pub(crate) fn unpacked(run: &Run) -> BTreeSet<String> {
        let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
        let reports = lines.map(|line| serde_json::from_str(line).unwrap());
        let ids = reports.flat_map(|report: Value| {
            let statuses = report["statuses"].as_array().into_iter().flatten();
            let ids = statuses.filter_map(|status| status["id"].as_str());
            ids.map(str::to_owned).collect::<Vec<_>>()
        });
        ids.filter_map(|id| Some(id.strip_prefix("extracting ")?.to_owned()))
            .collect()
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

/// When a vertex ran.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Interval {
    /// Start and end.
    pub(crate) times: (Timestamp, Timestamp),
    /// Its name.
    pub(crate) name: String,
}

/// Returns what really ran, in the order of the reports.
pub(crate) fn intervals(run: &Run) -> Vec<Interval> {
    let lines = run.stderr.lines().filter(|line| line.starts_with('{'));
    let statuses = lines.map(|line| serde_json::from_str(line).unwrap());
    let vertices = statuses.flat_map(|status: Value| {
        let vertices = status["vertexes"].as_array();
        vertices.cloned().unwrap_or_default()
    });
    let ran = vertices.filter(|vertex| !vertex["cached"].as_bool().unwrap_or(false));
    let interval = ran.filter_map(|vertex| {
        let time = |key: &str| Some(vertex[key].as_str()?.parse().unwrap());
        Some(Interval {
            times: (time("started")?, time("completed")?),
            name: vertex["name"].as_str()?.to_owned(),
        })
    });
    interval.collect()
}

//! All that was found out, also by an earlier run: `bench.json` is what one run leaves to the next.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::measure::Usage;

/// One timed build.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Name of the project.
    pub(crate) project: String,
    /// Name of the case.
    pub(crate) case: String,
    /// Name of the column.
    pub(crate) column: String,
    /// From 1.
    pub(crate) round: usize,
    /// What it took.
    pub(crate) usage: Usage,
    /// Bytes of blobs that the builder pulled from the column's registry cache.
    pub(crate) pulled: u64,
    /// How many compile steps ran; none if it is not gobuild's build.
    pub(crate) compiled: Option<usize>,
    /// Whether an earlier run left it.
    #[serde(default)]
    pub(crate) kept: bool,
}

/// A cell that is empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Missing {
    /// Name of the project.
    pub(crate) project: String,
    /// Name of the case.
    pub(crate) case: String,
    /// Name of the column.
    pub(crate) column: String,
    /// Why.
    pub(crate) reason: String,
}

/// Module cache and GOCACHE of a native build as zstd layers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plain {
    /// Name of the project.
    pub(crate) project: String,
    /// Bytes.
    pub(crate) modules: u64,
    /// Bytes.
    pub(crate) compiled: u64,
}

/// Standard packages that the second project of a toolchain compiled although the first one had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Again {
    /// Name of the second project.
    pub(crate) project: String,
    /// Those that were compiled again.
    pub(crate) packages: Vec<String>,
    /// How many the first one compiled.
    pub(crate) of: usize,
}

/// All of it.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Results {
    /// In the order of running.
    pub(crate) samples: Vec<Sample>,
    /// Why cells are empty.
    pub(crate) missing: Vec<Missing>,
    /// Of projects with a fresh-runner case.
    pub(crate) plain: Vec<Plain>,
    /// Of projects with a second-project case.
    pub(crate) again: Vec<Again>,
    /// How many binaries of gobuild were compared with native ones; all were equal.
    pub(crate) compared: usize,
}

/// What a file holds, as far as it matters here.
#[derive(Deserialize)]
struct Written {
    results: Results,
}

impl Results {
    /// Returns the file that holds them.
    pub(crate) fn file() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/bench.json")
    }

    /// Returns what an earlier run left, if there was one.
    pub(crate) fn of_earlier_run() -> Self {
        let file = Self::file();
        let Ok(text) = fs::read_to_string(&file) else {
            return Self::default();
        };
        let written: Result<Written, _> = serde_json::from_str(&text);
        let written = written.unwrap_or_else(|error| {
            panic!("{}: {error}; remove it, or leave KEEP out", file.display())
        });
        let mut results = written.results;
        for sample in &mut results.samples {
            sample.kept = true;
        }
        results
    }

    /// Adds a sample. What an earlier run left of its cell goes.
    pub(crate) fn add(&mut self, sample: Sample) {
        self.samples.retain(|other| {
            !(other.kept
                && other.project == sample.project
                && other.case == sample.case
                && other.column == sample.column)
        });
        self.samples.push(sample);
    }

    /// Notes why a cell is empty.
    pub(crate) fn miss(&mut self, missing: Missing) {
        self.missing.retain(|other| {
            !(other.project == missing.project
                && other.case == missing.case
                && other.column == missing.column)
        });
        self.missing.push(missing);
    }

    /// Notes what plain layers weigh.
    pub(crate) fn weigh(&mut self, plain: Plain) {
        self.plain.retain(|other| other.project != plain.project);
        self.plain.push(plain);
    }

    /// Notes what was compiled again.
    pub(crate) fn count(&mut self, again: Again) {
        self.again.retain(|other| other.project != again.project);
        self.again.push(again);
    }
}

//! Runs one case of one project: prepares, lets the columns take turns, records, checks.

use std::path::PathBuf;

use serde::Serialize;

use crate::cases::{Case, Scope, Start};
use crate::check;
use crate::contenders::{Build, Cache, Column};
use crate::images::PLATFORMS;
use crate::lab::{Lab, Toolchain, remove};
use crate::measure::{self, Usage};
use crate::projects::{PROJECTS, Project};
use crate::settings::Settings;

/// The project that is built before another one of the same toolchain.
const NEIGHBOUR: &str = "neighbour";

/// One timed build.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    /// Name of the project.
    pub(crate) project: &'static str,
    /// Name of the case.
    pub(crate) case: &'static str,
    /// Name of the column.
    pub(crate) column: &'static str,
    /// From 1.
    pub(crate) round: usize,
    /// What it took.
    pub(crate) usage: Usage,
    /// Bytes of blobs that the builder pulled from the column's registry cache.
    pub(crate) pulled: u64,
}

/// All that was found out.
#[derive(Default, Serialize)]
pub(crate) struct Results {
    /// In the order of running.
    pub(crate) samples: Vec<Sample>,
    /// Why a cell is empty: project, case, column, reason.
    pub(crate) missing: Vec<(&'static str, &'static str, &'static str, String)>,
    /// Of projects with a fresh-runner case: module cache and GOCACHE as zstd layers, in bytes.
    pub(crate) plain: Vec<(&'static str, u64, u64)>,
    /// How many binaries of gobuild were compared with native ones; all were equal.
    pub(crate) compared: usize,
}

/// A case of a project that is being run.
pub(crate) struct Running<'a> {
    /// What was asked for.
    pub(crate) settings: &'a Settings,
    /// What is built.
    pub(crate) project: &'a Project,
    /// What is timed.
    pub(crate) case: &'a Case,
    /// The project's Go.
    pub(crate) toolchain: &'a Toolchain,
}

impl Running<'_> {
    /// Runs the case.
    pub(crate) fn run(&self, lab: &mut Lab, results: &mut Results) {
        let columns = self.columns(results);
        if columns.is_empty() {
            return;
        }
        for &column in &columns {
            self.prepare(lab, column);
        }
        for round in 1..=self.rounds() {
            // Another one begins each round, so that none profits from its place.
            let mut order = columns.clone();
            order.rotate_left((round - 1) % columns.len());
            for column in order {
                let sample = self.sample(lab, column, round);
                eprintln!(
                    "{:16} {:16} {:18} {round}: {:8.3} s",
                    sample.project, sample.case, sample.column, sample.usage.wall
                );
                results.samples.push(sample);
            }
        }
        for column in [Column::Gobuild, Column::GobuildRemote] {
            if columns.contains(&column) {
                results.compared += check::binaries(lab, &self.build(lab, column, self.rounds()));
            }
        }
    }

    /// Returns who takes part, and records who does not and why.
    fn columns(&self, results: &mut Results) -> Vec<Column> {
        let mut columns = Vec::new();
        for &column in self.case.columns {
            if !self.settings.column(column.name()) || !column.fits(self.project) {
                continue;
            }
            match column.missing(self.case.cache, self.settings) {
                None => columns.push(column),
                Some(reason) => {
                    results
                        .missing
                        .push((self.project.name, self.case.name, column.name(), reason))
                }
            }
        }
        columns
    }

    fn rounds(&self) -> usize {
        let wanted = if self.case.is_long() {
            self.settings.cold_rounds
        } else {
            self.settings.rounds
        };
        let edits = self.case.edit.and_then(|edit| edit.limit(self.project));
        let platforms = self.case.second_platform.then_some(PLATFORMS.len() - 1);
        [edits, platforms]
            .into_iter()
            .flatten()
            .fold(wanted, usize::min)
    }

    /// Brings a column to where the first round begins: its tree in the state that will be edited,
    /// and where the case says so, builder or registry cache filled from it.
    fn prepare(&self, lab: &mut Lab, column: Column) {
        let tree = self.tree(lab, column);
        if !tree.exists() {
            self.project.write(&tree);
        }
        self.edit(lab, column, 0);
        let fills = self.case.start == Start::Warm || self.case.cache == Cache::Import;
        if fills {
            let mut build = self.build(lab, column, 0);
            if build.cache == Cache::Import {
                build.cache = Cache::Export;
            }
            run(lab, column, &build);
        }
    }

    fn edit(&self, lab: &Lab, column: Column, round: usize) {
        if let Some(edit) = self.case.edit {
            let (project, case) = (self.project.name, self.case.name);
            let mark = format!("{project} {case} {} {round}", column.name());
            edit.apply(self.project, &self.tree(lab, column), &mark, round);
        }
    }

    /// Edits, empties what the case wants empty, and times one build.
    fn sample(&self, lab: &mut Lab, column: Column, round: usize) -> Sample {
        self.edit(lab, column, round);
        match self.case.start {
            Start::Warm => {}
            Start::Empty => column.empty(lab),
            Start::AfterNeighbour => {
                column.empty(lab);
                self.build_neighbour(lab, column);
            }
        }
        // What others left to be written must not be written while this one runs.
        rustix::fs::sync();
        let build = self.build(lab, column, round);
        let before = lab.registry.pulled(&build.cache_repository);
        let usage = run(lab, column, &build);
        Sample {
            project: self.project.name,
            case: self.case.name,
            column: column.name(),
            round,
            usage,
            pulled: lab.registry.pulled(&build.cache_repository) - before,
        }
    }

    /// Returns what a column is to build in a round; in round 0, what comes before the first.
    fn build<'a>(&'a self, lab: &Lab, column: Column, round: usize) -> Build<'a> {
        let mut mains = self.project.mains();
        if self.case.scope == Scope::First {
            mains.truncate(1);
        }
        let mut platforms = vec![self.toolchain.platform.clone()];
        if self.case.second_platform && round > 0 {
            let others = PLATFORMS
                .iter()
                .filter(|name| **name != self.toolchain.platform);
            platforms.extend(others.skip(round - 1).take(1).map(|&name| name.to_owned()));
        }
        // A cold build finds nothing of an earlier round in the registry, however reproducible it is; a
        // fresh runner finds what the builds before it left there.
        let mut repository = format!("{}/{}", column.name(), self.project.name);
        if self.case.start != Start::Warm && self.case.cache != Cache::Import {
            repository = format!("{repository}/{}-{round}", self.case.name);
        }
        Build {
            project: self.project,
            cache_repository: format!("cache/{repository}"),
            repository,
            tree: self.tree(lab, column),
            toolchain: self.toolchain,
            mains,
            platforms,
            cache: self.case.cache,
            compile_cache: self.settings.compile_cache.as_deref(),
        }
    }

    fn build_neighbour(&self, lab: &Lab, column: Column) {
        let project = Project {
            name: NEIGHBOUR,
            source: crate::projects::Source::Folder(NEIGHBOUR),
            mains: crate::projects::Mains::Named(&["./cmd/neighbour"]),
            ..PROJECTS[0]
        };
        let tree = lab.place(NEIGHBOUR);
        if !tree.exists() {
            project.write(&tree);
        }
        let build = Build {
            project: &project,
            tree,
            mains: project.mains(),
            repository: format!("{}/{NEIGHBOUR}", column.name()),
            cache: Cache::None,
            ..self.build(lab, column, 0)
        };
        run(lab, column, &build);
    }

    fn tree(&self, lab: &Lab, column: Column) -> PathBuf {
        lab.place(&format!("trees/{}/{}", self.project.name, column.name()))
    }
}

fn run(lab: &Lab, column: Column, build: &Build<'_>) -> Usage {
    let log = lab.place("log");
    remove(&log);
    measure::run(column.commands(lab, build), &log)
}

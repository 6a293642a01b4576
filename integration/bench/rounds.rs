//! Runs one case of one project: prepares, lets the columns take turns, records, checks.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crate::cases::{Case, Scope, Start};
use crate::check;
use crate::contenders::{Build, Cache, Column};
use crate::images::PLATFORMS;
use crate::lab::{Lab, Toolchain, remove};
use crate::measure::{self, Usage};
use crate::projects::{PROJECTS, Project};
use crate::results::{Again, Missing, Results, Sample};
use crate::said;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::tool;

/// The project that is built before another one of the same toolchain.
const NEIGHBOUR: &str = "neighbour";

/// How long ago a project's files were written when it is first built: more than what gobuild, as
/// `go` does, takes for so recent that another change might not show in a file's time.
const AGE: Duration = Duration::from_secs(3);

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
    /// When to stop.
    pub(crate) stop: &'a Stop,
    /// Writes the report as far as it is.
    pub(crate) write: &'a dyn Fn(&Results),
}

impl Running<'_> {
    /// Runs the case, as far as there is time.
    pub(crate) fn run(&self, lab: &mut Lab, results: &mut Results) {
        let columns = self.columns(results);
        for &column in &columns {
            if self.stop.is_now() {
                return;
            }
            self.prepare(lab, column);
        }
        let mut last = 0;
        for round in 1..=self.rounds() {
            // Another one begins each round, so that none profits from its place.
            let mut order = columns.clone();
            order.rotate_left((round - 1) % columns.len().max(1));
            for column in order {
                if self.stop.is_now() {
                    return;
                }
                let sample = self.sample(lab, column, round);
                eprintln!(
                    "{:16} {:16} {:18} {round}: {:8.3} s",
                    sample.project, sample.case, sample.column, sample.usage.wall
                );
                results.add(sample);
            }
            (self.write)(results);
            last = round;
        }
        for &column in columns.iter().filter(|column| column.is_checked()) {
            if !self.stop.is_now() {
                results.compared += check::binaries(lab, column, &self.build(lab, column, last));
            }
        }
        let counts = self.case.start == Start::AfterNeighbour && columns.contains(&Column::Gobuild);
        if counts && !self.stop.is_now() {
            results.count(self.standard_again(lab));
        }
        (self.write)(results);
    }

    /// Returns who takes part, and records who does not and why.
    fn columns(&self, results: &mut Results) -> Vec<Column> {
        let mut columns = Vec::new();
        for &column in self.case.columns {
            if !self.settings.column(column.name()) || !column.fits(self.project) {
                continue;
            }
            match column.missing(self.case.cache) {
                None => columns.push(column),
                Some(reason) => results.miss(Missing {
                    project: self.project.name.to_owned(),
                    case: self.case.name.to_owned(),
                    column: column.name().to_owned(),
                    reason,
                }),
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
    /// and where the case says so, builder, registry cache or remote compile cache filled from it.
    fn prepare(&self, lab: &mut Lab, column: Column) {
        let tree = self.tree(lab, column);
        if !tree.exists() {
            self.project.write(&tree);
            thread::sleep(AGE);
        }
        self.edit(lab, column, 0);
        let fills = self.case.start == Start::Warm || self.case.cache == Cache::Import;
        if fills {
            let mut build = self.build(lab, column, 0);
            if build.cache == Cache::Import {
                build.cache = Cache::Export;
            }
            build.fills = true;
            if column == Column::GobuildRemote {
                // A step that the builder has kept would write nothing.
                column.empty(lab);
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
            Start::Warm => column.forget(lab),
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
            project: self.project.name.to_owned(),
            case: self.case.name.to_owned(),
            column: column.name().to_owned(),
            round,
            usage,
            pulled: lab.registry.pulled(&build.cache_repository) - before,
            compiled: column.is_gobuild().then(|| said::compile_steps(&text(lab))),
            kept: false,
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
            fills: false,
            latency: self.case.latency,
            manifest: None,
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

    /// Builds once more after the neighbour, with `go build -v`, and tells which packages of the
    /// standard library were compiled again. Of a flag that gobuild does not know for shared packages,
    /// though it is the default, it leaves everything to the compile steps, which then name everything.
    fn standard_again(&self, lab: &mut Lab) -> Again {
        let column = Column::Gobuild;
        column.empty(lab);
        self.build_neighbour(lab, column);
        let mut list = lab.compiler(
            "go",
            &lab.place(NEIGHBOUR),
            self.toolchain,
            Column::Native.name(),
        );
        list.args(["list", "-deps", "-f"])
            .arg("{{if .Standard}}{{.ImportPath}}{{end}}")
            .arg("./...");
        let listed = tool::output(list).stdout;
        let listed = String::from_utf8_lossy(&listed).into_owned();
        let first: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
        let manifest = lab.place("verbose.toml");
        fs::write(&manifest, "[go]\nflags = [\"-v\", \"-trimpath=true\"]\n").unwrap();
        let mut build = self.build(lab, column, 0);
        build.manifest = Some(manifest);
        run(lab, column, &build);
        let second = said::packages(&text(lab));
        assert!(
            !second.is_empty(),
            "`go build -v` named nothing\n{}",
            text(lab)
        );
        Again {
            project: self.project.name.to_owned(),
            packages: second.intersection(&first).cloned().collect(),
            of: first.len(),
        }
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

/// Returns what the first program of the last build said.
fn text(lab: &Lab) -> String {
    fs::read_to_string(lab.place("log/0")).unwrap_or_default()
}

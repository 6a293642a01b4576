//! Measures gobuild beside what people use today: `make bench`.
//!
//! 1. [`settings`] says what was asked for.
//! 2. [`lab`] starts a [`registry`] and a [`builder`] of the bench's own and pushes the [`images`] that
//!    others start from.
//! 3. Each of the [`projects`] runs each of the [`cases`] that it has: [`rounds`] lets the columns of
//!    [`contenders`] take turns, each on its own copy of the sources with its own [`edits`];
//!    [`measure`] times them; [`check`] compares gobuild's binaries with native ones.
//! 4. [`report`] writes medians, ratios and a chart, after each round, with what an earlier run left
//!    in [`results`] if that is to be kept.
//!
//! A build that fails ends the bench with what it said; [`stop`] knows when else it ends. No time is
//! asserted.
//!
//! `cargo bench --bench bench -- monorepo FOLDER MAINS PACKAGES` writes a [`monorepo`] instead.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a bench runs programs and reads what they leave"
)]

mod builder;
mod cases;
mod check;
mod contenders;
mod edits;
#[path = "../harness/environment.rs"]
mod environment;
mod images;
mod lab;
mod machine;
mod measure;
mod monorepo;
#[path = "../harness/objects.rs"]
#[expect(dead_code, reason = "tests look more closely at what a store holds")]
mod objects;
mod plain;
#[path = "../harness/port.rs"]
mod port;
mod projects;
mod registry;
mod report;
mod results;
mod rounds;
mod said;
mod settings;
mod stop;
mod store;
#[path = "../harness/tool.rs"]
mod tool;

use std::path::Path;

use crate::cases::{CASES, Case};
use crate::contenders::{Build, Cache};
use crate::lab::Lab;
use crate::machine::Machine;
use crate::monorepo::Shape;
use crate::projects::{PROJECTS, Project};
use crate::results::{Plain, Results};
use crate::rounds::Running;
use crate::settings::Settings;
use crate::stop::Stop;

fn main() {
    // cargo itself adds --bench.
    let args: Vec<String> = std::env::args()
        .skip(1)
        .filter(|arg| arg != "--bench")
        .collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => bench(),
        ["monorepo", folder, mains, packages] => {
            let count = |text: &str| {
                text.parse()
                    .unwrap_or_else(|error| panic!("{text}: {error}"))
            };
            let shape = Shape {
                mains: count(mains),
                packages: count(packages),
                ..projects::MONOREPO
            };
            shape.write(Path::new(folder)).unwrap();
        }
        _ => panic!("the bench takes no arguments, or: monorepo FOLDER MAINS PACKAGES"),
    }
}

fn bench() {
    let settings = Settings::read();
    check_names(&settings);
    let machine = Machine::seen();
    let stop = Stop::after(settings.minutes);
    let mut results = if settings.keep {
        Results::of_earlier_run()
    } else {
        Results::default()
    };
    let write = |results: &Results| {
        report::write(&settings, &machine, results);
    };
    let mut lab = Lab::start();
    for project in PROJECTS.iter().filter(|project| wanted(&settings, project)) {
        if !stop.is_now() {
            run(&settings, &stop, &write, project, &mut lab, &mut results);
        }
    }
    if stop.is_now() {
        eprintln!("stopped; KEEP=1 goes on with what there is");
    }
    let path = report::write(&settings, &machine, &results);
    println!("{}", std::fs::read_to_string(&path).unwrap());
    eprintln!("written: {}", path.display());
}

/// Runs all chosen cases of a project.
fn run(
    settings: &Settings,
    stop: &Stop,
    write: &dyn Fn(&Results),
    project: &Project,
    lab: &mut Lab,
    results: &mut Results,
) {
    let sources = lab.place("sources");
    lab::remove(&sources);
    project.write(&sources);
    let toolchain = lab.toolchain(&sources);
    let cases = CASES
        .iter()
        .filter(|case| settings.case(case.name) && case.fits(project));
    let cases: Vec<&Case> = cases.collect();
    for &case in &cases {
        let running = Running {
            settings,
            project,
            case,
            toolchain: &toolchain,
            stop,
            write,
        };
        running.run(lab, results);
    }
    if cases.iter().any(|case| case.cache == Cache::Import) && !stop.is_now() {
        let build = Build {
            project,
            tree: sources,
            toolchain: &toolchain,
            mains: project.mains(),
            platforms: vec![toolchain.platform.clone()],
            repository: String::new(),
            cache: Cache::None,
            cache_repository: String::new(),
            compile_cache: None,
            fills: false,
            latency: None,
            manifest: None,
        };
        let (modules, compiled) = plain::layers(lab, &build);
        results.weigh(Plain {
            project: project.name.to_owned(),
            modules,
            compiled,
        });
        write(results);
    }
    // The next project's trees need the room.
    lab::remove(&lab.place("trees"));
}

/// Tells whether a project is to be built: those of the mode, or those that were named.
fn wanted(settings: &Settings, project: &Project) -> bool {
    if settings.projects.is_empty() {
        project.quick == settings.quick
    } else {
        settings.project(project.name)
    }
}

/// Ends the bench if a chosen name is none.
fn check_names(settings: &Settings) {
    let known = |kind: &str, chosen: &[String], names: &[&str]| {
        for name in chosen {
            assert!(
                names.contains(&name.as_str()),
                "{name:?} is no {kind}; there are {}",
                names.join(", ")
            );
        }
    };
    known("case", &settings.cases, &CASES.map(|case| case.name));
    known(
        "project",
        &settings.projects,
        &PROJECTS.map(|project| project.name),
    );
    known(
        "column",
        &settings.columns,
        &contenders::Column::ALL.map(contenders::Column::name),
    );
}

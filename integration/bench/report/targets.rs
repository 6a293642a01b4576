//! The targets of the project, as ratios of cells of one run. They are reported, never asserted.

use super::seconds;
use super::table::Table;
use crate::contenders::Column::{self, *};
use crate::results::Results;

/// What a median of gobuild's is compared with.
enum Against {
    /// A factor of another cell: case, column.
    Times(&'static str, Column, f64),
    /// Another cell and so many seconds.
    Plus(&'static str, Column, f64),
    /// So many seconds.
    Absolute(f64),
    /// A factor of the same cell of another project.
    Project(&'static str, f64),
    /// So many mebibytes of memory.
    Memory(f64),
    /// So many compile steps.
    Steps(usize),
    /// Bytes pulled, as a factor of plain layers.
    Plain(f64),
    /// No standard package that a neighbour had compiled.
    NoneAgain,
}

/// One target.
struct Target {
    project: &'static str,
    case: &'static str,
    column: Column,
    against: Against,
}

const fn target(
    project: &'static str,
    case: &'static str,
    column: Column,
    against: Against,
) -> Target {
    Target {
        project,
        case,
        column,
        against,
    }
}

use Against::{Absolute, Memory, NoneAgain, Plain, Plus, Project, Steps, Times};

/// Bytes of a mebibyte.
const MIB: f64 = 1_048_576.0;

const TARGETS: [Target; 40] = [
    target(
        "heavy",
        "fresh-runner",
        Gobuild,
        Times("fresh-runner", Dockerfile, 0.10),
    ),
    target(
        "heavy",
        "fresh-runner",
        Gobuild,
        Times("fresh-runner", DockerfileZstd, 0.10),
    ),
    target(
        "heavy",
        "fresh-runner",
        Gobuild,
        Times("fresh-runner", DockerfileLayers, 0.10),
    ),
    target(
        "heavy",
        "fresh-runner",
        GobuildRemote,
        Times("fresh-runner", Dockerfile, 0.06),
    ),
    target("heavy", "cold", Gobuild, Times("cold", Native, 1.0)),
    target("heavy", "cold", Gobuild, Times("cold", Dockerfile, 0.85)),
    target("heavy", "cold-export", Gobuild, Times("cold", Native, 1.25)),
    target(
        "workspace",
        "cold",
        Gobuild,
        Times("cold", Dockerfile, 0.65),
    ),
    target(
        "heavy",
        "edit-main",
        Gobuild,
        Times("edit-main", Dockerfile, 0.18),
    ),
    target("gh", "no-op", Gobuild, Plus("no-op", Floor, 0.1)),
    target("heavy", "no-op", Gobuild, Plus("no-op", Floor, 0.1)),
    target("gh", "no-op", Gobuild, Times("no-op", Ko, 0.03)),
    target("gh", "edit-main", Gobuild, Plus("edit-main", Native, 0.3)),
    target("gh", "edit-main", Gobuild, Times("edit-main", Ko, 0.6)),
    target(
        "gh",
        "edit-main",
        Gobuild,
        Times("edit-main", Dockerfile, 0.55),
    ),
    target("gh", "edit-readme", Gobuild, Times("no-op", Gobuild, 1.0)),
    target("gh", "edit-test", Gobuild, Times("no-op", Gobuild, 1.0)),
    target("gh", "edit-other", Gobuild, Times("no-op", Gobuild, 1.0)),
    target("heavy", "edit-other", Gobuild, Times("no-op", Gobuild, 1.0)),
    target("gh", "bump", Gobuild, Times("bump", Dockerfile, 1.5)),
    target("heavy", "bump", Gobuild, Times("bump", Dockerfile, 1.5)),
    target(
        "gh",
        "second-platform",
        Gobuild,
        Times("second-platform", Native, 1.05),
    ),
    target(
        "heavy",
        "second-platform",
        Gobuild,
        Times("second-platform", Native, 1.05),
    ),
    target("monorepo", "no-op", Gobuild, Absolute(0.35)),
    target("monorepo-4x", "no-op", Gobuild, Project("monorepo", 4.4)),
    target(
        "monorepo-4x",
        "edit-leaf",
        Gobuild,
        Project("monorepo", 4.4),
    ),
    target("monorepo", "edit-leaf", Gobuild, Steps(3)),
    target("monorepo", "no-op", Gobuild, Memory(100.0)),
    target("monorepo", "client", Plan, Absolute(0.15)),
    target("monorepo", "client", Graph, Absolute(0.15)),
    target("monorepo", "client", Plan, Memory(100.0)),
    target("monorepo", "client", Graph, Memory(100.0)),
    target("heavy", "fresh-runner", Gobuild, Plain(0.5)),
    target("heavy", "second-project", Gobuild, NoneAgain),
    target("gh", "helper", Helper, Times("helper", Native, 1.05)),
    target("heavy", "helper", Helper, Times("helper", Native, 1.05)),
    target(
        "gh",
        "remote-20ms",
        HelperRemote,
        Times("remote-20ms", Native, 2.0),
    ),
    target(
        "heavy",
        "remote-20ms",
        HelperRemote,
        Times("remote-20ms", Native, 2.0),
    ),
    target(
        "heavy",
        "edit-readme",
        Gobuild,
        Times("no-op", Gobuild, 1.0),
    ),
    target("heavy", "edit-test", Gobuild, Times("no-op", Gobuild, 1.0)),
];

/// Returns the targets whose cells were timed, as a Markdown table; nothing if there is none.
pub(super) fn lines(table: &Table, results: &Results) -> String {
    let lines: Vec<String> = TARGETS
        .iter()
        .filter_map(|target| line(target, table, results))
        .collect();
    if lines.is_empty() {
        return String::new();
    }
    format!(
        "\n## Targets\n\n| project | case | target | measured | |\n|---|---|---|---|---|\n{}\n",
        lines.join("\n")
    )
}

/// What is aimed at, what was measured, and whether that is enough.
type Judged = (String, String, bool);

fn line(target: &Target, table: &Table, results: &Results) -> Option<String> {
    let &Target { project, case, .. } = target;
    let (aim, measured, met) = match target.against {
        Times(..) | Plus(..) | Absolute(..) | Project(..) => timed(target, table)?,
        Memory(..) | Steps(..) | Plain(..) | NoneAgain => counted(target, table, results)?,
    };
    let verdict = if met { "met" } else { "missed" };
    Some(format!(
        "| {project} | {case} | {aim} | {measured} | {verdict} |"
    ))
}

/// Judges a time.
fn timed(target: &Target, table: &Table) -> Option<Judged> {
    let &Target {
        project,
        case,
        column,
        ref against,
    } = target;
    let ours = table.cell(project, case, column)?.wall;
    let judged = match *against {
        Times(other, theirs, factor) => {
            let theirs_wall = table.cell(project, other, theirs)?.wall;
            let ratio = ours / theirs_wall;
            let whose = name(other, case, theirs);
            (
                format!("{} ≤ {factor} × {whose}", column.name()),
                format!("{ratio:.3}"),
                ratio <= factor,
            )
        }
        Plus(other, theirs, more) => {
            let above = ours - table.cell(project, other, theirs)?.wall;
            let whose = name(other, case, theirs);
            (
                format!("{} ≤ {whose} + {more} s", column.name()),
                format!("{above:+.3} s"),
                above <= more,
            )
        }
        Absolute(limit) => (
            format!("{} ≤ {limit} s", column.name()),
            seconds(ours),
            ours <= limit,
        ),
        Project(other, factor) => {
            let ratio = ours / table.cell(other, case, column)?.wall;
            (
                format!("{} ≤ {factor} × that of {other}", column.name()),
                format!("{ratio:.2}"),
                ratio <= factor,
            )
        }
        Memory(..) | Steps(..) | Plain(..) | NoneAgain => return None,
    };
    Some(judged)
}

/// Judges bytes and numbers.
fn counted(target: &Target, table: &Table, results: &Results) -> Option<Judged> {
    let &Target {
        project,
        case,
        column,
        ref against,
    } = target;
    let judged = match *against {
        Memory(limit) => {
            let ours = table.cell(project, case, column)?.memory / MIB;
            (
                format!("{} ≤ {limit} MiB of memory", column.name()),
                format!("{ours:.0} MiB"),
                ours <= limit,
            )
        }
        Steps(limit) => {
            let ours = table.cell(project, case, column)?.compiled?;
            (
                format!("{} runs {limit} compile steps", column.name()),
                format!("{ours}"),
                ours <= limit as f64,
            )
        }
        Plain(factor) => {
            let mut all = results.plain.iter();
            let plain = all.find(|plain| plain.project == project)?;
            let ours = table.cell(project, case, column)?.pulled;
            let ratio = ours / (plain.modules + plain.compiled) as f64;
            (
                format!("{} pulls ≤ {factor} × plain layers", column.name()),
                format!("{ratio:.2}"),
                ratio <= factor,
            )
        }
        NoneAgain => {
            let mut all = results.again.iter();
            let again = all.find(|again| again.project == project)?;
            let count = again.packages.len();
            (
                format!("{} compiles no standard package again", column.name()),
                format!("{count} of {}", again.of),
                count == 0,
            )
        }
        Times(..) | Plus(..) | Absolute(..) | Project(..) => return None,
    };
    Some(judged)
}

/// Returns the name of a cell, seen from a case.
fn name(other: &str, case: &str, column: Column) -> String {
    if other == case {
        column.name().to_owned()
    } else {
        format!("{} ({other})", column.name())
    }
}

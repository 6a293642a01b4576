//! The report as Markdown.

use std::fmt::Write as _;

use super::table::{Cell, Row, Table};
use super::{seconds, targets};
use crate::contenders::Column;
use crate::machine::Machine;
use crate::projects::PROJECTS;
use crate::results::{Missing, Plain, Results};
use crate::settings::Settings;

/// Bytes of a mebibyte.
const MIB: f64 = 1_048_576.0;

/// Returns the whole report.
pub(super) fn report(
    settings: &Settings,
    machine: &Machine,
    results: &Results,
    table: &Table,
) -> String {
    let mut text = format!(
        "# Bench\n\n{machine}\n\nMedians of {} samples, {} of cases that begin empty or add a platform; \
         columns took turns. In brackets: gobuild's median divided by this one's, so below 1 gobuild \
         is faster. {} binaries of gobuild were compared with native ones; all were equal.\n\n",
        settings.rounds, settings.cold_rounds, results.compared
    );
    if settings.quick {
        text.push_str(
            "QUICK: small projects and single samples, which say nothing about speed.\n\n",
        );
    }
    main_table(table, &mut text);
    text.push_str(&targets::lines(table, results));
    clients(table, &mut text);
    bytes(results, table, &mut text);
    legend(results, table, &mut text);
    text
}

/// Writes a table with a row for each case of each project; `cell` says what is in it.
fn rows(table: &Table, text: &mut String, cell: impl Fn(&Row, Cell) -> String) {
    let names = table.columns.iter().map(|column| column.name());
    let _ = writeln!(
        text,
        "| project | case | {} |",
        names.collect::<Vec<_>>().join(" | ")
    );
    let _ = writeln!(text, "|---|---|{}", "---:|".repeat(table.columns.len()));
    for row in &table.rows {
        let cells = table.columns.iter().map(|column| {
            let value = row.cells.get(column).copied();
            value.map(|value| cell(row, value)).unwrap_or_default()
        });
        let cells = cells.collect::<Vec<_>>().join(" | ");
        let _ = writeln!(
            text,
            "| {} | **{}** {} | {cells} |",
            row.project, row.case, row.title
        );
    }
}

fn main_table(table: &Table, text: &mut String) {
    rows(table, text, |row, cell| {
        let ours = row.cells.get(&Column::Gobuild);
        let ratio = ours.map(|ours| format!(" ({:.2})", ours.wall / cell.wall));
        let mark = if cell.kept { " †" } else { "" };
        format!("{}{}{mark}", seconds(cell.wall), ratio.unwrap_or_default())
    });
    let mut cells = table.rows.iter().flat_map(|row| row.cells.values());
    if cells.any(|cell| cell.kept) {
        text.push_str("\n† Of an earlier run, which may have been of another gobuild.\n");
    }
}

fn clients(table: &Table, text: &mut String) {
    text.push_str(
        "\n## Clients\n\nPeak memory and CPU time of the programs that were started, with the children \
         they waited for: compilers count for ko and native; for the others they run in the builder. \
         Memory is that of the largest process.\n\n",
    );
    rows(table, text, |_, cell| {
        format!("{:.0} MiB, {}", cell.memory / MIB, seconds(cell.cpu))
    });
}

/// Writes what fresh runners pulled from their registry cache.
fn bytes(results: &Results, table: &Table, text: &mut String) {
    if results.plain.is_empty() {
        return;
    }
    text.push_str(
        "\n## Bytes that a fresh runner pulls\n\nFrom its registry cache. Plain: the whole module cache \
         and GOCACHE of a native cold build as zstd layers.\n\n| project | what | MiB | of plain |\n\
         |---|---|---:|---:|\n",
    );
    for Plain {
        project,
        modules,
        compiled,
    } in &results.plain
    {
        let (modules, compiled) = (*modules as f64, *compiled as f64);
        let plain = modules + compiled;
        let _ = writeln!(
            text,
            "| {project} | plain module cache | {:.1} | |",
            modules / MIB
        );
        let _ = writeln!(
            text,
            "| {project} | plain GOCACHE | {:.1} | |",
            compiled / MIB
        );
        for &column in &table.columns {
            if let Some(cell) = table.cell(project, "fresh-runner", column) {
                let _ = writeln!(
                    text,
                    "| {project} | {} | {:.1} | {:.2} |",
                    column.name(),
                    cell.pulled / MIB,
                    cell.pulled / plain
                );
            }
        }
    }
}

fn legend(results: &Results, table: &Table, text: &mut String) {
    text.push_str("\n## What was built, and how\n\n");
    for project in &PROJECTS {
        if table.rows.iter().any(|row| row.project == project.name) {
            let _ = writeln!(text, "- {}", project.title);
        }
    }
    text.push('\n');
    for &column in &table.columns {
        let _ = writeln!(text, "- **{}**: {}", column.name(), column.title());
    }
    text.push_str(
        "\nEmpty means: buildkitd started anew without anything it kept, GOCACHE and GOMODCACHE of ko and \
         native removed, gobuild's own memory in XDG_CACHE_HOME removed. Go is on the machine for all: as \
         an image in the registry on loopback, as a module in gobuild's module cache, as a GOROOT. Each \
         column has its own copy of the sources, its own edits and its own cache mounts. Whatever makes \
         an image pushes it to the registry on loopback.\n",
    );
    let thin: Vec<String> = table.rows.iter().filter_map(fewer_samples).collect();
    for line in thin {
        let _ = writeln!(text, "\n{line}");
    }
    for Missing {
        project,
        case,
        column,
        reason,
    } in &results.missing
    {
        let _ = writeln!(
            text,
            "\nNot measured: {project}, {case}, {column}: {reason}."
        );
    }
}

/// Returns a line about a row whose number of samples is limited by what can be edited.
fn fewer_samples(row: &Row) -> Option<String> {
    let samples = row.cells.values().map(|cell| cell.samples).min()?;
    (row.case == "bump").then(|| format!("{}, {}: {samples} samples.", row.project, row.case))
}

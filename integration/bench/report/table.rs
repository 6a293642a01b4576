//! Medians of samples, by project, case and column.

use std::collections::{BTreeMap, BTreeSet};

use crate::cases::CASES;
use crate::contenders::Column;
use crate::projects::PROJECTS;
use crate::results::{Results, Sample};

/// Medians of one cell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    /// Seconds.
    pub(super) wall: f64,
    /// Seconds.
    pub(super) cpu: f64,
    /// Bytes.
    pub(super) memory: f64,
    /// Bytes.
    pub(super) pulled: f64,
    /// Compile steps that ran.
    pub(super) compiled: Option<f64>,
    /// How many samples.
    pub(super) samples: usize,
    /// Whether an earlier run left them.
    pub(super) kept: bool,
}

/// One case of one project.
pub(super) struct Row {
    /// Name of the project.
    pub(super) project: &'static str,
    /// Name of the case.
    pub(super) case: &'static str,
    /// The case in words.
    pub(super) title: &'static str,
    /// By column.
    pub(super) cells: BTreeMap<Column, Cell>,
}

/// All that was timed.
pub(super) struct Table {
    /// Columns with a sample, in order.
    pub(super) columns: Vec<Column>,
    /// Rows with a sample, by project, then case, in the order of their tables.
    pub(super) rows: Vec<Row>,
}

impl Table {
    /// Computes the medians.
    pub(super) fn of(results: &Results) -> Self {
        let mut rows = Vec::new();
        for project in &PROJECTS {
            for case in &CASES {
                let samples = results.samples.iter();
                let here: Vec<&Sample> = samples
                    .filter(|sample| sample.project == project.name && sample.case == case.name)
                    .collect();
                if !here.is_empty() {
                    rows.push(Row {
                        project: project.name,
                        case: case.name,
                        title: case.title,
                        cells: cells(&here),
                    });
                }
            }
        }
        let used: BTreeSet<Column> = rows
            .iter()
            .flat_map(|row| row.cells.keys())
            .copied()
            .collect();
        Self {
            columns: used.into_iter().collect(),
            rows,
        }
    }

    /// Returns a cell, if it has a sample.
    pub(super) fn cell(&self, project: &str, case: &str, column: Column) -> Option<Cell> {
        let mut rows = self.rows.iter();
        let row = rows.find(|row| row.project == project && row.case == case)?;
        row.cells.get(&column).copied()
    }
}

fn cells(samples: &[&Sample]) -> BTreeMap<Column, Cell> {
    let mut cells = BTreeMap::new();
    for column in Column::ALL {
        let here: Vec<&&Sample> = samples
            .iter()
            .filter(|sample| sample.column == column.name())
            .collect();
        if here.is_empty() {
            continue;
        }
        let middle =
            |value: &dyn Fn(&Sample) -> f64| median(here.iter().map(|sample| value(sample)));
        cells.insert(
            column,
            Cell {
                wall: middle(&|sample| sample.usage.wall),
                cpu: middle(&|sample| sample.usage.cpu),
                memory: middle(&|sample| sample.usage.memory as f64),
                pulled: middle(&|sample| sample.pulled as f64),
                compiled: here
                    .iter()
                    .all(|sample| sample.compiled.is_some())
                    .then(|| middle(&|sample| sample.compiled.unwrap_or_default() as f64)),
                samples: here.len(),
                kept: here.iter().any(|sample| sample.kept),
            },
        );
    }
    cells
}

/// Returns the middle value, or the mean of the two that are.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

//! The chart: for each case of each project a group of bars, one for each column.
//!
//! Times of one run span four orders of magnitude, so each group has a scale of its own: its longest
//! bar is as wide as the chart, and every bar bears its time.

use std::fmt::Write as _;

use super::seconds;
use super::table::{Row, Table};
use crate::contenders::Column;

const WIDTH: f64 = 900.0;
/// Where bars begin.
const LEFT: f64 = 150.0;
/// Room for the time behind the longest bar.
const RIGHT: f64 = 150.0;
const BAR: f64 = 15.0;
const TITLE: f64 = 24.0;
const GAP: f64 = 14.0;

/// Returns the chart.
pub(super) fn chart(table: &Table) -> String {
    let mut body = String::new();
    let mut top = GAP;
    for row in &table.rows {
        top = group(row, top, &mut body);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{top}\" \
         viewBox=\"0 0 {WIDTH} {top}\" font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Draws a group and returns where the next one begins.
fn group(row: &Row, top: f64, body: &mut String) -> f64 {
    let _ = writeln!(
        body,
        "<text x=\"10\" y=\"{}\" font-weight=\"600\" fill=\"#1f2328\">{}: {}</text>",
        top + 12.0,
        row.project,
        escaped(row.title)
    );
    let longest = row.cells.values().map(|cell| cell.wall).fold(0.0, f64::max);
    let ours = row.cells.get(&Column::Gobuild).map(|cell| cell.wall);
    let mut y = top + TITLE;
    for (&column, cell) in &row.cells {
        let width = (WIDTH - LEFT - RIGHT) * cell.wall / longest;
        let ratio = ours.filter(|_| column != Column::Gobuild);
        let times = ratio.map(|ours| format!(" ({:.2}×)", cell.wall / ours));
        let _ = writeln!(
            body,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#59636e\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" fill=\"{}\"/>\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#1f2328\">{}{}</text>",
            LEFT - 8.0,
            y + 11.0,
            column.name(),
            BAR - 3.0,
            colour(column),
            LEFT + width + 6.0,
            y + 11.0,
            seconds(cell.wall),
            times.unwrap_or_default()
        );
        y += BAR;
    }
    y + GAP
}

/// Returns a column's colour: told apart in print and by the colour-blind, too.
fn colour(column: Column) -> &'static str {
    match column {
        Column::Gobuild => "#0072b2",
        Column::GobuildForce => "#66c2e5",
        Column::GobuildRemote => "#56b4e9",
        Column::Dockerfile => "#d55e00",
        Column::DockerfileZstd => "#e69f00",
        Column::DockerfileSplit => "#f0c36d",
        Column::DockerfileLayers => "#a6611a",
        Column::Ko => "#009e73",
        Column::Native => "#6e7781",
        Column::Helper => "#cc79a7",
        Column::HelperRemote => "#e6b8d2",
        Column::Floor => "#c4c9cf",
        Column::Plan => "#8c510a",
        Column::Graph => "#bf812d",
    }
}

/// Returns a text without what XML takes for markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

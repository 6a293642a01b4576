//! Results in, files out: `bench.md`, `bench.svg` and `bench.json` in `target/bench`.

mod markdown;
mod svg;
mod table;
mod targets;

use std::fs;
use std::path::PathBuf;

use crate::machine::Machine;
use crate::results::Results;
use crate::settings::Settings;

/// Writes all files and returns the table's path.
pub(crate) fn write(settings: &Settings, machine: &Machine, results: &Results) -> PathBuf {
    let file = Results::file();
    let folder = file.parent().expect("it is in a folder");
    fs::create_dir_all(folder).unwrap();
    let table = table::Table::of(results);
    let all = serde_json::json!({ "machine": machine, "results": results });
    let json = serde_json::to_string_pretty(&all).unwrap();
    fs::write(&file, json + "\n").unwrap();
    fs::write(folder.join("bench.svg"), svg::chart(&table)).unwrap();
    let path = folder.join("bench.md");
    fs::write(&path, markdown::report(settings, machine, results, &table)).unwrap();
    path
}

/// Returns a duration as people read it.
fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds < 1.0 => format!("{seconds:.3} s"),
        _ if seconds < 10.0 => format!("{seconds:.2} s"),
        _ => format!("{seconds:.1} s"),
    }
}

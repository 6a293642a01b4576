//! What gobuild said with `--progress plain`: which compile steps ran, and what `go build -v` named.

use std::collections::{BTreeMap, BTreeSet};

/// Returns how many compile steps ran, and were not cached.
pub(crate) fn compile_steps(text: &str) -> usize {
    let names = compile_names(text);
    let ran = numbered(text)
        .filter(|(number, said)| names.contains_key(number) && said.starts_with("DONE "));
    ran.map(|(number, _)| number).collect::<BTreeSet<_>>().len()
}

/// Returns the packages that compile steps compiled.
pub(crate) fn packages(text: &str) -> BTreeSet<String> {
    let names = compile_names(text);
    let lines = numbered(text).filter(|(number, _)| names.contains_key(number));
    let packages = lines.filter_map(|(_, said)| {
        let (time, package) = said.split_once(' ')?;
        let is_line = time.parse::<f64>().is_ok() && !package.contains(' ');
        is_line.then(|| package.to_owned())
    });
    packages.collect()
}

/// Returns the numbers and names of compile steps.
fn compile_names(text: &str) -> BTreeMap<&str, &str> {
    let steps = numbered(text).filter(|(_, said)| said.starts_with("compile "));
    steps.collect()
}

/// Returns the lines of steps: number, the rest.
fn numbered(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(|line| line.strip_prefix('#')?.split_once(' '))
}

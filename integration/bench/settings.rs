//! What the bench was asked to do: variables of the environment in, [`Settings`] out.

use std::env;

/// All that can be chosen.
pub(crate) struct Settings {
    /// Samples of each case whose builds are short.
    pub(crate) rounds: usize,
    /// Samples of each case that begins with an empty builder or an empty cache.
    pub(crate) cold_rounds: usize,
    /// Small projects, every case once: to check the bench itself.
    pub(crate) quick: bool,
    /// Chosen cases; all if empty.
    pub(crate) cases: Vec<String>,
    /// Chosen projects; all if empty.
    pub(crate) projects: Vec<String>,
    /// Chosen columns; all if empty.
    pub(crate) columns: Vec<String>,
    /// Where another remote compile cache than the bench's own is.
    pub(crate) compile_cache: Option<String>,
    /// Minutes after which no further build is begun.
    pub(crate) minutes: Option<u64>,
    /// Whether what an earlier run timed is kept where this one times nothing.
    pub(crate) keep: bool,
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Panics
    /// Panics if a number is none.
    pub(crate) fn read() -> Self {
        let quick = flag("QUICK");
        Self {
            rounds: number("ROUNDS").unwrap_or(if quick { 1 } else { 5 }),
            cold_rounds: number("COLD_ROUNDS").unwrap_or(if quick { 1 } else { 3 }),
            quick,
            cases: list("CASES"),
            projects: list("PROJECTS"),
            columns: list("BENCH_COLUMNS"),
            compile_cache: text("COMPILE_CACHE"),
            minutes: number("MINUTES").map(|minutes| minutes as u64),
            keep: flag("KEEP"),
        }
    }

    /// Tells whether a case was chosen.
    pub(crate) fn case(&self, name: &str) -> bool {
        chosen(&self.cases, name)
    }

    /// Tells whether a project was chosen.
    pub(crate) fn project(&self, name: &str) -> bool {
        chosen(&self.projects, name)
    }

    /// Tells whether a column was chosen.
    pub(crate) fn column(&self, name: &str) -> bool {
        chosen(&self.columns, name)
    }
}

fn chosen(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|chosen| chosen == name)
}

/// Returns a variable's value, if it has one.
fn text(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Tells whether a variable is set to something but 0.
fn flag(name: &str) -> bool {
    text(name).is_some_and(|value| value != "0")
}

fn list(name: &str) -> Vec<String> {
    let value = text(name).unwrap_or_default();
    let names = value.split([',', ' ']).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

fn number(name: &str) -> Option<usize> {
    text(name).map(|value| {
        let number = value.parse().ok().filter(|&number| number > 0);
        number.unwrap_or_else(|| panic!("{name} must be a number above 0, not {value:?}"))
    })
}

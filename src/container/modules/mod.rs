//! Fills a module cache with just what builds read.
//!
//! Enters: queries, each a `go list -deps -json` with its variables, and `GOMODCACHE`, a module
//! cache that is kept between builds. Leaves: an output folder that serves as `GOMODCACHE` of
//! every build of the queried packages with `GOPROXY=off`. It holds
//!
//! - of each listed package its folder without tests, and embedded files; of modules with C code,
//!   or with includes that reach out of a folder, everything but tests;
//! - of each module in use `cache/download/…/@v/VERSION.ziphash`, which `go` compares with `go.sum`;
//! - of each module that a `go.sum` names, what the listing needed: `VERSION.mod`, and of an
//!   archive its hash and an empty folder.
//!
//! Source: Go's `cmd/go/internal/modfetch/cache.go` (layout), `fetch.go` (`DownloadDir`, `checkMod`),
//! `golang.org/x/mod/module` (`EscapePath`).

mod copy;
mod listing;
mod selection;
mod sums;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One listing to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// Variables on top of the process's own.
    pub env: Vec<(String, String)>,
    /// Program and arguments.
    pub command: Vec<String>,
}

impl Query {
    /// Reads `NAME=VALUE… PROGRAM ARGUMENT…`.
    #[must_use]
    pub fn parse(words: &[String]) -> Self {
        let mut query = Self::default();
        for word in words {
            match word.split_once('=') {
                Some((name, value)) if query.command.is_empty() => {
                    query.env.push((name.to_owned(), value.to_owned()));
                }
                _ => query.command.push(word.clone()),
            }
        }
        query
    }
}

/// Why the output cannot be filled.
#[derive(Debug, thiserror::Error)]
pub enum ModulesError {
    /// The go command cannot be started.
    #[error("cannot run {program}")]
    Start {
        /// The program.
        program: String,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The go command failed; it has said why.
    #[error("go list failed")]
    Failed {
        /// Its exit code; none if a signal ended it.
        code: Option<i32>,
    },
    /// The listing is not what `go list -json` prints.
    #[error("cannot read what go list prints")]
    Listing(#[source] std::io::Error),
    /// A file cannot be read or written.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

/// Runs the queries and fills `output` from `cache`.
///
/// `sources` is the folder of the project's module files, whose `go.sum` files are read.
///
/// # Errors
/// A query fails, or a file cannot be copied.
pub fn select(
    queries: &[Query],
    cache: &Path,
    sources: &Path,
    output: &Path,
) -> Result<(), ModulesError> {
    let mut files = BTreeSet::new();
    for query in queries {
        for package in listing::run(query)? {
            files.extend(selection::files(&package, cache)?);
        }
    }
    let named = sums::named(cache, sources)?;
    files.extend(named.files);
    copy::all(&files, &named.folders, cache, output)
}

#[cfg(test)]
mod tests;

//! Facts about the commit that is checked out, asked of `git`; `.git` itself is never sent.

#![expect(
    clippy::disallowed_methods,
    reason = "git is asked for facts of the commit"
)]

mod ask;
mod commit;

use std::path::Path;
use std::process::Command;

use crate::project::manifest::GitValues;

pub use ask::CommitError;
pub use commit::Commit;

/// Returns the facts; `None` outside a repository, without a commit, or without `git`.
#[must_use]
pub fn facts(folder: &Path) -> Option<GitValues> {
    let commit = ask(folder, &["rev-parse", "HEAD"])?;
    Some(GitValues {
        describe: ask(folder, &["describe", "--tags", "--always", "--dirty"]),
        short: ask(folder, &["rev-parse", "--short", "HEAD"]),
        branch: ask(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]),
        tag: ask(folder, &["describe", "--tags", "--exact-match", "HEAD"]),
        date: ask(folder, &["show", "--no-patch", "--format=%cI", "HEAD"]),
        commit: Some(commit),
    })
}

/// Runs git; `None` if it fails or says nothing.
fn ask(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(args)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

//! Turns paths to follow into patterns to include: the path, and what every link on it leads
//! to within the folder (fsutil `followlinks.go`).
//!
//! A link's target is taken as if the folder were the root of the file system, so it cannot
//! lead out of it.

use std::collections::BTreeSet;

use super::source::{Entry, LocalSource, SourceError, join};
use crate::buildkit::session::fsutil::FileKind;
use crate::project::ignore::Pattern;

/// Returns the patterns, `None` if there is nothing to follow or the whole folder is meant.
///
/// # Errors
/// A directory cannot be read.
pub(super) fn resolve(
    source: &LocalSource,
    paths: &[String],
) -> Result<Option<Vec<String>>, SourceError> {
    if paths.is_empty() {
        return Ok(None);
    }
    let mut resolved = BTreeSet::new();
    // The next path last: the order matters, since a link is followed the first time only.
    let mut open: Vec<String> = paths.iter().rev().map(|path| clean(path)).collect();
    while let Some(path) = open.pop() {
        follow(source, &path, &mut resolved, &mut open)?;
    }
    Ok(without_children(resolved.into_iter().collect()))
}

/// Walks `path` up to the first link. Links are remembered, and what they lead to is opened.
fn follow(
    source: &LocalSource,
    path: &str,
    resolved: &mut BTreeSet<String>,
    open: &mut Vec<String>,
) -> Result<(), SourceError> {
    let mut current = String::new();
    let mut rest = Some(path);
    while let Some(remaining) = rest {
        let (element, after) = match remaining.split_once('/') {
            Some((element, after)) => (element, Some(after)),
            None => (remaining, None),
        };
        let directory = std::mem::take(&mut current);
        current = join(&directory, element);
        let targets = targets(source, &directory, element)?;
        if targets.is_empty() && after.is_some() {
            rest = after;
            continue;
        }
        // A link seen before was followed before: loops end here.
        if resolved.insert(current.clone()) {
            let after = after.unwrap_or_default();
            let targets = targets.iter().rev();
            open.extend(targets.map(|target| clean(&join(target, after))));
        }
        return Ok(());
    }
    Ok(())
}

/// Returns where the links in `directory` with a name like `element` lead, from the root.
fn targets(
    source: &LocalSource,
    directory: &str,
    element: &str,
) -> Result<Vec<String>, SourceError> {
    // A malformed one matches nothing but the name that is written like it.
    let pattern = has_wildcard(element)
        .then(|| Pattern::parse(&in_one_name(element)).ok())
        .flatten();
    let is_meant = |entry: &&Entry| match &pattern {
        Some(pattern) => pattern.matches(&entry.name),
        None => entry.name == element,
    };
    if element == "." {
        return Ok(Vec::new());
    }
    Ok(source
        .list(directory)?
        .iter()
        .filter(|entry| entry.mode.kind() == FileKind::Symlink)
        .filter(is_meant)
        .map(|entry| match entry.target.strip_prefix('/') {
            Some(absolute) => clean(absolute),
            None => clean(&join(directory, &entry.target)),
        })
        .collect())
}

/// Returns whether the element is a pattern rather than a name.
fn has_wildcard(element: &str) -> bool {
    let mut characters = element.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// Returns a pattern for names that has no meaning beyond that: runs of stars are one star,
/// and a leading `!` is itself.
fn in_one_name(element: &str) -> String {
    let mut pattern = element.to_owned();
    while pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    if pattern.starts_with('!') {
        pattern.insert(0, '\\');
    }
    pattern
}

/// Cleans a path as if the folder were the root: `..` stops there. The root is `.`.
fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => drop(elements.pop()),
            other => elements.push(other),
        }
    }
    if elements.is_empty() {
        ".".into()
    } else {
        elements.join("/")
    }
}

/// Drops paths whose directory comes right before them; `None` if the root is among them.
pub(super) fn without_children(paths: Vec<String>) -> Option<Vec<String>> {
    let mut kept: Vec<String> = Vec::with_capacity(paths.len());
    for path in paths {
        if path == "." {
            return None;
        }
        let is_child = kept.last().is_some_and(|last| {
            path.strip_prefix(last.as_str())
                .is_some_and(|rest| rest.starts_with('/'))
        });
        if !is_child {
            kept.push(path);
        }
    }
    Some(kept)
}

//! `.dockerignore`: which project files a build never sees.
//!
//! Enters: the text of `goimage.toml.dockerignore` or `.dockerignore`. Leaves: an
//! [`IgnoreMatcher`], which answers for each path as BuildKit's context transfer would. That
//! transfer walks folders and hands each pattern's verdict on a folder down to what is in it
//! (fsutil `filter.go`, moby/patternmatcher `MatchesUsingParentResults`), which for some
//! patterns with `!` differs from matching each path and its parents afresh. The file's
//! syntax is moby/patternmatcher's `ignorefile`; that of a single pattern is in `pattern`.
//!
//! One deviation: a malformed pattern is always an error here. Upstream looks at the part
//! after the first `*` only when a path is matched against the pattern, if ever.

mod pattern;

use crate::project::tree::{EntryKind, Tree, TreeError, TreePath};
pub use pattern::Pattern;
use pattern::clean;

/// Name of the ignore file that all manifests of a folder share.
pub const SHARED_NAME: &str = ".dockerignore";

/// A pattern that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is not a pattern: {problem}")]
pub struct PatternError {
    /// The pattern, cleaned.
    pub pattern: String,
    /// What is wrong with it.
    pub problem: PatternProblem,
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// A lone `!`.
    #[error("nothing follows the exclamation mark")]
    EmptyException,
    /// `filepath.Match` of Go refuses it.
    #[error("a bracket or backslash is not completed")]
    Syntax,
    /// It stands for a regular expression that cannot be compiled.
    #[error("a range or escape has no meaning")]
    Meaning,
}

/// Why a project's ignore file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IgnoreError {
    /// The file cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The file is not UTF-8.
    #[error("{path} is not UTF-8")]
    Encoding {
        /// The file.
        path: TreePath,
    },
    /// A pattern cannot be used.
    #[error("{path} cannot be used")]
    Pattern {
        /// The file.
        path: TreePath,
        /// What is wrong.
        source: PatternError,
    },
}

/// Tells ignored paths from those that a build sees.
#[derive(Clone, Debug, Default)]
pub struct IgnoreMatcher {
    patterns: Vec<Pattern>,
    lines: Vec<String>,
}

/// What the patterns said of a folder, for what is in it.
#[derive(Clone, Debug, Default)]
pub struct FolderVerdict(Option<Vec<bool>>);

/// Reads the ignore file of the manifest at `manifest`: its own (`<manifest>.dockerignore`) if there is
/// one, else the shared one of the project in the folder `project`, else none.
///
/// # Errors
/// The file cannot be read, or has a pattern that cannot be used.
pub fn load(
    tree: &dyn Tree,
    manifest: &TreePath,
    project: &TreePath,
) -> Result<IgnoreMatcher, IgnoreError> {
    let name = format!("{}{SHARED_NAME}", manifest.name());
    let own = manifest.parent().join(&name);
    for path in [own, project.join(SHARED_NAME)] {
        if !matches!(tree.kind(&path)?, Some(EntryKind::File { .. })) {
            continue;
        }
        let Some(content) = tree.read(&path)? else {
            continue;
        };
        let Ok(text) = std::str::from_utf8(&content) else {
            return Err(IgnoreError::Encoding { path });
        };
        return IgnoreMatcher::parse(text).map_err(|source| IgnoreError::Pattern { path, source });
    }
    Ok(IgnoreMatcher::default())
}

impl IgnoreMatcher {
    /// Parses the text of an ignore file.
    ///
    /// # Errors
    /// A pattern cannot be used.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let lines = read_lines(text);
        let patterns = lines
            .iter()
            .filter(|line| !line.trim().is_empty())
            .map(|line| Pattern::parse(line))
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns, lines })
    }

    /// Returns the cleaned lines, in the form that BuildKit takes as exclude patterns.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.lines
    }

    /// Returns whether there is nothing to ignore.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns whether a build does not see `path`.
    ///
    /// A folder can be ignored and still hold files that are not (see [`Self::prunes`]).
    /// Neither the root nor what lies outside of it is ever ignored.
    #[must_use]
    pub fn matches(&self, path: &TreePath) -> bool {
        if path.climbs() > 0 {
            return false;
        }
        let mut verdict = FolderVerdict::default();
        let mut ignored = false;
        for end in element_ends(path.as_str()) {
            (ignored, verdict) = self.matches_below(&path.as_str()[..end], &verdict);
        }
        ignored
    }

    /// Returns whether a build sees neither the folder at `path` nor anything that could be
    /// in it.
    #[must_use]
    pub fn prunes(&self, path: &TreePath) -> bool {
        if !self.matches(path) {
            return false;
        }
        let folder = format!("{path}/");
        !self
            .patterns
            .iter()
            .any(|pattern| pattern.is_exception() && pattern.may_match_below(&folder))
    }

    /// As [`Self::matches`] for a walk that comes from above: takes what the patterns said of
    /// the folder that holds `path`, and returns what they say of `path` too.
    ///
    /// The verdict on the root's own entries starts from [`FolderVerdict::default`].
    #[must_use]
    pub fn matches_below(&self, path: &str, folder: &FolderVerdict) -> (bool, FolderVerdict) {
        let mut ignored = false;
        if path.is_empty() || path == "." {
            return (ignored, FolderVerdict::default());
        }
        let mut verdicts = Vec::with_capacity(self.patterns.len());
        for (index, pattern) in self.patterns.iter().enumerate() {
            let inherited = folder
                .0
                .as_ref()
                .is_some_and(|verdicts| verdicts.get(index) == Some(&true));
            // A pattern that cannot change the outcome is not looked at, and says nothing
            // about what is below either.
            let matched = inherited || (pattern.is_exception() == ignored && pattern.matches(path));
            verdicts.push(matched);
            if matched {
                ignored = !pattern.is_exception();
            }
        }
        (ignored, FolderVerdict(Some(verdicts)))
    }
}

/// Splits the file as `ignorefile.ReadAll` does: comments and blank lines go, the rest is
/// trimmed, cleaned and made relative.
fn read_lines(text: &str) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| match line.strip_prefix('!') {
            Some(exception) => format!("!{}", relative(exception.trim())),
            None => relative(line),
        })
        .collect()
}

fn relative(pattern: &str) -> String {
    if pattern.is_empty() {
        return String::new();
    }
    let cleaned = clean(pattern);
    match cleaned.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ => cleaned,
    }
}

/// Returns where each leading part of a path ends: 1 and 3 for `a/b`.
fn element_ends(path: &str) -> impl Iterator<Item = usize> {
    path.match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()])
}

#[cfg(test)]
mod tests;

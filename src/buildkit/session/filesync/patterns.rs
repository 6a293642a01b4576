//! Pattern lists with the semantics of .dockerignore, for a walk that comes from above.
//!
//! Patterns are tried in order and the last match decides; `!` turns a match into its
//! opposite; a pattern that matches a directory matches everything below. Each directory's
//! [`Matched`] feeds its entries, as `MatchesUsingParentResults` of `moby/patternmatcher`
//! does. What a single pattern matches is [`Pattern`]'s.

use crate::project::ignore::{Pattern, PatternError};

/// A compiled list.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

/// Which patterns of a list matched a directory; what its entries start from.
#[derive(Clone, Debug, Default)]
pub struct Matched(Vec<bool>);

impl Patterns {
    /// Compiles a list; blank patterns are dropped.
    ///
    /// # Errors
    /// A pattern is malformed.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, PatternError> {
        let patterns = patterns
            .iter()
            .map(AsRef::as_ref)
            .filter(|pattern| !pattern.trim().is_empty())
            .map(Pattern::parse)
            .collect::<Result<_, _>>()?;
        Ok(Self { patterns })
    }

    /// Returns whether the list has no patterns.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Returns whether `path` matches, and what its own entries start from. `parent` is what
    /// this returned for the directory of `path`, or the default in the root.
    #[must_use]
    pub fn matches(&self, path: &str, parent: &Matched) -> (bool, Matched) {
        let mut matched = false;
        let mut each = Vec::with_capacity(self.patterns.len());
        for (index, pattern) in self.patterns.iter().enumerate() {
            let inherited = parent.0.get(index).copied().unwrap_or(false);
            // A pattern that could not change the verdict is not tried, and counts as not
            // matched for what lies below: part of the original's semantics.
            let hit = inherited || (pattern.is_exception() == matched && pattern.matches(path));
            if hit {
                matched = !pattern.is_exception();
            }
            each.push(hit);
        }
        (matched, Matched(each))
    }

    /// Returns whether a plain pattern could newly match something below `directory`.
    #[must_use]
    pub fn may_match_below(&self, directory: &str) -> bool {
        self.reaches_below(directory, false)
    }

    /// Returns whether an exception could match something below `directory`.
    #[must_use]
    pub fn may_except_below(&self, directory: &str) -> bool {
        self.reaches_below(directory, true)
    }

    fn reaches_below(&self, directory: &str, exception: bool) -> bool {
        self.patterns.iter().any(|pattern| {
            pattern.is_exception() == exception && reaches_below(pattern.text(), directory)
        })
    }
}

/// Compares the leading elements without wildcards: `a/b/*.go` reaches below `a` and `a/b`,
/// not below `c`. Unlike fsutil this never leaves out what does match (there, `a/*/**` finds
/// nothing).
fn reaches_below(pattern: &str, directory: &str) -> bool {
    let mut elements = pattern.split('/');
    for element in directory.split('/') {
        match elements.next() {
            Some(pattern) if pattern.contains(['*', '?', '[', '\\']) => return true,
            Some(pattern) if pattern == element => {}
            _ => return false,
        }
    }
    elements.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Matches a path by walking down to it, as the walk over a folder does.
    fn matches(patterns: &[&str], path: &str) -> bool {
        let patterns = Patterns::new(patterns).unwrap();
        let mut parent = Matched::default();
        let mut verdict = false;
        let ends = path.match_indices('/').map(|(at, _)| at);
        for end in ends.chain([path.len()]) {
            (verdict, parent) = patterns.matches(&path[..end], &parent);
        }
        verdict
    }

    #[test]
    fn patterns_match_as_dockers() {
        for (pattern, path, expected) in [
            ("a", "a", true),
            ("a", "a/b", true),
            ("a", "ab", false),
            ("*", "a/b", true),
            ("*.go", "a/x.go", false),
            ("**/*.go", "a/b/x.go", true),
            ("**/*.go", "x.go", true),
            ("**", "a/b", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("**/c", "abc", false),
            ("**c", "a/bc", true),
            ("**c*", "a/bc", false),
            ("a?c", "a/c", false),
            ("a.c", "abc", false),
            ("a[b-d]c", "acc", true),
            ("a[^b-d]c", "acc", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            ("./a/", "a", true),
            ("a/../b", "b", true),
            ("é*", "éa", true),
            ("a(b", "a(b", true),
        ] {
            assert_eq!(matches(&[pattern], path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn the_last_match_decides() {
        assert!(!matches(&["a", "!a/b"], "a/b/c"));
        assert!(matches(&["a", "!a/b", "a/b/c"], "a/b/c"));
        assert!(matches(&["a", "!a/b"], "a/c"));
        assert!(!matches(&["*", "!keep"], "keep"));
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in ["[", "[]", "[a", "[a-", "[-a]", r"a\", "!", "[b-a]"] {
            assert!(Patterns::new(&[pattern]).is_err(), "{pattern}");
        }
        assert!(Patterns::new(&["", "  "]).unwrap().is_empty());
    }

    #[test]
    fn directories_without_a_possible_match_are_known() {
        let patterns = Patterns::new(&["a/b/*.go", "!c/d"]).unwrap();
        assert!(patterns.may_match_below("a"));
        assert!(patterns.may_match_below("a/b"));
        assert!(patterns.may_match_below("a/b/c"));
        assert!(!patterns.may_match_below("c"));
        assert!(patterns.may_except_below("c"));
        assert!(!patterns.may_except_below("c/d"));
    }
}

//! Shell patterns as `path.Match` reads them: `*`, `?`, `[a-z]`, `[^a-z]`, `\` escapes.

/// One element of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// Any run of characters.
    Star,
    /// One character.
    Any,
    /// This character.
    Literal(char),
    /// One character in (or, negated, outside) the ranges.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A pattern for one path element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    terms: Vec<Term>,
}

impl Glob {
    /// Parses a pattern; `None` if it is malformed.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut terms = Vec::new();
        let mut rest = pattern.chars();
        while let Some(character) = rest.next() {
            let term = match character {
                '*' => Term::Star,
                '?' => Term::Any,
                '\\' => Term::Literal(rest.next()?),
                '[' => class(&mut rest)?,
                other => Term::Literal(other),
            };
            terms.push(term);
        }
        Some(Self { terms })
    }

    /// Returns whether the whole of a path element (no `/` in it) matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        // Greedy with one point to come back to: the last star and what it has swallowed.
        let (mut term, mut at) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        loop {
            let step = match (self.terms.get(term), name.get(at)) {
                (Some(Term::Star), _) => {
                    star = Some((term + 1, at));
                    term += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(term), Some(character)) => term.matches(*character),
                _ => false,
            };
            if step {
                term += 1;
                at += 1;
                continue;
            }
            match star {
                Some((after, from)) if from < name.len() => {
                    star = Some((after, from + 1));
                    (term, at) = (after, from + 1);
                }
                _ => return false,
            }
        }
    }
}

impl Term {
    fn matches(&self, character: char) -> bool {
        match self {
            Self::Star | Self::Any => true,
            Self::Literal(literal) => *literal == character,
            Self::Class { negated, ranges } => {
                let inside = ranges
                    .iter()
                    .any(|(low, high)| (*low..=*high).contains(&character));
                inside != *negated
            }
        }
    }
}

/// Parses the rest of a class after `[`.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Term> {
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && rest.as_str().starts_with(']') {
            rest.next();
            return Some(Term::Class { negated, ranges });
        }
        let low = class_character(rest)?;
        let mut high = low;
        if rest.as_str().starts_with('-') {
            rest.next();
            high = class_character(rest)?;
        }
        ranges.push((low, high));
    }
}

/// A class's bound: not a bare `-` or `]`, and never the last character of the pattern.
fn class_character(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let character = match rest.next()? {
        '-' | ']' => return None,
        '\\' => rest.next()?,
        other => other,
    };
    (!rest.as_str().is_empty()).then_some(character)
}

/// Returns whether a path element is a pattern rather than a name.
pub(super) fn is_pattern(element: &str) -> bool {
    element.contains(['*', '?', '[', '\\'])
}

/// Returns whether a pattern of `GOPRIVATE` covers a module path: it must match as many leading
/// elements as it has itself (`golang.org/x/mod/module`, `MatchPrefixPatterns`).
#[must_use]
pub fn covers_module(pattern: &str, path: &str) -> bool {
    let mut elements = path.split('/');
    pattern.trim_end_matches('/').split('/').all(|pattern| {
        let element = elements.next();
        let glob = Glob::parse(pattern);
        element.is_some_and(|element| glob.is_some_and(|glob| glob.matches(element)))
    })
}

#[cfg(test)]
mod tests {
    use super::{Glob, covers_module};

    #[test]
    fn private_patterns_cover_what_is_below() {
        for (pattern, path, covers) in [
            ("git.example.com", "git.example.com/team/lib", true),
            ("git.example.com/*", "git.example.com/team/lib", true),
            ("git.example.com/*", "git.example.com", false),
            ("*.example.com", "git.example.com/a", true),
            ("git.example.com/te", "git.example.com/team", false),
            ("git.example.com/[", "git.example.com/[", false),
        ] {
            assert_eq!(covers_module(pattern, path), covers, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_match_as_in_go() {
        // From the table of Go's own path package tests, where no slash is involved.
        for (pattern, name, matches) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*b*c*d*e*", "axbxcxdxe", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^b-d]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a\u{263a}b", true),
            ("a[^a]b", "a\u{263a}b", true),
            ("a???b", "a\u{263a}b", false),
            ("[a-\u{3b6}]*", "\u{3b1}", true),
            ("*[a-\u{3b6}]", "A", false),
            ("[\\]a]", "]", true),
            ("[\\-]", "-", true),
            ("[x\\-]", "x", true),
            ("[\\-x]", "a", false),
            ("*x", "xxx", true),
            ("", "", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            let glob = Glob::parse(pattern).unwrap();
            assert_eq!(glob.matches(name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in [
            "[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "[]", "[a-]",
        ] {
            assert_eq!(Glob::parse(pattern), None, "{pattern}");
        }
    }
}

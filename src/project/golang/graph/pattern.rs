//! Package patterns: `./cmd/...`, `example.com/m/cmd/api`.
//!
//! Follows `cmd/internal/pkgpattern`: `...` stands for any text, and `/...` at the end for
//! nothing as well.

use crate::project::tree::TreePath;

/// A pattern as given, sorted by what it is matched against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// A folder.
    Directory(TreePath),
    /// Folders at or below `top` whose path matches.
    Directories { top: TreePath, wildcard: Wildcard },
    /// An import path.
    ImportPath(String),
    /// Import paths that match.
    ImportPaths(Wildcard),
}

impl Pattern {
    /// Parses a pattern; folders are relative to `start`.
    pub(super) fn parse(pattern: &str, start: &TreePath) -> Self {
        let local = matches!(pattern, "." | "..")
            || pattern.starts_with("./")
            || pattern.starts_with("../");
        let Some(at) = pattern.find("...").filter(|_| pattern != "..") else {
            return if local {
                Self::Directory(start.join(pattern))
            } else {
                Self::ImportPath(pattern.trim_end_matches('/').to_owned())
            };
        };
        if local {
            let folder = pattern[..at]
                .rfind('/')
                .map_or("", |slash| &pattern[..slash]);
            Self::Directories {
                top: start.join(folder),
                wildcard: Wildcard::new(start.join(pattern).as_str()),
            }
        } else {
            Self::ImportPaths(Wildcard::new(pattern))
        }
    }
}

/// Text with `...` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wildcard {
    /// What stands between the `...`, in order.
    pieces: Vec<String>,
    /// What may stand alone, for a pattern that ends in `/...`.
    bare: Option<Box<Wildcard>>,
}

impl Wildcard {
    fn new(pattern: &str) -> Self {
        let bare = pattern.strip_suffix("/...").map(Self::new).map(Box::new);
        Self {
            pieces: pattern.split("...").map(str::to_owned).collect(),
            bare,
        }
    }

    /// Returns whether all of `name` matches.
    pub(super) fn matches(&self, name: &str) -> bool {
        if self.bare.as_ref().is_some_and(|bare| bare.matches(name)) {
            return true;
        }
        let (Some((first, rest)), Some(last)) = (self.pieces.split_first(), self.pieces.last())
        else {
            return false;
        };
        let Some((_, middle)) = rest.split_last() else {
            return name == first;
        };
        let Some(mut name) = name.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in middle {
            match name.find(piece.as_str()) {
                Some(at) => name = &name[at + piece.len()..],
                None => return false,
            }
        }
        name.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, TreePath, Wildcard};

    #[test]
    fn dots_stand_for_anything() {
        for (pattern, name, matches) in [
            ("...", ".", true),
            ("...", "a/b", true),
            ("a/...", "a", true),
            ("a/...", "a/b/c", true),
            ("a/...", "ab", false),
            ("a...", "ab/c", true),
            ("a/.../c", "a/b/c", true),
            ("a/.../c", "a/c", false),
            ("a/...b...c", "a/xbycbzc", true),
            ("a/...b...c", "a/xcyb", false),
            ("...b/...", "x/ab", true),
            ("a...a", "a", false),
        ] {
            assert_eq!(
                Wildcard::new(pattern).matches(name),
                matches,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn patterns_are_sorted_by_kind() {
        let start = TreePath::new("p");
        let parse = |pattern: &str| Pattern::parse(pattern, &start);
        assert_eq!(parse("."), Pattern::Directory(start.clone()));
        assert_eq!(parse(".."), Pattern::Directory(TreePath::root()));
        assert_eq!(
            parse("./cmd/a/"),
            Pattern::Directory(TreePath::new("p/cmd/a"))
        );
        assert_eq!(
            parse("m.example/a"),
            Pattern::ImportPath("m.example/a".to_owned())
        );
        assert_eq!(
            parse("./cmd/..."),
            Pattern::Directories {
                top: TreePath::new("p/cmd"),
                wildcard: Wildcard::new("p/cmd/..."),
            }
        );
        assert_eq!(
            parse("../..."),
            Pattern::Directories {
                top: TreePath::root(),
                wildcard: Wildcard::new("..."),
            }
        );
        assert_eq!(
            parse("m.example/..."),
            Pattern::ImportPaths(Wildcard::new("m.example/..."))
        );
    }
}

//! Clean, `/`-separated paths relative to a tree's root.

use std::fmt;

use serde::Serialize;

/// A path relative to the root of a [`super::Tree`].
///
/// Always clean: no empty, `.` or inner `..` elements; `.` is the root itself; leading `..`
/// elements climb out of it. Ordered bytewise.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TreePath(String);

impl TreePath {
    /// Returns the root.
    #[must_use]
    pub fn root() -> Self {
        Self(".".to_owned())
    }

    /// Returns the cleaned form of a relative path; a leading `/` is dropped.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self::root().join(path)
    }

    /// Returns `self/path`, cleaned; `path` is taken as relative.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        let mut elements: Vec<&str> = self.elements().collect();
        for element in path.split('/') {
            match element {
                "" | "." => {}
                ".." if elements.last().is_some_and(|last| *last != "..") => {
                    elements.pop();
                }
                other => elements.push(other),
            }
        }
        if elements.is_empty() {
            Self::root()
        } else {
            Self(elements.join("/"))
        }
    }

    /// Returns the directory that holds this path; the root's is `..`.
    #[must_use]
    pub fn parent(&self) -> Self {
        self.join("..")
    }

    /// Returns the last element; `.` for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the elements, none for the root.
    pub fn elements(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|element| *element != ".")
    }

    /// Returns whether the path is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// Returns how many leading `..` elements there are: 0 inside the tree.
    #[must_use]
    pub fn climbs(&self) -> usize {
        self.elements()
            .take_while(|element| *element == "..")
            .count()
    }

    /// Returns the rest of this path below `directory`: `.` for the directory itself, `None`
    /// if it lies elsewhere.
    #[must_use]
    pub fn below(&self, directory: &Self) -> Option<Self> {
        if directory.is_root() {
            return (self.climbs() == 0).then(|| self.clone());
        }
        let rest = self.0.strip_prefix(&directory.0)?;
        if rest.is_empty() {
            return Some(Self::root());
        }
        let rest = Self(rest.strip_prefix('/')?.to_owned());
        // `../..` is not below `..`.
        (rest.climbs() == 0).then_some(rest)
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned() {
        for (given, clean) in [
            ("", "."),
            (".", "."),
            ("a/b", "a/b"),
            ("./a//b/", "a/b"),
            ("a/../b", "b"),
            ("a/../../b", "../b"),
            ("../../b", "../../b"),
            ("/etc", "etc"),
        ] {
            assert_eq!(TreePath::new(given).as_str(), clean, "{given:?}");
        }
    }

    #[test]
    fn below_knows_siblings_from_children() {
        let below = |path: &str, directory: &str| {
            TreePath::new(path)
                .below(&TreePath::new(directory))
                .map(|rest| rest.to_string())
        };
        assert_eq!(below("a/b", "a").as_deref(), Some("b"));
        assert_eq!(below("a", "a").as_deref(), Some("."));
        assert_eq!(below("ab", "a"), None);
        assert_eq!(below("../x", "."), None);
        assert_eq!(below("../x/y", "../x").as_deref(), Some("y"));
        assert_eq!(below("../..", ".."), None);
    }
}

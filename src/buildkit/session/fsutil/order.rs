//! The order in which entries are listed, and the check that a peer keeps it.
//!
//! Depth first, siblings ascending bytewise by name, a directory's children directly after
//! it. On whole paths: bytewise, with `/` below every other byte (fsutil `validator.go`).

use std::cmp::Ordering;

/// Compares two paths in listing order.
#[must_use]
pub fn compare_paths(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

/// Checks a listing entry by entry: paths are clean and relative, in order, and below
/// directories that were listed before.
#[derive(Debug, Default)]
pub struct PathOrder {
    /// The chain of directories that contains the next entry; each with its name and the
    /// last child seen. The first is the root.
    chain: Vec<Level>,
    last_in_root: Option<String>,
}

#[derive(Debug)]
struct Level {
    path: String,
    last: Option<String>,
}

/// What is wrong with a listed path.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Absolute, empty, or with `.`, `..`, empty elements or a NUL in it.
    #[error("path {path:?} is not clean and relative")]
    Unclean {
        /// The path as received.
        path: String,
    },
    /// Not after the entry before it, or a duplicate of it.
    #[error("path {path:?} is out of order after {previous:?}")]
    OutOfOrder {
        /// The path as received.
        path: String,
        /// The last path in the same directory.
        previous: String,
    },
    /// Its directory was not listed right before.
    #[error("path {path:?} is in no listed directory")]
    Orphan {
        /// The path as received.
        path: String,
    },
}

impl PathOrder {
    /// Takes the next entry of the listing.
    ///
    /// # Errors
    /// The path is not a legal successor of the ones before.
    pub fn check(&mut self, path: &str, is_directory: bool) -> Result<(), OrderError> {
        let clean = path
            .split('/')
            .all(|element| !matches!(element, "" | "." | ".."))
            && !path.contains('\0');
        if !clean {
            return Err(OrderError::Unclean { path: path.into() });
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        while self
            .chain
            .last()
            .is_some_and(|level| !is_in(parent, &level.path))
        {
            self.chain.pop();
        }
        let found = self.chain.last().map_or("", |level| &level.path);
        if found != parent {
            return Err(OrderError::Orphan { path: path.into() });
        }
        let last = self
            .chain
            .last_mut()
            .map_or(&mut self.last_in_root, |level| &mut level.last);
        if let Some(previous) = last.as_deref().filter(|previous| *previous >= name) {
            return Err(OrderError::OutOfOrder {
                path: path.into(),
                previous: previous.into(),
            });
        }
        *last = Some(name.to_owned());
        if is_directory {
            self.chain.push(Level {
                path: path.to_owned(),
                last: None,
            });
        }
        Ok(())
    }
}

/// Returns whether `path` is `directory` or lies below it.
fn is_in(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(listing: &[(&str, bool)]) -> Result<(), OrderError> {
        let mut order = PathOrder::default();
        listing
            .iter()
            .try_for_each(|(path, directory)| order.check(path, *directory))
    }

    #[test]
    fn a_slash_sorts_below_every_byte() {
        assert_eq!(compare_paths("a/x", "a-b"), Ordering::Less);
        assert_eq!(compare_paths("a", "a/x"), Ordering::Less);
        assert_eq!(compare_paths("a\u{1}", "a/x"), Ordering::Greater);
        assert_eq!(
            check(&[("a", true), ("a/x", false), ("a-b", false)]),
            Ok(())
        );
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in [
            "", ".", "..", "../x", "/etc", "a/../b", "a//b", "a/", "./a", "a\0b", "a/..",
        ] {
            assert_eq!(
                check(&[("a", true), (path, false)]),
                Err(OrderError::Unclean { path: path.into() }),
                "{path:?}"
            );
        }
    }

    #[test]
    fn order_and_parents_are_enforced() {
        let out_of_order =
            |listing: &[(&str, bool)]| matches!(check(listing), Err(OrderError::OutOfOrder { .. }));
        assert!(out_of_order(&[("b", false), ("a", false)]));
        assert!(out_of_order(&[("a", false), ("a", false)]));
        assert!(out_of_order(&[
            ("a", true),
            ("a/x", false),
            ("b", false),
            ("a", true)
        ]));
        assert!(out_of_order(&[("a", true), ("a/y", false), ("a/x", false)]));
        let orphan =
            |listing: &[(&str, bool)]| matches!(check(listing), Err(OrderError::Orphan { .. }));
        assert!(orphan(&[("a/x", false)]));
        assert!(orphan(&[("a", false), ("a/x", false)]));
        assert!(orphan(&[("a", true), ("b", false), ("a/x", false)]));
        assert!(orphan(&[("a", true), ("a/b/c", false)]));
    }

    proptest! {
        /// Sorting any tree by `compare_paths` gives a listing that `PathOrder` takes, and
        /// swapping two neighbours one that it refuses.
        #[test]
        fn sorted_listings_pass(
            paths in proptest::collection::btree_set("[-.a0!]{1,3}(/[-.a0!]{1,3}){0,3}", 1..20),
            swap in any::<proptest::sample::Index>(),
        ) {
            let mut entries = std::collections::BTreeMap::new();
            for path in &paths {
                prop_assume!(path.split('/').all(|element| element != "." && element != ".."));
                for (at, _) in path.match_indices('/') {
                    entries.insert(path[..at].to_owned(), true);
                }
                entries.entry(path.clone()).or_insert(false);
            }
            let mut listing: Vec<_> = entries.into_iter().collect();
            listing.sort_by(|(a, _), (b, _)| compare_paths(a, b));
            let mut order = PathOrder::default();
            for (path, directory) in &listing {
                prop_assert_eq!(order.check(path, *directory), Ok(()));
            }
            if listing.len() > 1 {
                let at = swap.index(listing.len() - 1);
                listing.swap(at, at + 1);
                let mut order = PathOrder::default();
                prop_assert!(listing.iter().any(|(path, dir)| order.check(path, *dir).is_err()));
            }
        }
    }
}

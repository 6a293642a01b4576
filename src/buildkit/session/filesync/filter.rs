//! Decides which entries of a folder are listed, and which directories are worth reading
//! (fsutil `filter.go`).

use super::followpaths;
use super::patterns::{Matched, Patterns};
use super::request::Wanted;
use super::source::{LocalSource, Selection, SourceError};
use crate::project::ignore::PatternError;

/// The limits of the source and those of one request; an entry must pass both.
#[derive(Debug)]
pub(super) struct Filter(Vec<Layer>);

#[derive(Debug)]
struct Layer {
    include: Patterns,
    exclude: Patterns,
}

/// What a directory's entries start from.
#[derive(Clone, Debug, Default)]
pub(super) struct Inherited(Vec<(Matched, Matched)>);

/// The verdict on an entry.
#[derive(Debug)]
pub(super) struct Verdict {
    /// Whether the entry itself is listed. If not, it may still be as the directory of one.
    pub(super) listed: bool,
    /// Whether something below it may be listed.
    pub(super) descend: bool,
    /// What its own entries start from.
    pub(super) inherited: Inherited,
}

/// Why a request's filter cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum FilterError {
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error(transparent)]
    Source(#[from] SourceError),
}

impl Filter {
    /// Makes the filter of one request; reads the links in `source` that it follows.
    ///
    /// # Errors
    /// A pattern is malformed, or a directory cannot be read.
    pub(super) fn new(source: &LocalSource, wanted: &Wanted) -> Result<Self, FilterError> {
        let mut include = wanted.include.clone();
        if let Some(followed) = followpaths::resolve(source, &wanted.follow)? {
            include.extend(followed);
            include = followpaths::without_children(include).unwrap_or_default();
        }
        let mut layers = vec![Layer {
            include: Patterns::new(&include)?,
            exclude: Patterns::new(&wanted.exclude)?,
        }];
        if let Selection::Filtered { include, exclude } = &source.selection {
            layers.push(Layer {
                include: include.clone(),
                exclude: exclude.clone(),
            });
        }
        Ok(Self(layers))
    }

    /// Judges the entry at `path`, given what its directory's verdict said.
    pub(super) fn judge(&self, path: &str, parent: &Inherited) -> Verdict {
        let mut verdict = Verdict {
            listed: true,
            descend: true,
            inherited: Inherited(Vec::with_capacity(self.0.len())),
        };
        let root = Default::default();
        for (index, layer) in self.0.iter().enumerate() {
            let (include, exclude) = parent.0.get(index).unwrap_or(&root);
            let (included, below_include) = layer.include.matches(path, include);
            let (excluded, below_exclude) = layer.exclude.matches(path, exclude);
            let included = included || layer.include.is_empty();
            verdict.listed &= included && !excluded;
            verdict.descend &= (included || layer.include.may_match_below(path))
                && (!excluded || layer.exclude.may_except_below(path));
            verdict.inherited.0.push((below_include, below_exclude));
        }
        verdict
    }
}

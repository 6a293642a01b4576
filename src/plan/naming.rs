//! Which images are wanted, and what the command line calls them.

use super::error::PlanError;
use crate::oci::Reference;
use crate::project::manifest::{Image, Values};

/// How images are named, and which are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    /// `--tag`: whole references, in place of the manifest's name and tags.
    pub tags: Vec<Reference>,
    /// `--repository`: put before every name that names no registry.
    pub repository: Option<String>,
    /// `--target`: names of the images to build; empty for all.
    pub targets: Vec<String>,
}

impl Naming {
    /// Returns whether an image of this name is to be built.
    #[must_use]
    pub(super) fn wants(&self, name: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|target| means(target, name))
    }

    /// Returns the targets that mean none of the images of these names.
    #[must_use]
    pub(super) fn unknown<'n>(
        &self,
        names: impl Iterator<Item = &'n String> + Clone,
    ) -> Vec<String> {
        let known = |target: &&String| names.clone().any(|name| means(target, name));
        let targets = self.targets.iter();
        targets.filter(|target| !known(target)).cloned().collect()
    }

    /// Returns an image's name in the short form that Docker prints, and every `name:tag` it is
    /// to have.
    pub(super) fn name(
        &self,
        image: &Image,
        values: &Values,
    ) -> Result<(String, Vec<Reference>), PlanError> {
        let references = image.references(values, self.repository.as_deref())?;
        let name = references
            .first()
            .map(|reference| reference.repository().familiar());
        let references = if self.tags.is_empty() {
            references
        } else {
            self.tags.clone()
        };
        Ok((name.unwrap_or_default(), references))
    }
}

/// Tells whether a target is an image's name or the end of it.
fn means(target: &str, name: &str) -> bool {
    let rest = name.strip_suffix(target);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_whole_name_or_its_end() {
        let naming = Naming {
            targets: vec!["api".to_owned()],
            ..Naming::default()
        };
        assert!(naming.wants("api"));
        assert!(naming.wants("registry.example.com/team/api"));
        assert!(!naming.wants("registry.example.com/team/other-api"));
        let names = ["registry.example.com/team/other".to_owned()];
        assert_eq!(naming.unknown(names.iter()), ["api"]);
    }
}

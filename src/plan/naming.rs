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
    /// Returns whether the image of this name is to be built, which is one of `names`.
    #[must_use]
    pub(super) fn wants(&self, name: &str, names: &[String]) -> bool {
        let mut targets = self.targets.iter();
        self.targets.is_empty() || targets.any(|target| means(target, name, names))
    }

    /// Returns the targets that mean none of the images of these names.
    #[must_use]
    pub(super) fn unknown(&self, names: &[String]) -> Vec<String> {
        let known = |target: &&String| names.iter().any(|name| means(target, name, names));
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

/// Tells whether a target is an image's name or, if no image has it as its name, the end of it.
fn means(target: &str, name: &str, names: &[String]) -> bool {
    if names.iter().any(|name| name == target) {
        return name == target;
    }
    let rest = name.strip_suffix(target);
    rest.is_some_and(|rest| rest.ends_with('/'))
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
        let names = |names: &[&str]| -> Vec<String> {
            let names = names.iter().map(|&name| name.to_owned());
            names.collect()
        };
        let wanted = |all: &[&str]| -> Vec<String> {
            let mut all = names(all);
            let known = all.clone();
            all.retain(|name| naming.wants(name, &known));
            all
        };
        let api = "registry.example.com/team/api";
        assert_eq!(wanted(&[api, "registry.example.com/team/other-api"]), [api]);
        assert_eq!(wanted(&[api, "team/api"]), [api, "team/api"]);
        // The whole name of one means no other.
        assert_eq!(wanted(&[api, "api"]), ["api"]);
        let other = names(&["registry.example.com/team/other"]);
        assert_eq!(naming.unknown(&other), ["api"]);
    }
}

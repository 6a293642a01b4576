//! What images are called: `[[image]]` `name` and `tags`, or the binary's name.
//!
//! Enters: an [`Image`] and the [`Values`] of its binary. Leaves: normalized references, one
//! for each tag. The name of a binary follows `DefaultExecName` of `go build`
//! (`cmd/go/internal/load`).

use super::key::KeyPath;
use super::model::Image;
use super::template::{Part, Template, Variable};
use super::values::{MissingValue, Values};
use crate::oci::Reference;
use crate::oci::reference::{ReferenceError, ReferenceProblem, is_tag};

/// Why an image has no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A variable in the name or a tag has no value.
    #[error(transparent)]
    Value(#[from] MissingValue),
    /// Values put in do not make a reference.
    #[error("an image cannot be called {given:?}: {problem}")]
    Reference {
        /// Where the template stands; the root if the name is the binary's.
        key: KeyPath,
        /// What came out.
        given: String,
        /// What is wrong with it.
        problem: ReferenceProblem,
    },
}

impl NameError {
    /// Returns where in the manifest the name stands; the root if it is a default.
    #[must_use]
    pub fn key(&self) -> &KeyPath {
        match self {
            Self::Value(missing) => &missing.key,
            Self::Reference { key, .. } => key,
        }
    }
}

impl Image {
    /// Returns the references to push, one for each tag and none twice.
    ///
    /// An image without a name is called after its binary. A name that names no registry is put
    /// below the `repository` that the caller gives, if any. Characters of a value that no tag
    /// can hold (the `/` of a branch) become `-`.
    ///
    /// # Errors
    /// A variable has no value, or what comes out is no reference.
    pub fn references(
        &self,
        values: &Values,
        repository: Option<&str>,
    ) -> Result<Vec<Reference>, NameError> {
        let (name, key) = match &self.name {
            Some(name) => (name.expand(values)?, name.key().clone()),
            None => {
                let binary = Template::variable_alone(Variable::Binary)
                    .expand(values)?
                    .to_lowercase();
                (binary, KeyPath::root())
            }
        };
        let name = match repository {
            Some(repository) if !names_registry(&name) => {
                format!("{}/{name}", repository.trim_end_matches('/'))
            }
            _ => name,
        };
        let repository = check_repository(&name).map_err(|problem| NameError::Reference {
            key,
            given: name.clone(),
            problem,
        })?;
        let mut references: Vec<Reference> = Vec::new();
        for tag in &self.tags {
            let text = tag.expand_with(values, into_tag)?;
            let reference = repository
                .with_tag(&text)
                .map_err(|error| NameError::Reference {
                    key: tag.key().clone(),
                    given: error.given,
                    problem: error.problem,
                })?;
            if !references.contains(&reference) {
                references.push(reference);
            }
        }
        Ok(references)
    }
}

impl Template {
    /// Returns the text with a letter for each variable, to check a form before the values
    /// are known.
    pub(super) fn sample(&self) -> String {
        self.parts()
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.as_str(),
                Part::Variable(_) => "x",
            })
            .collect()
    }
}

/// Returns the name that `go build` gives to the binary of a main package.
///
/// The last element of the import path, or the one before it if the last is a major version.
#[must_use]
pub fn binary_name(import_path: &str) -> &str {
    let Some((rest, last)) = import_path.rsplit_once('/') else {
        return import_path;
    };
    if is_major_version(last) {
        rest.rsplit('/').next().unwrap_or(rest)
    } else {
        last
    }
}

fn is_major_version(element: &str) -> bool {
    element.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty()
            && !digits.starts_with('0')
            && digits != "1"
            && digits.bytes().all(|b| b.is_ascii_digit())
    })
}

/// Tells whether a name's first component is a registry, as Docker does: by a dot, a port, or
/// `localhost`.
#[must_use]
pub fn names_registry(name: &str) -> bool {
    let first = name.split_once('/').map(|(first, _)| first);
    first.is_some_and(|first| first.contains(['.', ':']) || first == "localhost")
}

/// Parses a reference that must be a repository alone.
pub(super) fn check_repository(name: &str) -> Result<Reference, ReferenceProblem> {
    let reference: Reference = name
        .parse()
        .map_err(|error: ReferenceError| error.problem)?;
    if reference.tag().is_some() || reference.digest().is_some() {
        return Err(ReferenceProblem::NotNameOnly);
    }
    Ok(reference)
}

/// Checks the form of a tag.
pub(super) fn check_tag(tag: &str) -> Result<(), ReferenceProblem> {
    if is_tag(tag) {
        Ok(())
    } else {
        Err(ReferenceProblem::Tag)
    }
}

fn into_tag(value: String) -> String {
    value.replace(
        |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')),
        "-",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::manifest::model::Manifest;
    use crate::project::manifest::values::GitValues;
    use crate::project::manifest::{Document, ManifestError};

    fn manifest(text: &str) -> Result<Manifest, ManifestError> {
        Document::new("goimage.toml", text).parse()
    }

    fn names(text: &str, values: &Values, repository: Option<&str>) -> Vec<String> {
        let manifest = manifest(text).unwrap();
        let references = manifest.images[0].references(values, repository).unwrap();
        references.iter().map(Reference::to_string).collect()
    }

    #[test]
    fn binaries_are_named_as_go_build_names_them() {
        for (path, name) in [
            ("example.com/app", "app"),
            ("example.com/app/cmd/api", "api"),
            ("example.com/app/v2", "app"),
            ("example.com/app/v1", "v1"),
            ("example.com/app/v10", "app"),
            ("example.com/app/v02", "v02"),
            ("gopkg.in/app.v3", "app.v3"),
            ("app", "app"),
            ("v2", "v2"),
        ] {
            assert_eq!(binary_name(path), name, "{path}");
        }
    }

    #[test]
    fn an_image_without_a_name_is_called_after_its_binary() {
        let values = Values::default().with_binary("MyApp");
        assert_eq!(names("", &values, None), ["docker.io/library/myapp:latest"]);
        let below = |text: &str| names(text, &values, Some("localhost:5000/team/"));
        assert_eq!(below(""), ["localhost:5000/team/myapp:latest"]);
        assert_eq!(
            below("[[image]]\nname = 'shop/app'"),
            ["localhost:5000/team/shop/app:latest"]
        );
    }

    #[test]
    fn a_given_repository_does_not_touch_names_with_a_registry() {
        let text =
            "[[image]]\nname = 'r.test/{{ binary }}'\ntags = ['a', '{{binary}}', 'a{{ env.N }}']";
        let mut values = Values::default().with_binary("api");
        values.env.insert("N".to_owned(), String::new());
        assert_eq!(
            names(text, &values, Some("other.test/x")),
            ["r.test/api:a", "r.test/api:api"]
        );
    }

    #[test]
    fn values_are_made_fit_for_tags() {
        let values = Values {
            git: Some(GitValues {
                branch: Some("feature/ä+b".to_owned()),
                ..GitValues::default()
            }),
            ..Values::default().with_binary("api")
        };
        assert_eq!(
            names("[[image]]\ntags = ['{{ git.branch }}']", &values, None),
            ["docker.io/library/api:feature---b"]
        );
    }

    #[test]
    fn a_value_is_missed_only_when_it_is_used() {
        let text = "[[image]]\nname = 'r.test/x'\ntags = ['{{ git.tag }}']";
        let manifest = manifest(text).unwrap();
        let error = manifest.images[0].references(&Values::default(), None);
        let error = error.unwrap_err();
        assert_eq!(error.key().to_string(), "image[0].tags[0]");
        assert_eq!(
            error.to_string(),
            "`{{ git.tag }}` has no value: the project is not in a git repository with a commit"
        );
        let labelled = "[[image]]\nname = 'r.test/x'\nlabels = { a = '{{ git.tag }}' }";
        assert_eq!(
            names(labelled, &Values::default(), None),
            ["r.test/x:latest"]
        );
    }

    #[test]
    fn values_that_make_no_reference_are_refused() {
        let text = "[[image]]\nname = 'r.test/{{ env.TEAM }}/x'";
        let manifest = manifest(text).unwrap();
        let mut values = Values::default();
        values.env.insert("TEAM".to_owned(), "A Team".to_owned());
        let error = manifest.images[0].references(&values, None).unwrap_err();
        assert_eq!(error.key().to_string(), "image[0].name");
        assert_eq!(
            error.to_string(),
            "an image cannot be called \"r.test/A Team/x\": the repository must be lower case"
        );
    }
}

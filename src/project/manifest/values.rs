//! The values of template variables, and templates with their values put in.
//!
//! Nothing is looked up here. The edge asks a manifest what it uses
//! ([`Manifest::uses_git`], [`Manifest::environment`]), fills in a [`Values`], and a value
//! that is missing is an error only for the template that needs it.

use std::collections::{BTreeMap, BTreeSet};

use super::key::KeyPath;
use super::model::Manifest;
use super::template::{GitFact, Part, Template, Variable};
use crate::oci::Platform;

/// What variables stand for; `None` is a value that cannot be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// `binary`.
    pub binary: Option<String>,
    /// `git.…`; `None` outside a repository.
    pub git: Option<GitValues>,
    /// `date`: `SOURCE_DATE_EPOCH` as RFC 3339 in UTC.
    pub date: Option<String>,
    /// `env.…`: the variables of [`Manifest::environment`] that are set.
    pub env: BTreeMap<String, String>,
    /// `go.version`, without the leading `go`.
    pub go_version: Option<String>,
    /// `platform`, `os` and `arch`.
    pub platform: Option<Platform>,
}

/// Facts about the commit that is checked out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GitValues {
    /// `git.describe`.
    pub describe: Option<String>,
    /// `git.short`.
    pub short: Option<String>,
    /// `git.commit`.
    pub commit: Option<String>,
    /// `git.branch`; `None` when detached.
    pub branch: Option<String>,
    /// `git.tag`; `None` when the commit has none.
    pub tag: Option<String>,
    /// `git.date`.
    pub date: Option<String>,
}

/// A template needs a value that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{{{{ {variable} }}}}` has no value: {reason}")]
pub struct MissingValue {
    /// The variable.
    pub variable: Variable,
    /// Why it has none.
    pub reason: &'static str,
    /// Where the template stands in the manifest.
    pub key: KeyPath,
}

impl Values {
    /// Returns the values with another binary's name.
    #[must_use]
    pub fn with_binary(&self, binary: &str) -> Self {
        Self {
            binary: Some(binary.to_owned()),
            ..self.clone()
        }
    }

    /// Returns the values with another platform.
    #[must_use]
    pub fn with_platform(&self, platform: &Platform) -> Self {
        Self {
            platform: Some(platform.clone()),
            ..self.clone()
        }
    }

    /// Returns the values with a word in place of each that `manifest` uses and that is missing, to
    /// see what a project comes to wherever it is looked at.
    #[must_use]
    pub fn or_samples(&self, manifest: &Manifest) -> Self {
        const SAMPLE: &str = "sample";
        let or_sample = |value: Option<String>| value.or_else(|| Some(SAMPLE.to_owned()));
        let git = self.git.clone().unwrap_or_default();
        let mut env = self.env.clone();
        for name in manifest.environment() {
            env.entry(name.to_owned())
                .or_insert_with(|| SAMPLE.to_owned());
        }
        Self {
            git: Some(GitValues {
                describe: or_sample(git.describe),
                short: or_sample(git.short),
                commit: or_sample(git.commit),
                branch: or_sample(git.branch),
                tag: or_sample(git.tag),
                date: or_sample(git.date),
            }),
            date: or_sample(self.date.clone()),
            env,
            ..self.clone()
        }
    }

    fn get(&self, variable: &Variable) -> Result<String, &'static str> {
        let (value, reason) = match variable {
            Variable::Binary => (self.binary.clone(), "no binary is being built"),
            Variable::Git(fact) => return self.git(*fact),
            Variable::Date => (
                self.date.clone(),
                "SOURCE_DATE_EPOCH is not set, and the wall clock would make every build differ",
            ),
            Variable::Env(name) => (
                self.env.get(name).cloned(),
                "the environment variable is not set",
            ),
            Variable::GoVersion => (self.go_version.clone(), "the Go version is not known"),
            Variable::Platform => (
                self.platform.as_ref().map(Platform::to_string),
                "no platform is being built for",
            ),
            Variable::Os => (
                self.platform.as_ref().map(|platform| platform.os.clone()),
                "no platform is being built for",
            ),
            Variable::Arch => (
                self.platform
                    .as_ref()
                    .map(|platform| platform.architecture.clone()),
                "no platform is being built for",
            ),
        };
        value.ok_or(reason)
    }

    fn git(&self, fact: GitFact) -> Result<String, &'static str> {
        let Some(git) = &self.git else {
            return Err("the project is not in a git repository with a commit");
        };
        let (value, reason) = match fact {
            GitFact::Describe => (&git.describe, "git cannot describe the commit"),
            GitFact::Short => (&git.short, "there is no commit"),
            GitFact::Commit => (&git.commit, "there is no commit"),
            GitFact::Branch => (&git.branch, "no branch is checked out"),
            GitFact::Tag => (&git.tag, "the commit has no tag"),
            GitFact::Date => (&git.date, "there is no commit"),
        };
        value.clone().ok_or(reason)
    }
}

impl Template {
    /// Returns the text with all variables replaced by their values.
    ///
    /// # Errors
    /// A variable that the template uses has no value.
    pub fn expand(&self, values: &Values) -> Result<String, MissingValue> {
        self.expand_with(values, |value| value)
    }

    /// As [`Self::expand`], with each value passed through `adapt` first.
    pub(super) fn expand_with(
        &self,
        values: &Values,
        adapt: impl Fn(String) -> String,
    ) -> Result<String, MissingValue> {
        let mut text = String::new();
        for part in self.parts() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(variable) => match values.get(variable) {
                    Ok(value) => text.push_str(&adapt(value)),
                    Err(reason) => {
                        return Err(MissingValue {
                            variable: variable.clone(),
                            reason,
                            key: self.key().clone(),
                        });
                    }
                },
            }
        }
        Ok(text)
    }
}

impl Manifest {
    /// Returns every variable that some template uses.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<&Variable> {
        let images = self.images.iter().flat_map(|image| {
            image
                .name
                .iter()
                .chain(&image.tags)
                .chain(image.labels.values())
                .chain(image.annotations.values())
        });
        images
            .chain(self.go.stamp.values())
            .flat_map(Template::variables)
            .collect()
    }

    /// Returns whether some template needs to know the commit.
    #[must_use]
    pub fn uses_git(&self) -> bool {
        self.variables()
            .iter()
            .any(|variable| matches!(variable, Variable::Git(_)))
    }

    /// Returns the environment variables that templates refer to.
    #[must_use]
    pub fn environment(&self) -> BTreeSet<&str> {
        self.variables()
            .into_iter()
            .filter_map(|variable| match variable {
                Variable::Env(name) => Some(name.as_str()),
                _ => None,
            })
            .collect()
    }
}

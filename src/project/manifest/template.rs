//! `{{ variable }}` in manifest values.
//!
//! Enters: a string of the manifest and the [`Scope`] it stands in. Leaves: a [`Template`],
//! whose variables are known to exist there; their values come later, from
//! [`Values`](super::values::Values). There is no logic in templates, on purpose.

use std::fmt;
use std::ops::Range;

use serde::{Serialize, Serializer};

use super::error::nearest;
use super::key::KeyPath;

/// A string with variables.
///
/// Two templates are equal if their texts are, wherever they stand.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
    key: KeyPath,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Literal(String),
    Variable(Variable),
}

/// A value that templates can refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// `binary`: the binary's name; of an image of several, the first one's.
    Binary,
    /// `git.…`: a fact about the commit that is checked out.
    Git(GitFact),
    /// `date`: the instant that `SOURCE_DATE_EPOCH` names.
    Date,
    /// `env.NAME`: an environment variable of gobuild.
    Env(String),
    /// `go.version`: the toolchain's version.
    GoVersion,
    /// `platform`: `os/arch[/variant]`.
    Platform,
    /// `os`.
    Os,
    /// `arch`.
    Arch,
}

/// A fact about the commit that is checked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GitFact {
    /// `git.describe`: `git describe --tags --always --dirty`.
    Describe,
    /// `git.short`: the abbreviated commit id.
    Short,
    /// `git.commit`: the whole commit id.
    Commit,
    /// `git.branch`: the branch's name.
    Branch,
    /// `git.tag`: the tag on the commit.
    Tag,
    /// `git.date`: the committer's date, RFC 3339 in UTC.
    Date,
}

/// What a template's value may differ by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One value for all platforms of an image: names, tags and annotations.
    Image,
    /// A value per platform: labels and stamps.
    Platform,
}

/// Why a string is no template: where in it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TemplateError {
    pub(super) range: Range<usize>,
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: String,
}

const VARIABLES: [(&str, Variable); 12] = [
    ("binary", Variable::Binary),
    ("git.describe", Variable::Git(GitFact::Describe)),
    ("git.short", Variable::Git(GitFact::Short)),
    ("git.commit", Variable::Git(GitFact::Commit)),
    ("git.branch", Variable::Git(GitFact::Branch)),
    ("git.tag", Variable::Git(GitFact::Tag)),
    ("git.date", Variable::Git(GitFact::Date)),
    ("date", Variable::Date),
    ("go.version", Variable::GoVersion),
    ("platform", Variable::Platform),
    ("os", Variable::Os),
    ("arch", Variable::Arch),
];

impl Template {
    /// Returns the template of a fixed text.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            parts: vec![Part::Literal(text.to_owned())],
            key: KeyPath::root(),
        }
    }

    /// Returns the template of one variable.
    pub(super) fn variable_alone(variable: Variable) -> Self {
        Self {
            parts: vec![Part::Variable(variable)],
            key: KeyPath::root(),
        }
    }

    /// Parses the string that stands at `key`.
    pub(super) fn parse(text: &str, scope: Scope, key: KeyPath) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut position = 0;
        while let Some(open) = text[position..].find("{{").map(|at| position + at) {
            let Some(close) = text[open..].find("}}").map(|at| open + at) else {
                return Err(TemplateError {
                    range: open..text.len(),
                    message: "a variable is not closed".to_owned(),
                    label: "opened here",
                    help: "end it with `}}`".to_owned(),
                });
            };
            if open > position {
                parts.push(Part::Literal(text[position..open].to_owned()));
            }
            let inner = open + 2..close;
            let name = text[inner.clone()].trim();
            let start = inner.start + text[inner.clone()].find(name).unwrap_or(0);
            let range = if name.is_empty() {
                open..close + 2
            } else {
                start..start + name.len()
            };
            parts.push(Part::Variable(variable(name, scope, range)?));
            position = close + 2;
        }
        if position < text.len() || parts.is_empty() {
            parts.push(Part::Literal(text[position..].to_owned()));
        }
        Ok(Self { parts, key })
    }

    /// Returns where in the manifest the template stands; the root if it is a default.
    #[must_use]
    pub fn key(&self) -> &KeyPath {
        &self.key
    }

    /// Returns the variables in the order they are used.
    pub fn variables(&self) -> impl Iterator<Item = &Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(variable) => Some(variable),
            Part::Literal(_) => None,
        })
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Variable(variable) => write!(f, "{{{{ {variable} }}}}"),
        })
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Env(name) = self {
            return write!(f, "env.{name}");
        }
        let known = VARIABLES.iter().find(|(_, variable)| variable == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

fn variable(name: &str, scope: Scope, range: Range<usize>) -> Result<Variable, TemplateError> {
    if let Some(env) = name.strip_prefix("env.") {
        if is_variable_name(env) {
            return Ok(Variable::Env(env.to_owned()));
        }
        return Err(TemplateError {
            range,
            message: format!("{env:?} cannot name an environment variable"),
            label: "letters, digits and _, not starting with a digit",
            help: "write it as `{{ env.NAME }}`".to_owned(),
        });
    }
    let Some((_, variable)) = VARIABLES.iter().find(|(known, _)| *known == name) else {
        return Err(unknown(name, range));
    };
    let per_platform = matches!(variable, Variable::Platform | Variable::Os | Variable::Arch);
    if per_platform && scope == Scope::Image {
        return Err(TemplateError {
            range,
            message: format!("`{name}` has no single value here"),
            label: "differs between the image's platforms",
            help: "all platforms of an image share its name, tags and annotations; \
                   use it in labels or go.stamp"
                .to_owned(),
        });
    }
    Ok(variable.clone())
}

fn unknown(name: &str, range: Range<usize>) -> TemplateError {
    let names = VARIABLES.iter().map(|(known, _)| *known);
    let help = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{{{{ {near} }}}}`?"),
        None => {
            let all: Vec<&str> = names.chain(["env.NAME"]).collect();
            format!("variables are {}", all.join(", "))
        }
    };
    TemplateError {
        range,
        message: if name.is_empty() {
            "a variable has no name".to_owned()
        } else {
            format!("unknown variable `{name}`")
        },
        label: "not a variable",
        help,
    }
}

/// Returns whether `name` can be an environment variable of any shell.
pub(super) fn is_variable_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

//! What a rule is, and what it hands back.

use super::{Level, Subject};
use crate::project::manifest::KeyPath;
use crate::project::tree::TreePath;

/// A rule that a project may break.
#[derive(Debug)]
pub struct Rule {
    /// Its name, by which it is skipped: `RootUser`.
    pub name: &'static str,
    /// What it asks for, in one sentence.
    pub description: &'static str,
    /// How bad it is to break it.
    pub level: Level,
    /// Whether it speaks only if the manifest asks for it, with `experimental=` as in a Dockerfile.
    pub opt_in: bool,
    pub(super) run: fn(&Subject<'_>) -> Vec<Raised>,
}

/// Rules are told apart by their names.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Something that a rule found.
#[derive(Debug)]
pub(super) struct Raised {
    pub(super) at: At,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Where a rule found something.
#[derive(Debug)]
pub(super) enum At {
    /// The value of the manifest, or the deepest part of the way to it that is written.
    Key(KeyPath),
    /// A line of the manifest.
    Line(u32),
    /// A line of a source file.
    Source(TreePath, u32),
}

impl Rule {
    /// Returns where the rule is explained, from the project's root.
    #[must_use]
    pub fn anchor(&self) -> String {
        format!("docs/checks.md#{}", self.name.to_ascii_lowercase())
    }
}

impl Raised {
    pub(super) fn at_key(key: KeyPath, message: impl Into<String>) -> Self {
        Self::at(At::Key(key), message)
    }

    pub(super) fn at(at: At, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

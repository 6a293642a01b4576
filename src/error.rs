//! The one error that reaches the user: what failed, why, what to do, and the exit code.
//!
//! Every stage has errors of its own; they meet here. An exit code is a promise to scripts, so
//! each is a documented constant and follows from a [`Kind`] by an exhaustive match.

use std::error::Error as StdError;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Success.
pub const EXIT_OK: u8 = 0;
/// An error that none of the others describes, such as a file that cannot be written.
pub const EXIT_OTHER: u8 = 1;
/// The command line is wrong.
pub const EXIT_USAGE: u8 = 2;
/// The project is wrong: manifest, module files, sources, toolchain.
pub const EXIT_PROJECT: u8 = 3;
/// No builder answers, or it went away.
pub const EXIT_BUILDER: u8 = 4;
/// A step of the build failed: the compiler's message is on standard error.
pub const EXIT_BUILD: u8 = 5;
/// A registry refused, or does not answer.
pub const EXIT_REGISTRY: u8 = 6;
/// Cancelled, as by Ctrl-C (128 + SIGINT).
pub const EXIT_CANCELLED: u8 = 130;

/// What went wrong, as far as exit codes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// See [`EXIT_OTHER`].
    Other,
    /// See [`EXIT_USAGE`].
    Usage,
    /// See [`EXIT_PROJECT`].
    Project,
    /// See [`EXIT_BUILDER`].
    Builder,
    /// See [`EXIT_BUILD`].
    Build,
    /// See [`EXIT_REGISTRY`].
    Registry,
    /// See [`EXIT_CANCELLED`].
    Cancelled,
}

impl Kind {
    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Other => EXIT_OTHER,
            Self::Usage => EXIT_USAGE,
            Self::Project => EXIT_PROJECT,
            Self::Builder => EXIT_BUILDER,
            Self::Build => EXIT_BUILD,
            Self::Registry => EXIT_REGISTRY,
            Self::Cancelled => EXIT_CANCELLED,
        }
    }
}

/// A line of a file that a failure is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file; relative until [`Error::below`] says to what.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: Option<u32>,
    /// What is wrong there.
    pub message: String,
}

/// A failure with everything that is said about it.
#[derive(Debug)]
pub struct Error {
    /// What went wrong, as far as exit codes tell.
    pub kind: Kind,
    message: String,
    causes: Vec<String>,
    excerpt: Option<String>,
    hint: Option<String>,
    places: Box<[Place]>,
    annotated: bool,
}

impl Error {
    /// Returns an error that says `message`.
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            causes: Vec::new(),
            excerpt: None,
            hint: None,
            places: Box::default(),
            annotated: false,
        }
    }

    /// Returns an error that says what `error` and its sources say, each once.
    #[must_use]
    pub fn of(kind: Kind, error: &(dyn StdError + 'static)) -> Self {
        let mut result = Self::new(kind, error.to_string());
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // A transparent wrapper repeats what it wraps.
            if !result.message.contains(&text) {
                result.causes.push(text);
            }
            source = cause.source();
        }
        result
    }

    /// Puts a headline above the message, which becomes the first cause.
    #[must_use]
    pub fn under(mut self, headline: &str) -> Self {
        let message = std::mem::replace(&mut self.message, headline.to_owned());
        self.causes.insert(0, message);
        self
    }

    /// Adds what can be done about it.
    #[must_use]
    pub fn hinted(mut self, hint: impl Into<Option<String>>) -> Self {
        self.hint = hint.into().or(self.hint);
        self
    }

    /// Adds lines that show where: of the manifest, of the compiler.
    #[must_use]
    pub fn showing(mut self, excerpt: impl Into<String>) -> Self {
        self.excerpt = Some(excerpt.into());
        self
    }

    /// Adds the lines that it is about, for who shows them beside the source.
    #[must_use]
    pub fn placed(mut self, places: impl IntoIterator<Item = Place>) -> Self {
        let mut all = self.places.into_vec();
        all.extend(places);
        self.places = all.into_boxed_slice();
        self
    }

    /// Says what folder the places so far are relative to.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        for place in &mut self.places {
            place.file = folder.join(&place.file);
        }
        self
    }

    /// Says that what it is about has been shown beside the source.
    #[must_use]
    pub fn annotated(mut self) -> Self {
        self.annotated = true;
        self
    }

    /// Returns what is to be shown beside the source: lines of files, or, if there are none, what
    /// failed.
    pub fn annotations(&self) -> impl Iterator<Item = (Option<&Place>, String)> {
        let shown = !self.annotated && self.kind != Kind::Cancelled;
        let whole = shown && self.places.is_empty();
        let placed = self.places.iter().filter(move |_| shown);
        let placed = placed.map(|place| (Some(place), place.message.clone()));
        placed.chain(whole.then(|| (None, self.in_one())))
    }

    /// Returns the message and its causes as one text.
    fn in_one(&self) -> String {
        let causes = self.causes.iter().map(String::as_str);
        let parts: Vec<&str> = std::iter::once(self.message.as_str())
            .chain(causes)
            .collect();
        parts.join(": ")
    }

    /// Returns the text for a terminal or a log: `error: …`, indented causes, the excerpt,
    /// `hint: …`.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        for cause in &self.causes {
            for line in cause.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        if let Some(excerpt) = &self.excerpt {
            let _ = writeln!(text, "{}", excerpt.trim_end());
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_annotated_as_a_whole() {
        let error = || Error::new(Kind::Builder, "nobody answers");
        let texts = |error: &Error| {
            error
                .annotations()
                .map(|(_, text)| text)
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&error()), ["nobody answers"]);
        assert!(texts(&error().annotated()).is_empty());
        let place = Place {
            file: PathBuf::from("a.go"),
            line: 1,
            column: None,
            message: "bad".to_owned(),
        };
        let placed = error().placed([place]).below(Path::new("/p"));
        assert_eq!(texts(&placed), ["bad"]);
        let files = placed.annotations().filter_map(|(place, _)| place);
        assert_eq!(
            files.map(|place| place.file.as_path()).collect::<Vec<_>>(),
            [Path::new("/p/a.go")]
        );
    }

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read goimage.toml")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn causes_are_indented_below_the_error() {
        let error = Outer(std::io::Error::other("permission denied"));
        let error = Error::of(Kind::Project, &error).hinted("run it as its owner".to_owned());
        assert_eq!(
            error.render(),
            "error: cannot read goimage.toml\n  permission denied\nhint: run it as its owner\n"
        );
        assert_eq!(error.kind.exit_code(), 3);
    }
}

//! `goimage.toml`, version 1: from its text to a [`Manifest`].
//!
//! A [`Document`] goes through three passes, a type for each: `toml`'s spanned tree (syntax),
//! the schema (keys and types: `reader`, `schema`), the [`Manifest`] (meaning: `resolve`).
//! Problems are collected along the way and reported together, each with its place
//! ([`ManifestError`]).
//!
//! [`Template`]s stay open until their [`Values`] are known, and [`names`] makes image
//! references of them. Later stages that find a value wrong (a pattern that matches no main
//! package) say so at its place with [`Document::refuse`]. Nothing here reads a file, the
//! environment, the clock or git.

mod error;
mod key;
mod model;
pub mod names;
mod reader;
mod resolve;
mod schema;
mod template;
mod values;

use toml::de::DeTable;

pub use error::{ManifestError, Problem};
pub use key::KeyPath;
pub use model::{
    Base, Bases, Build, BuildMode, CacheMode, Compression, FileCopy, Go, Image, Manifest, Modules,
    Pgo, Secret, SecretSource, Toolchain,
};
pub use template::{GitFact, Template, Variable};
pub use values::{GitValues, MissingValue, Values};

use schema::Schema;

/// Name of the manifest that is looked for beside `go.mod` or `go.work`.
pub const FILE_NAME: &str = "goimage.toml";

/// The one version of the manifest's schema.
const VERSION: i64 = 1;

/// A manifest's text and the name it is known by.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// Returns the document of a text; `name` is what errors call it.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Returns what errors call the document.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the document's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what the document means.
    ///
    /// # Errors
    /// All problems of the document: either those of its syntax, or those of its version, or
    /// those of its keys and values.
    pub fn parse(&self) -> Result<Manifest, ManifestError> {
        let mut problems = Vec::new();
        let manifest = self.resolve(&mut problems);
        match manifest {
            Some(manifest) if problems.is_empty() => Ok(manifest),
            _ => Err(self.error(problems)),
        }
    }

    /// Returns the error that the value at `key` is refused for a reason found later.
    ///
    /// It shows the deepest part of the key's path that the document has.
    #[must_use]
    pub fn refuse(
        &self,
        key: &KeyPath,
        message: impl Into<String>,
        help: Option<String>,
    ) -> ManifestError {
        let (document, _) = DeTable::parse_recoverable(&self.text);
        let mut problem = match key.find(document.get_ref()) {
            Some(span) => Problem::new(message, span, key.to_string()),
            None => Problem::without_place(message),
        };
        problem.help = help;
        self.error(vec![problem])
    }

    fn resolve(&self, problems: &mut Vec<Problem>) -> Option<Manifest> {
        let document = reader::parse_document(&self.text, problems)?;
        let mut shape = Vec::new();
        let schema = Schema::read(document.get_ref(), &mut shape);
        if let Some(version) = &schema.version
            && *version.get_ref() != VERSION
        {
            // Another version has other keys: nothing else can be said of it.
            problems.push(
                Problem::new(
                    format!("version {} is not known", version.get_ref()),
                    version.span(),
                    "this gobuild knows version 1",
                )
                .help("use a newer gobuild, or write `version = 1`"),
            );
            return None;
        }
        problems.append(&mut shape);
        Some(resolve::resolve(&schema, &self.text, problems))
    }

    fn error(&self, problems: Vec<Problem>) -> ManifestError {
        ManifestError::new(&self.name, &self.text, problems)
    }
}

#[cfg(test)]
mod tests;

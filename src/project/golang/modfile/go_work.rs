//! `go.work`.

use super::directive::{At, Directive, Replace, once};
use super::{ModfileError, syntax};

/// The directives of a `go.work` that decide which packages take part in a build. `godebug` lines
/// are checked, and not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoWorkFile {
    /// `go`: e.g. `1.26` or `1.26.3`.
    pub go: Option<At<String>>,
    /// `toolchain`: e.g. `go1.26.3` or `default`.
    pub toolchain: Option<At<String>>,
    /// `use`: folders of the main modules, as written.
    pub uses: Vec<At<String>>,
    /// `replace`, which goes before those of the main modules.
    pub replace: Vec<Replace>,
}

impl GoWorkFile {
    /// Reads a `go.work`.
    ///
    /// # Errors
    /// The first line that is not well-formed.
    pub fn parse(content: &[u8]) -> Result<Self, ModfileError> {
        let text = String::from_utf8_lossy(content);
        let mut file = Self::default();
        for statement in &syntax::parse(&text)? {
            for directive in Directive::of(statement, &["godebug", "use", "replace"])? {
                file.add(directive)?;
            }
        }
        Ok(file)
    }

    fn add(&mut self, directive: Directive<'_>) -> Result<(), ModfileError> {
        let (verb, line) = (directive.verb, directive.line);
        match verb {
            "go" => once(&mut self.go, verb, line, directive.go_version())?,
            "toolchain" => once(&mut self.toolchain, verb, line, directive.toolchain())?,
            "godebug" => directive.godebug()?,
            "use" => self.uses.push(directive.string("usage: use local/dir")?),
            "replace" => self.replace.push(directive.replace()?),
            _ => return Err(directive.error(format!("unknown directive: {verb}"))),
        }
        Ok(())
    }
}

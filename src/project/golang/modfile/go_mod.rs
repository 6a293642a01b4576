//! `go.mod`.

use super::directive::{At, Directive, ModuleVersion, Replace, is_go_version, once};
use super::{ModfileError, syntax};

/// The directives of a `go.mod` that decide which packages take part in a build. `godebug`,
/// `retract` and `tool` lines are checked, and not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoMod {
    /// `module`: the module's path.
    pub module: Option<At<String>>,
    /// `go`: e.g. `1.26` or `1.26.3`.
    pub go: Option<At<String>>,
    /// `toolchain`: e.g. `go1.26.3` or `default`.
    pub toolchain: Option<At<String>>,
    /// `require`.
    pub require: Vec<Require>,
    /// `exclude`.
    pub exclude: Vec<At<ModuleVersion>>,
    /// `replace`.
    pub replace: Vec<Replace>,
    /// `ignore`: folders that package patterns leave out.
    pub ignore: Vec<At<String>>,
}

/// A `require` directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Require {
    /// What is required.
    pub module: ModuleVersion,
    /// Whether it is marked `// indirect`.
    pub indirect: bool,
    /// Line, from 1.
    pub line: usize,
}

const BLOCKS: [&str; 8] = [
    "module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore",
];

impl GoMod {
    /// Reads the `go.mod` of a main module.
    ///
    /// # Errors
    /// The first line that is not well-formed.
    pub fn parse(content: &[u8]) -> Result<Self, ModfileError> {
        let text = String::from_utf8_lossy(content);
        let mut file = Self::default();
        for statement in &syntax::parse(&text)? {
            for directive in Directive::of(statement, &BLOCKS)? {
                file.add(directive)?;
            }
        }
        Ok(file)
    }

    /// Reads the `go.mod` of a module that is a dependency.
    ///
    /// Directives that are unknown or count in main modules alone are passed over, so that a
    /// dependency may use what newer versions of Go bring.
    ///
    /// # Errors
    /// The first line that is not well-formed.
    pub fn parse_dependency(content: &[u8]) -> Result<Self, ModfileError> {
        let text = String::from_utf8_lossy(content);
        let mut file = Self::default();
        for statement in &syntax::parse(&text)? {
            // A block of an unknown kind is passed over like an unknown line.
            for directive in Directive::of(statement, &BLOCKS).unwrap_or_default() {
                match directive.verb {
                    "go" => file.add_lax_go(directive)?,
                    "module" | "require" | "ignore" => file.add(directive)?,
                    _ => {}
                }
            }
        }
        Ok(file)
    }

    fn add(&mut self, directive: Directive<'_>) -> Result<(), ModfileError> {
        let (verb, line) = (directive.verb, directive.line);
        match verb {
            "module" => {
                let path = directive.string("usage: module module/path");
                once(&mut self.module, verb, line, path)
            }
            "go" => once(&mut self.go, verb, line, directive.go_version()),
            "toolchain" => once(&mut self.toolchain, verb, line, directive.toolchain()),
            "godebug" => directive.godebug(),
            "require" => push(&mut self.require, require(&directive)),
            "exclude" => {
                let module = directive.module_version();
                push(&mut self.exclude, module.map(|module| directive.at(module)))
            }
            "replace" => push(&mut self.replace, directive.replace()),
            "retract" => check_retract(&directive),
            "tool" => {
                let path = directive.string("tool directive expects exactly one argument");
                path.map(drop)
            }
            "ignore" => {
                let path = directive.string("ignore directive expects exactly one argument");
                push(&mut self.ignore, path)
            }
            _ => Err(directive.error(format!("unknown directive: {verb}"))),
        }
    }

    /// Accepts the `go` line of a newer grammar for what it begins with: `v1.30+x` is `1.30`.
    fn add_lax_go(&mut self, directive: Directive<'_>) -> Result<(), ModfileError> {
        let version = directive.go_version().or_else(|error| {
            let text = directive.single("go directive expects exactly one argument")?;
            lax_go_version(text)
                .map(|version| directive.at(version))
                .ok_or(error)
        });
        once(&mut self.go, directive.verb, directive.line, version)
    }
}

fn lax_go_version(text: &str) -> Option<String> {
    let bare = text.strip_prefix('v').unwrap_or(text);
    let minor = bare.find('.')? + 1;
    let length = bare[minor..].find(|c: char| !c.is_ascii_digit())?;
    let version = &bare[..minor + length];
    is_go_version(version).then(|| version.to_owned())
}

fn push<T>(list: &mut Vec<T>, item: Result<T, ModfileError>) -> Result<(), ModfileError> {
    list.push(item?);
    Ok(())
}

fn require(directive: &Directive<'_>) -> Result<Require, ModfileError> {
    let mut words = directive.comment.unwrap_or_default().split_whitespace();
    let indirect = matches!(
        (words.next(), words.next()),
        (Some("indirect"), None) | (Some("indirect;"), Some(_))
    );
    Ok(Require {
        module: directive.module_version()?,
        indirect,
        line: directive.line,
    })
}

/// Checks a `retract` line. The go command does not insist on full versions here.
fn check_retract(directive: &Directive<'_>) -> Result<(), ModfileError> {
    let arguments: Vec<&str> = directive.arguments.iter().map(String::as_str).collect();
    let (low, high, rest) = match arguments.as_slice() {
        ["[", low, ",", high, "]", rest @ ..] => (*low, *high, rest),
        [] | ["[" | "(", ..] => {
            return Err(directive.error("usage: retract v1.2.3 or retract [v1.2.3, v1.4.5]"));
        }
        [version, rest @ ..] => (*version, *version, rest),
    };
    if let [extra, ..] = rest {
        return Err(directive.error(format!("unexpected token after version: {extra:?}")));
    }
    directive.unquote(low)?;
    directive.unquote(high)?;
    Ok(())
}

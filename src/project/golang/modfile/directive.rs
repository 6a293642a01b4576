//! Directives that `go.mod` and `go.work` share, and the reading of their arguments.

use super::literal::unquote;
use super::syntax::{Line, Statement};
use super::{ModfileError, module_path, semver};

/// A value and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Line, from 1.
    pub line: usize,
}

/// A module at a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleVersion {
    /// Module path.
    pub path: String,
    /// Canonical version.
    pub version: String,
}

/// A `replace` directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Path of the module that is replaced.
    pub path: String,
    /// The only version that is replaced; all if missing.
    pub version: Option<String>,
    /// Path of the module that stands in for it, or a folder as written.
    pub new_path: String,
    /// Version of the module that stands in for it; missing for a folder.
    pub new_version: Option<String>,
    /// Line, from 1.
    pub line: usize,
}

/// One directive: its verb and arguments, whether it stood in a block or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directive<'a> {
    pub(super) verb: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) comment: Option<&'a str>,
    pub(super) line: usize,
}

impl<'a> Directive<'a> {
    /// Returns the directives of a statement, given which verbs may open a block.
    pub(super) fn of(statement: &'a Statement, blocks: &[&str]) -> Result<Vec<Self>, ModfileError> {
        match statement {
            Statement::Line(line) => Ok(vec![Self::new(&line.tokens[0], &line.tokens[1..], line)]),
            Statement::Block {
                number,
                tokens,
                lines,
            } => match tokens.as_slice() {
                [verb] if blocks.contains(&verb.as_str()) => Ok(lines
                    .iter()
                    .map(|line| Self::new(verb, &line.tokens, line))
                    .collect()),
                _ => {
                    let message = format!("unknown block type: {}", tokens.join(" "));
                    Err(ModfileError::new(*number, message))
                }
            },
        }
    }

    fn new(verb: &'a str, arguments: &'a [String], line: &'a Line) -> Self {
        Self {
            verb,
            arguments,
            comment: line.comment.as_deref(),
            line: line.number,
        }
    }

    pub(super) fn error(&self, message: impl Into<String>) -> ModfileError {
        ModfileError::new(self.line, message)
    }

    pub(super) fn at<T>(&self, value: T) -> At<T> {
        At {
            value,
            line: self.line,
        }
    }

    /// Returns the only argument, as written.
    pub(super) fn single(&self, usage: &str) -> Result<&'a str, ModfileError> {
        match self.arguments {
            [argument] => Ok(argument),
            _ => Err(self.error(usage)),
        }
    }

    /// Returns the only argument as a string.
    pub(super) fn string(&self, usage: &str) -> Result<At<String>, ModfileError> {
        let text = self.unquote(self.single(usage)?)?;
        Ok(self.at(text))
    }

    pub(super) fn unquote(&self, token: &str) -> Result<String, ModfileError> {
        unquote(token).map_err(|message| self.error(message))
    }

    /// Reads a version, which must be a full one.
    pub(super) fn version(&self, path: &str, token: &str) -> Result<String, ModfileError> {
        let text = self.unquote(token)?;
        semver::canonical(&text).ok_or_else(|| {
            self.error(format!(
                "{} {path}: version {text:?} invalid: must be of the form v1.2.3",
                self.verb
            ))
        })
    }

    fn check_major(&self, path: &str, version: Option<&str>) -> Result<(), ModfileError> {
        module_path::check_major(path, version)
            .map_err(|message| self.error(format!("{} {path}: {message}", self.verb)))
    }

    /// Reads `path version`.
    pub(super) fn module_version(&self) -> Result<ModuleVersion, ModfileError> {
        let [path, version] = self.arguments else {
            return Err(self.error(format!("usage: {} module/path v1.2.3", self.verb)));
        };
        let path = self.unquote(path)?;
        let version = self.version(&path, version)?;
        self.check_major(&path, Some(&version))?;
        Ok(ModuleVersion { path, version })
    }

    /// Reads `path [version] => path version` or `path [version] => folder`.
    pub(super) fn replace(&self) -> Result<Replace, ModfileError> {
        let (old, new) = match self.arguments {
            [path, arrow, new @ ..] if arrow == "=>" => ((path, None), new),
            [path, version, arrow, new @ ..] if arrow == "=>" => ((path, Some(version)), new),
            _ => return Err(self.replace_usage()),
        };
        let path = self.unquote(old.0)?;
        self.check_major(&path, None)?;
        let version = old.1.map(|token| self.version(&path, token)).transpose()?;
        self.check_major(&path, version.as_deref())?;
        let (new_path, new_version) = match new {
            [folder] => (self.folder(folder)?, None),
            [module, version] => {
                let module = self.unquote(module)?;
                let version = self.version(&module, version)?;
                if is_folder(&module) {
                    return Err(self.error(format!(
                        "replacement module directory path {module:?} cannot have version"
                    )));
                }
                (module, Some(version))
            }
            _ => return Err(self.replace_usage()),
        };
        Ok(Replace {
            path,
            version,
            new_path,
            new_version,
            line: self.line,
        })
    }

    fn folder(&self, token: &str) -> Result<String, ModfileError> {
        let folder = self.unquote(token)?;
        if !is_folder(&folder) {
            return Err(self.error(if folder.contains('@') {
                "replacement module must match format 'path version', not 'path@version'"
            } else {
                "replacement module without version must be directory path \
                 (rooted or starting with . or ..)"
            }));
        }
        if folder.contains('\\') {
            return Err(self.error(
                "replacement directory appears to be Windows path (on a non-windows system)",
            ));
        }
        Ok(folder)
    }

    fn replace_usage(&self) -> ModfileError {
        self.error(
            "usage: replace module/path [v1.2.3] => other/module v1.4 \
             or replace module/path [v1.2.3] => ../local/directory",
        )
    }

    /// Reads a `go` line's version.
    pub(super) fn go_version(&self) -> Result<At<String>, ModfileError> {
        let version = self.single("go directive expects exactly one argument")?;
        if is_go_version(version) {
            Ok(self.at(version.to_owned()))
        } else {
            Err(self.error(format!(
                "invalid go version '{version}': must match format 1.23.0"
            )))
        }
    }

    /// Reads a `toolchain` line's name.
    pub(super) fn toolchain(&self) -> Result<At<String>, ModfileError> {
        let name = self.single("toolchain directive expects exactly one argument")?;
        let known = name == "default" || name == "go1" || name.starts_with("go1.");
        if known {
            Ok(self.at(name.to_owned()))
        } else {
            Err(self.error(format!(
                "invalid toolchain version '{name}': must match format go1.23.0 or default"
            )))
        }
    }

    /// Checks a `godebug` line, which the go command alone obeys.
    pub(super) fn godebug(&self) -> Result<(), ModfileError> {
        let usage = "usage: godebug key=value";
        let setting = self.single(usage)?;
        match setting.contains('=') && !setting.contains(['"', '`', '\'', ',']) {
            true => Ok(()),
            false => Err(self.error(usage)),
        }
    }
}

/// Stores the value of a directive that may stand once.
pub(super) fn once<T>(
    slot: &mut Option<At<T>>,
    verb: &str,
    line: usize,
    value: Result<At<T>, ModfileError>,
) -> Result<(), ModfileError> {
    if slot.is_some() {
        return Err(ModfileError::new(
            line,
            format!("repeated {verb} statement"),
        ));
    }
    *slot = Some(value?);
    Ok(())
}

/// Reports whether the right side of a `replace` is a folder, on any system.
fn is_folder(path: &str) -> bool {
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let relative = ["./", ".\\", "../", "..\\", "/", "\\"]
        .iter()
        .any(|prefix| path.starts_with(prefix));
    path == "." || path == ".." || relative || drive
}

/// Reports whether text has the form `1.N[.N][kindN]` that a `go` line must have.
pub(super) fn is_go_version(text: &str) -> bool {
    let Some((major, rest)) = cut_number(text) else {
        return false;
    };
    let Some((_, mut rest)) = rest.strip_prefix('.').and_then(cut_number) else {
        return false;
    };
    if let Some(patch) = rest.strip_prefix('.') {
        let Some((_, after)) = cut_number(patch) else {
            return false;
        };
        rest = after;
    }
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_lowercase());
    let prerelease = digits.len() < rest.len()
        && !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit());
    major != "0" && (rest.is_empty() || prerelease)
}

fn cut_number(text: &str) -> Option<(&str, &str)> {
    // A leading zero is a number of its own.
    let end = if text.starts_with('0') {
        1
    } else {
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len())
    };
    (end > 0).then(|| text.split_at(end))
}

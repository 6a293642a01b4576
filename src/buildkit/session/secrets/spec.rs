//! Secrets as a command line names them: `id=netrc,src=$HOME/.netrc` (buildx `--secret`).

use std::path::PathBuf;
use std::str::FromStr;

/// A secret as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretSpec {
    /// What steps know it by.
    pub id: String,
    /// Where its value is, if that was said.
    pub source: Option<SpecSource>,
}

/// A source as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecSource {
    /// `env=NAME`.
    Env(String),
    /// `src=PATH`.
    File(PathBuf),
}

/// What is wrong with a secret's text.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A part is not `key=value`.
    #[error("{0:?} is not of the form key=value")]
    NotPair(String),
    /// There is no such key.
    #[error("unknown key {0:?} (known: id, src, source, env, type)")]
    UnknownKey(String),
    /// There is no such type.
    #[error("unknown type {0:?} (known: file, env)")]
    UnknownType(String),
    /// Both a variable and a file are named.
    #[error("both a file and a variable are given")]
    TwoSources,
    /// There is no id.
    #[error("the id is missing")]
    NoId,
    /// A quote is not closed, or followed by more than a comma.
    #[error("a quote is not closed where its value ends")]
    Quote,
}

impl FromStr for SecretSpec {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let mut id = String::new();
        let mut kind = None;
        let mut file = None;
        let mut env = None;
        for field in fields(text)? {
            let pair = field.split_once('=');
            let (key, value) = pair.ok_or_else(|| SpecError::NotPair(field.clone()))?;
            let value = value.to_owned();
            match key.to_ascii_lowercase().as_str() {
                "id" => id = value,
                "src" | "source" => file = Some(value),
                "env" => env = Some(value),
                "type" if matches!(value.as_str(), "file" | "env") => kind = Some(value),
                "type" => return Err(SpecError::UnknownType(value)),
                _ => return Err(SpecError::UnknownKey(key.to_owned())),
            }
        }
        if id.is_empty() {
            return Err(SpecError::NoId);
        }
        if kind.as_deref() == Some("env") && env.is_none() {
            // `type=env,src=NAME` is another way to write `env=NAME`.
            env = file.take();
        }
        let source = match (file, env) {
            (Some(_), Some(_)) => return Err(SpecError::TwoSources),
            (Some(path), None) => Some(SpecSource::File(path.into())),
            (None, Some(name)) => Some(SpecSource::Env(name)),
            (None, None) => None,
        };
        Ok(Self { id, source })
    }
}

/// Splits a line of comma-separated values; a value in double quotes may hold commas, and
/// quotes if they are doubled.
fn fields(line: &str) -> Result<Vec<String>, SpecError> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => match rest.find(',') {
                Some(end) => (rest[..end].to_owned(), &rest[end..]),
                None => (rest.to_owned(), ""),
            },
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok(fields),
        }
    }
}

/// Reads a quoted value after its first quote; returns it and what follows it.
fn quoted_field(text: &str) -> Result<(String, &str), SpecError> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"').ok_or(SpecError::Quote)?;
        field.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None if after.is_empty() || after.starts_with(',') => return Ok((field, after)),
            None => return Err(SpecError::Quote),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, Option<SpecSource>), SpecError> {
        text.parse().map(|spec: SecretSpec| (spec.id, spec.source))
    }

    #[test]
    fn every_spelling_of_buildx_is_read() {
        let file = |path: &str| Some(SpecSource::File(path.into()));
        let env = |name: &str| Some(SpecSource::Env(name.into()));
        for (text, id, source) in [
            ("id=a", "a", None),
            ("id=a,src=b", "a", file("b")),
            ("ID=a,Source=b=c", "a", file("b=c")),
            ("type=file,id=a,src=b", "a", file("b")),
            ("id=a,env=B", "a", env("B")),
            ("type=env,id=a,src=B", "a", env("B")),
            ("type=env,id=a", "a", None),
            (r##"id=a,"src=b,""c""""##, "a", file(r#"b,"c""#)),
        ] {
            assert_eq!(parse(text), Ok((id.to_owned(), source)), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for (text, error) in [
            ("", SpecError::NotPair(String::new())),
            ("id=a,", SpecError::NotPair(String::new())),
            ("a", SpecError::NotPair("a".into())),
            ("src=a", SpecError::NoId),
            ("id=", SpecError::NoId),
            ("id=a,mode=1", SpecError::UnknownKey("mode".into())),
            ("id=a,type=x", SpecError::UnknownType("x".into())),
            ("id=a,src=b,env=c", SpecError::TwoSources),
            (r#"id=a,"src=b"#, SpecError::Quote),
            (r#"id=a,"src=b"c"#, SpecError::Quote),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}

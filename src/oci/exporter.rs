//! `--output` as buildx spells it: `type=oci,dest=image.tar`, a bare folder, `-`.
//!
//! Source: buildx `util/buildflags/export.go`, BuildKit `exporter/containerimage/opts.go`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// One thing to make of a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// What is made.
    pub kind: OutputKind,
    /// Attributes for the daemon's exporter.
    pub attributes: BTreeMap<String, String>,
}

/// What an output is and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// A registry.
    Registry,
    /// The daemon's image store, and a registry if pushed.
    Image {
        /// Whether it is pushed.
        push: bool,
    },
    /// An OCI image layout in a tar file.
    OciArchive(Destination),
    /// An OCI image layout in a folder.
    OciFolder(PathBuf),
    /// What `docker load` reads.
    DockerArchive(Destination),
    /// The same, loaded into what runs containers on this machine.
    Load,
    /// The binaries, in a folder.
    Binaries(PathBuf),
}

impl OutputKind {
    /// Tells whether a registry gets the image.
    #[must_use]
    pub fn is_pushed(&self) -> bool {
        matches!(self, Self::Registry | Self::Image { push: true })
    }
}

/// Where a byte stream goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A file.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// Why an output was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// A part is not `key=value`.
    #[error("{part:?} in --output is not of the form key=value")]
    NotAPair {
        /// The part.
        part: String,
    },
    /// There is no `type`.
    #[error("--output has no type; known types: {KNOWN}")]
    NoType,
    /// The type is none of those known.
    #[error("--output type {given:?} is not known; known types: {KNOWN}")]
    UnknownType {
        /// The type as given.
        given: String,
    },
    /// The type needs a destination.
    #[error("--output type={kind} needs dest=PATH")]
    NoDestination {
        /// The type.
        kind: &'static str,
    },
    /// A boolean attribute is none.
    #[error("{key}={value} in --output is not a boolean")]
    NotABoolean {
        /// The attribute.
        key: String,
        /// Its value.
        value: String,
    },
    /// A quote is not closed.
    #[error("a quote in {given:?} is not closed")]
    OpenQuote {
        /// The text.
        given: String,
    },
}

const KNOWN: &str = "registry, image, oci, docker, local";

impl FromStr for Output {
    type Err = OutputError;

    fn from_str(text: &str) -> Result<Self, OutputError> {
        if text == "-" {
            let kind = OutputKind::OciArchive(Destination::Stdout);
            return Ok(Self {
                kind,
                attributes: BTreeMap::new(),
            });
        }
        if !text.contains('=') {
            let kind = OutputKind::Binaries(PathBuf::from(text));
            return Ok(Self {
                kind,
                attributes: BTreeMap::new(),
            });
        }
        let mut attributes = pairs(text)?;
        let kind = attributes.remove("type").ok_or(OutputError::NoType)?;
        let destination = attributes.remove("dest");
        let stream = || match destination.as_deref() {
            None | Some("-") => Destination::Stdout,
            Some(path) => Destination::File(PathBuf::from(path)),
        };
        let folder = |kind| match destination.as_deref() {
            None | Some("-") => Err(OutputError::NoDestination { kind }),
            Some(path) => Ok(PathBuf::from(path)),
        };
        let kind = match kind.as_str() {
            "registry" => OutputKind::Registry,
            "image" => OutputKind::Image {
                push: boolean(&mut attributes, "push")?.unwrap_or(false),
            },
            "oci" if boolean(&mut attributes, "tar")? == Some(false) => {
                OutputKind::OciFolder(folder("oci")?)
            }
            "oci" => OutputKind::OciArchive(stream()),
            "docker" if destination.is_none() => OutputKind::Load,
            "docker" => OutputKind::DockerArchive(stream()),
            "local" => OutputKind::Binaries(folder("local")?),
            given => {
                return Err(OutputError::UnknownType {
                    given: given.to_owned(),
                });
            }
        };
        Ok(Self { kind, attributes })
    }
}

/// Takes a boolean attribute out, in Go's spellings; an empty value is true.
fn boolean(
    attributes: &mut BTreeMap<String, String>,
    key: &str,
) -> Result<Option<bool>, OutputError> {
    let Some(value) = attributes.remove(key) else {
        return Ok(None);
    };
    match value.to_ascii_lowercase().as_str() {
        "" | "1" | "t" | "true" => Ok(Some(true)),
        "0" | "f" | "false" => Ok(Some(false)),
        _ => Err(OutputError::NotABoolean {
            key: key.to_owned(),
            value,
        }),
    }
}

/// Splits `key=value,"key=a,b"` into its pairs; keys are case-insensitive.
///
/// # Errors
/// A part has no `=`, or a quote is not closed.
pub fn pairs(text: &str) -> Result<BTreeMap<String, String>, OutputError> {
    let parts = fields(text).ok_or_else(|| OutputError::OpenQuote {
        given: text.to_owned(),
    })?;
    let pair = |part: String| match part.split_once('=') {
        Some((key, value)) => Ok((key.trim().to_ascii_lowercase(), value.to_owned())),
        None => Err(OutputError::NotAPair { part }),
    };
    parts.into_iter().map(pair).collect()
}

/// Splits one line of CSV (RFC 4180); `None` if a quote stays open.
pub(super) fn fields(text: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> OutputKind {
        text.parse::<Output>().unwrap().kind
    }

    #[test]
    fn buildx_spellings_are_read() {
        let file = |path: &str| Destination::File(PathBuf::from(path));
        assert_eq!(
            kind("type=oci,dest=a.tar"),
            OutputKind::OciArchive(file("a.tar"))
        );
        assert_eq!(
            kind("type=oci,tar=false,dest=d"),
            OutputKind::OciFolder(PathBuf::from("d"))
        );
        assert_eq!(
            kind("type=docker,dest=-"),
            OutputKind::DockerArchive(Destination::Stdout)
        );
        assert_eq!(kind("type=docker"), OutputKind::Load);
        assert_eq!(
            kind("type=image,push=true"),
            OutputKind::Image { push: true }
        );
        assert_eq!(kind("type=registry"), OutputKind::Registry);
        assert_eq!(kind("bin"), OutputKind::Binaries(PathBuf::from("bin")));
        assert_eq!(kind("-"), OutputKind::OciArchive(Destination::Stdout));
        let output: Output = r#"type=image,"name=a,b",compression=gzip"#.parse().unwrap();
        assert_eq!(output.attributes["name"], "a,b");
        assert_eq!(output.attributes["compression"], "gzip");
    }

    #[test]
    fn mistakes_say_what_is_wrong() {
        let error = |text: &str| text.parse::<Output>().unwrap_err().to_string();
        assert_eq!(
            error("dest=a"),
            format!("--output has no type; known types: {KNOWN}")
        );
        assert_eq!(
            error("type=tgz,dest=a"),
            format!("--output type \"tgz\" is not known; known types: {KNOWN}")
        );
        assert_eq!(error("type=local"), "--output type=local needs dest=PATH");
        assert_eq!(
            error("type=oci,dest"),
            "\"dest\" in --output is not of the form key=value"
        );
        assert_eq!(
            error("type=oci,tar=maybe"),
            "tar=maybe in --output is not a boolean"
        );
        assert_eq!(
            error("type=oci,\"dest=a"),
            "a quote in \"type=oci,\\\"dest=a\" is not closed"
        );
    }
}

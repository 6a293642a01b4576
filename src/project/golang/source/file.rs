//! One source file: its kind by extension, and what its text says under any build context.
//!
//! Follows `go/build` `matchFile` and `fileListForExt`.

use super::constraint::{Constraint, ConstraintError};
use super::directive::{self, EmbedPattern};
use super::imports::{self, Header};
use super::position::{Position, SyntaxError};

/// What role a file plays in a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// `.go` without `import "C"`.
    Go,
    /// `.go` with `import "C"`.
    Cgo,
    /// `.c`.
    C,
    /// `.cc`, `.cpp`, `.cxx`.
    Cxx,
    /// `.m`.
    ObjectiveC,
    /// `.h`, `.hh`, `.hpp`, `.hxx`.
    Header,
    /// `.f`, `.F`, `.for`, `.f90`.
    Fortran,
    /// `.s`, which Go's own assembler reads unless cgo is used.
    Assembly,
    /// `.S`, `.sx`, which only the C compiler reads.
    CgoAssembly,
    /// `.swig`.
    Swig,
    /// `.swigcxx`.
    SwigCxx,
    /// `.syso`.
    Object,
}

impl FileKind {
    /// Returns the kind of a file by its name; `None` if the go command has no use for it.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        if name.starts_with(['_', '.']) {
            return None;
        }
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "go" => Self::Go,
            "c" => Self::C,
            "cc" | "cpp" | "cxx" => Self::Cxx,
            "m" => Self::ObjectiveC,
            "h" | "hh" | "hpp" | "hxx" => Self::Header,
            "f" | "F" | "for" | "f90" => Self::Fortran,
            "s" => Self::Assembly,
            "S" | "sx" => Self::CgoAssembly,
            "swig" => Self::Swig,
            "swigcxx" => Self::SwigCxx,
            "syso" => Self::Object,
            _ => return None,
        })
    }
}

/// What a file's text says, whatever the build context.
#[derive(Clone, Debug)]
pub struct Scan {
    /// When it takes part.
    pub constraint: Result<Constraint, ConstraintError>,
    /// Its head; none for files that are not Go.
    pub header: Option<Result<Header, SyntaxError>>,
    /// Its `//go:embed` patterns.
    pub embeds: Vec<EmbedPattern>,
}

impl Scan {
    /// Scans a Go file.
    ///
    /// # Errors
    /// The head holds a NUL byte, which Go refuses before it looks at constraints.
    pub fn go(text: &[u8]) -> Result<Self, SyntaxError> {
        let text = imports::without_mark(text);
        let (header, end) = imports::parse(text);
        if let Some(at) = memchr::memchr(0, &text[..end]) {
            let position = Position::START.after(&text[..at]);
            return Err(SyntaxError::new(position, "unexpected NUL in input"));
        }
        let embeds = match &header {
            Ok(header) if header.imports("embed") => directive::embeds(text),
            _ => Vec::new(),
        };
        Ok(Self {
            constraint: Constraint::parse(text),
            header: Some(header),
            embeds,
        })
    }

    /// Scans a file of another language, whose constraint stands in its leading comments. One
    /// whose leading comments do not parse takes part always.
    #[must_use]
    pub fn other(text: &[u8]) -> Self {
        let text = imports::without_mark(text);
        let constraint = match leading_comments(text) {
            Some(end) => Constraint::parse(&text[..end]),
            None => Ok(Constraint::None),
        };
        Self {
            constraint,
            header: None,
            embeds: Vec::new(),
        }
    }
}

/// Returns where the blanks and comments at the start of a file end; `None` if they are
/// malformed.
fn leading_comments(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let blanks = text[at..]
            .iter()
            .take_while(|byte| b" \x0c\t\r\n;".contains(byte))
            .count();
        at += blanks;
        at = match &text[at..] {
            [] => return Some(at),
            [0, ..] => return None,
            [b'/', b'/', rest @ ..] => match memchr::memchr2(b'\n', 0, rest) {
                None => return Some(text.len()),
                Some(end) if rest[end] == 0 => return None,
                Some(end) => at + 2 + end,
            },
            [b'/', b'*', rest @ ..] => {
                let end = memchr::memmem::find(rest, b"*/")?;
                if memchr::memchr(0, &rest[..end]).is_some() {
                    return None;
                }
                at + 4 + end
            }
            [b'/', ..] => return None,
            _ => return Some(at),
        };
    }
}

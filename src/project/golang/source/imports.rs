//! The head of a Go file: package clause and imports, with positions.
//!
//! Enters: a file's text. Leaves: a [`Header`], or the first [`SyntaxError`] in the words of
//! `go/parser`. Reads exactly as far as `go/build`'s `readGoInfo` does: what follows the
//! import section can be anything, even text that does not parse.

use std::ops::Range;

use super::lexer::{Kind, Lexer, Token, is_keyword};
use super::literal;
use super::position::{Position, SyntaxError};

/// What the head of a Go file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Package name.
    pub package: String,
    /// Imports in the order of the file, duplicates and `C` included.
    pub imports: Vec<Import>,
    /// Text of the comments that document `import "C"`, in which `#cgo` lines stand.
    pub preambles: Vec<String>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Import path.
    pub path: String,
    /// Where its declaration starts (the name if there is one, else the path).
    pub position: Position,
}

impl Header {
    /// Returns whether the file imports `path`.
    #[must_use]
    pub fn imports(&self, path: &str) -> bool {
        self.imports.iter().any(|import| import.path == path)
    }
}

/// Returns the text without a leading byte order mark.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Parses the head of a file (without byte order mark). The length of the head, comments after
/// it included, comes along with either outcome.
pub(super) fn parse(text: &[u8]) -> (Result<Header, SyntaxError>, usize) {
    let mut parser = Parser {
        text,
        lexer: Lexer::new(text),
        end: text.len(),
    };
    let header = parser
        .file()
        .and_then(|header| match std::str::from_utf8(&text[..parser.end]) {
            Ok(_) => Ok(header),
            Err(fault) => Err(SyntaxError::new(
                Position::START.after(&text[..fault.valid_up_to()]),
                "illegal UTF-8 encoding",
            )),
        });
    (header, parser.end)
}

struct Parser<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
    /// Where the head ends: known once the parser is through, else the end of the text.
    end: usize,
}

impl<'a> Parser<'a> {
    fn file(&mut self) -> Result<Header, SyntaxError> {
        let token = self.lexer.next()?;
        if token.kind != Kind::Word || token.text != b"package" {
            return Err(unexpected("'package'", &token));
        }
        let token = self.lexer.next()?;
        if token.kind != Kind::Word || is_keyword(token.text) {
            return Err(unexpected("'IDENT'", &token));
        }
        let package = String::from_utf8_lossy(token.text).into_owned();
        let mut header = Header {
            package,
            imports: Vec::new(),
            preambles: Vec::new(),
        };
        loop {
            let separator = self.lexer.next()?;
            let separated = matches!(separator.kind, Kind::Semicolon | Kind::Newline);
            let next = if separated {
                self.lexer.next()?
            } else {
                separator
            };
            let is_import = next.kind == Kind::Word && next.text == b"import";
            // `go/build` cuts the text before anything that cannot be `import`, and the cut
            // counts as the end of the line.
            if !separated && next.text.starts_with(b"i") {
                return Err(unexpected("';'", &next));
            }
            if !is_import {
                if !next.text.starts_with(b"i") {
                    self.end = next.offset;
                }
                return Ok(header);
            }
            self.declaration(next.comments, &mut header)?;
        }
    }

    /// Parses what follows `import`, up to but without the separator.
    fn declaration(
        &mut self,
        comments: Option<Range<usize>>,
        header: &mut Header,
    ) -> Result<(), SyntaxError> {
        let token = self.lexer.next()?;
        if token.kind != Kind::Open {
            self.spec(&token, comments, header)?;
            return Ok(());
        }
        let (first, first_preamble) = (header.imports.len(), header.preambles.len());
        let mut token = self.lexer.next()?;
        while token.kind != Kind::Close {
            if token.kind == Kind::End {
                return Err(unexpected("')'", &token));
            }
            let own = token.comments.clone();
            self.spec(&token, own, header)?;
            let separator = self.lexer.next()?;
            token = match separator.kind {
                Kind::Semicolon | Kind::Newline => self.lexer.next()?,
                Kind::Close => separator,
                _ => return Err(unexpected("';'", &separator)),
            };
        }
        // The only import of a group is documented by the group's comment too.
        let single = header.imports.len() == first + 1;
        if single && header.imports[first].path == "C" && header.preambles.len() == first_preamble {
            self.preamble(comments, header);
        }
        Ok(())
    }

    /// Parses `[name] "path"`, of which `token` is the first.
    fn spec(
        &mut self,
        token: &Token<'a>,
        comments: Option<Range<usize>>,
        header: &mut Header,
    ) -> Result<(), SyntaxError> {
        let named = token.kind == Kind::Dot || token.kind == Kind::Word && !is_keyword(token.text);
        let string = if named {
            self.lexer.next()?
        } else {
            token.clone()
        };
        if string.kind != Kind::String {
            let literal = string.kind == Kind::Number
                || string.kind == Kind::Word && !is_keyword(string.text);
            let message = if literal {
                "import path must be a string"
            } else {
                "missing import path"
            };
            return Err(SyntaxError::new(string.position, message));
        }
        let path = std::str::from_utf8(string.text)
            .ok()
            .and_then(literal::unquote)
            .ok_or_else(|| SyntaxError::new(string.position, "malformed string literal"))?;
        if !is_valid_path(&path) {
            return Err(SyntaxError::new(
                token.position,
                format!("invalid import path: {path}"),
            ));
        }
        if path == "C" {
            self.preamble(comments, header);
        }
        header.imports.push(Import {
            path,
            position: token.position,
        });
        Ok(())
    }

    fn preamble(&self, comments: Option<Range<usize>>, header: &mut Header) {
        if let Some(range) = comments {
            let text = String::from_utf8_lossy(&self.text[range]).into_owned();
            header.preambles.push(text);
        }
    }
}

fn unexpected(expected: &str, found: &Token<'_>) -> SyntaxError {
    SyntaxError::new(
        found.position,
        format!("expected {expected}, found {}", found.describe()),
    )
}

/// The spec lets compilers refuse these characters, and Go's does.
fn is_valid_path(path: &str) -> bool {
    const REFUSED: &str = "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{fffd}";
    !path.is_empty()
        && path
            .chars()
            .all(|c| !c.is_control() && !c.is_whitespace() && !REFUSED.contains(c))
}

//! Tokens of a Go file's header, with automatic semicolons and the comments before them.
//!
//! Covers what can stand between the start of a file and the end of its import section; every
//! other character is an [`Kind::Other`] token on which [`super::imports`] stops. Follows
//! `go/scanner` (newline semicolons) and `go/parser` (which comment belongs to what).

use std::ops::Range;

use super::position::{Position, SyntaxError};

/// A token's class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    String,
    /// A number, as far as it can be told from the rest.
    Number,
    Dot,
    Open,
    Close,
    Semicolon,
    /// A semicolon that a line break (or the end of the file) stands for.
    Newline,
    Other,
    End,
}

/// A token and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a [u8],
    pub(super) offset: usize,
    pub(super) position: Position,
    /// The comment group that ends on the line before the token.
    pub(super) comments: Option<Range<usize>>,
}

impl Token<'_> {
    /// Returns the token as Go's parser names it in `expected …, found …`.
    pub(super) fn describe(&self) -> String {
        let text = String::from_utf8_lossy(self.text);
        match self.kind {
            Kind::Newline => "newline".to_owned(),
            Kind::End => "'EOF'".to_owned(),
            Kind::Word if is_keyword(self.text) => format!("'{text}'"),
            Kind::Word | Kind::String | Kind::Number => text.into_owned(),
            _ => format!("'{text}'"),
        }
    }
}

pub(super) struct Lexer<'a> {
    text: &'a [u8],
    offset: usize,
    position: Position,
    /// Whether a line break here stands for a semicolon.
    terminates: bool,
    /// Line on which the token before ended.
    last_line: u32,
}

impl<'a> Lexer<'a> {
    /// Returns a lexer of `text`, which starts after any byte order mark.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            offset: 0,
            position: Position::START,
            terminates: false,
            last_line: 0,
        }
    }

    /// Returns the next token; after [`Kind::End`] that one again.
    pub(super) fn next(&mut self) -> Result<Token<'a>, SyntaxError> {
        let mut group: Option<(Range<usize>, u32)> = None;
        loop {
            if let Some(newline) = self.skip_blanks() {
                return Ok(newline);
            }
            if !self.rest().starts_with(b"//") && !self.rest().starts_with(b"/*") {
                break;
            }
            if self.terminates && self.comment_breaks_line()? {
                return Ok(self.newline());
            }
            let (start, line) = (self.offset, self.position.line);
            let length = self.comment_length()?;
            self.advance(length);
            // A comment that trails a token is not part of the group that follows.
            let trails = line == self.last_line;
            group = match group {
                Some((range, end)) if end + 1 >= line => {
                    Some((range.start..self.offset, self.position.line))
                }
                _ if trails => None,
                _ => Some((start..self.offset, self.position.line)),
            };
        }
        let comments = group
            .filter(|(_, end)| end + 1 == self.position.line)
            .map(|(range, _)| range);
        self.token(comments)
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.offset..).unwrap_or_default()
    }

    fn advance(&mut self, length: usize) -> &'a [u8] {
        let end = (self.offset + length).min(self.text.len());
        let passed = &self.text[self.offset..end];
        self.position = self.position.after(passed);
        self.offset = end;
        passed
    }

    /// Skips white space up to a line break that ends a statement, which is returned.
    fn skip_blanks(&mut self) -> Option<Token<'a>> {
        let blanks = self
            .rest()
            .iter()
            .take_while(|byte| match byte {
                b' ' | b'\t' | b'\r' => true,
                b'\n' => !self.terminates,
                _ => false,
            })
            .count();
        self.advance(blanks);
        let ends = matches!(self.rest().first(), None | Some(b'\n'));
        (ends && self.terminates).then(|| self.newline())
    }

    fn newline(&mut self) -> Token<'a> {
        self.terminates = false;
        Token {
            kind: Kind::Newline,
            text: b"\n",
            offset: self.offset,
            position: self.position,
            comments: None,
        }
    }

    /// Returns the length of the comment that starts here, its line break left out.
    fn comment_length(&self) -> Result<usize, SyntaxError> {
        let rest = self.rest();
        if rest.starts_with(b"//") {
            return Ok(memchr::memchr(b'\n', rest).unwrap_or(rest.len()));
        }
        memchr::memmem::find(rest.get(2..).unwrap_or_default(), b"*/")
            .map(|end| end + 4)
            .ok_or_else(|| SyntaxError::new(self.position, "comment not terminated"))
    }

    /// Returns whether comments from here on reach a line break before the next token.
    fn comment_breaks_line(&self) -> Result<bool, SyntaxError> {
        let mut ahead = Lexer { ..*self };
        loop {
            let rest = ahead.rest();
            if rest.starts_with(b"//") {
                return Ok(true);
            }
            if !rest.starts_with(b"/*") {
                return Ok(matches!(rest.first(), None | Some(b'\n')));
            }
            let line = ahead.position.line;
            let length = ahead.comment_length()?;
            ahead.advance(length);
            if ahead.position.line != line {
                return Ok(true);
            }
            let blanks = ahead
                .rest()
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
                .count();
            ahead.advance(blanks);
        }
    }

    fn token(&mut self, comments: Option<Range<usize>>) -> Result<Token<'a>, SyntaxError> {
        let (kind, length) = self.classify()?;
        let (offset, position) = (self.offset, self.position);
        let text = self.advance(length);
        self.terminates = match kind {
            Kind::Word => !is_keyword(text),
            Kind::String | Kind::Number | Kind::Close => true,
            _ => false,
        };
        self.last_line = self.position.line;
        Ok(Token {
            kind,
            text,
            offset,
            position,
            comments,
        })
    }

    fn classify(&self) -> Result<(Kind, usize), SyntaxError> {
        let rest = self.rest();
        let Some(&first) = rest.first() else {
            return Ok((Kind::End, 0));
        };
        Ok(match first {
            b'.' => (Kind::Dot, 1),
            b'(' => (Kind::Open, 1),
            b')' => (Kind::Close, 1),
            b';' => (Kind::Semicolon, 1),
            b'"' => match string_length(rest) {
                Some(length) => (Kind::String, length),
                None => return Err(self.unterminated("string literal")),
            },
            b'`' => match memchr::memchr(b'`', &rest[1..]) {
                Some(end) => (Kind::String, end + 2),
                None => return Err(self.unterminated("raw string literal")),
            },
            _ if is_word(first) => {
                let length = rest.iter().take_while(|byte| is_word(**byte)).count();
                if first.is_ascii_digit() {
                    (Kind::Number, length)
                } else {
                    (Kind::Word, length)
                }
            }
            _ => (Kind::Other, 1),
        })
    }

    fn unterminated(&self, what: &str) -> SyntaxError {
        SyntaxError::new(self.position, format!("{what} not terminated"))
    }
}

/// Returns the length of an interpreted string literal; `None` if its line ends first.
pub(super) fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr3(b'"', b'\\', b'\n', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            b'\\' if matches!(text.get(at + 1), Some(b'"' | b'\\')) => at += 2,
            b'\\' => at += 1,
            _ => return None,
        }
    }
}

/// Letters beyond ASCII count by their bytes, as in `go/build`'s reader.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_keyword(word: &[u8]) -> bool {
    const KEYWORDS: [&str; 25] = [
        "break",
        "case",
        "chan",
        "const",
        "continue",
        "default",
        "defer",
        "else",
        "fallthrough",
        "for",
        "func",
        "go",
        "goto",
        "if",
        "import",
        "interface",
        "map",
        "package",
        "range",
        "return",
        "select",
        "struct",
        "switch",
        "type",
        "var",
    ];
    std::str::from_utf8(word).is_ok_and(|word| KEYWORDS.contains(&word))
}

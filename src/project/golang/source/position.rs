//! Where in a file something stands.

use std::fmt;

use serde::Serialize;

/// A line and a column, both from 1; columns count bytes, as Go's positions do.
///
/// Lines are those of the file itself: `//line` comments are not followed, because it is the
/// file in the project that has to be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Byte column, from 1.
    pub column: u32,
}

impl Position {
    /// The first byte of a file.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Returns the position `text` bytes after this one.
    #[must_use]
    pub(super) fn after(self, text: &[u8]) -> Self {
        let breaks = memchr::memchr_iter(b'\n', text).count();
        match memchr::memrchr(b'\n', text) {
            None => Self {
                line: self.line,
                column: self.column.saturating_add(count(text.len())),
            },
            Some(last) => Self {
                line: self.line.saturating_add(count(breaks)),
                column: count(text.len() - last),
            },
        }
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A fault in a file's text, in the words of Go's own parser.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {message}")]
pub struct SyntaxError {
    /// Where it is.
    pub position: Position,
    /// What it is, e.g. `expected 'package', found 'EOF'`.
    pub message: String,
}

impl SyntaxError {
    pub(super) fn new(position: Position, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Position;

    #[test]
    fn columns_restart_after_a_line_break() {
        let at = |text: &str| Position::START.after(text.as_bytes()).to_string();
        assert_eq!(at(""), "1:1");
        assert_eq!(at("abc"), "1:4");
        assert_eq!(at("abc\n"), "2:1");
        assert_eq!(at("abc\n\nde"), "3:3");
    }
}

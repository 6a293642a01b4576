//! Tokens of a Go file, comments left out.
//!
//! Coarser than Go's scanner: operators are single bytes, numbers are words. Text that does not
//! scan (a string without an end) ends the tokens; compilers say more about it.

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, keyword or number.
    Word(&'a str),
    /// A string literal, as written.
    Text(&'a str),
    /// A rune literal.
    Rune,
    /// Any other byte.
    Symbol(u8),
    /// The end of a line.
    Newline,
}

/// Tokens with the offsets that they begin at.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Returns the length of the quoted text that begins here; `None` if it has no end.
    fn quoted(&self, quote: u8) -> Option<usize> {
        let rest = self.rest();
        let mut at = 1;
        loop {
            match rest.get(at)? {
                b'\\' => at += 2,
                b'\n' => return None,
                byte if *byte == quote => return Some(at + 1),
                _ => at += 1,
            }
        }
    }

    /// Skips blanks and comments; returns whether a line ended among them.
    fn skip(&mut self) -> Option<bool> {
        let mut ended = false;
        loop {
            match self.rest() {
                [b' ' | b'\t' | b'\r', ..] => self.at += 1,
                [b'\n', ..] => {
                    ended = true;
                    self.at += 1;
                }
                [b'/', b'/', ..] => {
                    let end = memchr::memchr(b'\n', self.rest());
                    self.at += end.unwrap_or(self.rest().len());
                }
                [b'/', b'*', rest @ ..] => {
                    let end = memchr::memmem::find(rest, b"*/")?;
                    ended |= memchr::memchr(b'\n', &rest[..end]).is_some();
                    self.at += end + 4;
                }
                _ => return Some(ended),
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = (usize, Token<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let begin = self.at;
        if self.skip()? {
            return Some((begin, Token::Newline));
        }
        let start = self.at;
        let first = *self.rest().first()?;
        let length = match first {
            b'"' | b'\'' => self.quoted(first)?,
            b'`' => memchr::memchr(b'`', &self.rest()[1..])? + 2,
            _ if is_word(first) => {
                let word = self.rest().iter().take_while(|byte| is_word(**byte));
                word.count()
            }
            _ => 1,
        };
        self.at += length;
        let text = self.text.get(start..self.at)?;
        let token = match first {
            b'"' | b'`' => Token::Text(text),
            b'\'' => Token::Rune,
            _ if is_word(first) => Token::Word(text),
            _ => Token::Symbol(first),
        };
        Some((start, token))
    }
}

/// Letters beyond ASCII are told by their bytes.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_hide_what_is_in_them() {
        let text = "a // b\nc /* d\n */ \"e \\\" f\" `g\n` '\\'' h.i\n";
        let tokens: Vec<Token<'_>> = Tokens::new(text).map(|(_, token)| token).collect();
        assert_eq!(
            tokens,
            [
                Token::Word("a"),
                Token::Newline,
                Token::Word("c"),
                Token::Newline,
                Token::Text("\"e \\\" f\""),
                Token::Text("`g\n`"),
                Token::Rune,
                Token::Word("h"),
                Token::Symbol(b'.'),
                Token::Word("i"),
                Token::Newline,
            ]
        );
    }

    #[test]
    fn what_has_no_end_ends_the_tokens() {
        for text in ["a \"b\nc", "a `b", "a /* b", "a 'b"] {
            assert_eq!(Tokens::new(text).count(), 1, "{text:?}");
        }
    }
}

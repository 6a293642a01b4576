//! Lines, tokens and blocks: the syntax that `go.mod` and `go.work` share.
//!
//! A statement is a line of tokens, or a verb with a parenthesised block of such lines.
//! Comments are `//` alone. Strings never span lines, so the file is read line by line.

use super::ModfileError;

/// A line of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Line number, from 1.
    pub(super) number: usize,
    /// Tokens as written, quotes included; never empty.
    pub(super) tokens: Vec<String>,
    /// Text of the comment at its end, without the slashes.
    pub(super) comment: Option<String>,
}

/// A statement of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `verb arguments…`
    Line(Line),
    /// `verb ( … )`
    Block {
        /// Line number of the opening line, from 1.
        number: usize,
        /// What stands before the parenthesis.
        tokens: Vec<String>,
        /// What stands in it.
        lines: Vec<Line>,
    },
}

/// Splits a file into statements.
pub(super) fn parse(text: &str) -> Result<Vec<Statement>, ModfileError> {
    let mut statements = Vec::new();
    let mut block: Option<(usize, Vec<String>, Vec<Line>)> = None;
    for (index, text) in text.split('\n').enumerate() {
        let number = index + 1;
        let (tokens, comment) = tokenize(text, number)?;
        if tokens.is_empty() {
            continue;
        }
        let closes = tokens[0] == ")";
        if let Some((start, verb, mut lines)) = block.take() {
            if !closes {
                lines.push(Line {
                    number,
                    tokens,
                    comment,
                });
                block = Some((start, verb, lines));
                continue;
            }
            if tokens.len() > 1 {
                let message = "syntax error (expected newline after closing paren)";
                return Err(ModfileError::new(number, message));
            }
            statements.push(Statement::Block {
                number: start,
                tokens: verb,
                lines,
            });
            continue;
        }
        match tokens.as_slice() {
            [verb @ .., open] if open == "(" && !verb.is_empty() => {
                block = Some((number, verb.to_vec(), Vec::new()));
            }
            [verb @ .., open, close] if open == "(" && close == ")" && !verb.is_empty() => {
                statements.push(Statement::Block {
                    number,
                    tokens: verb.to_vec(),
                    lines: Vec::new(),
                });
            }
            _ => statements.push(Statement::Line(Line {
                number,
                tokens,
                comment,
            })),
        }
    }
    match block {
        Some((start, _, _)) => Err(ModfileError::new(
            start,
            "syntax error (unterminated block)",
        )),
        None => Ok(statements),
    }
}

/// Splits one line into tokens and the comment at its end.
fn tokenize(text: &str, number: usize) -> Result<(Vec<String>, Option<String>), ModfileError> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r']);
        if let Some(comment) = rest.strip_prefix("//") {
            return Ok((tokens, Some(comment.trim().to_owned())));
        }
        let Some(first) = rest.chars().next() else {
            return Ok((tokens, None));
        };
        let length = match first {
            '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
            '"' | '`' => string_length(rest, first)
                .ok_or_else(|| ModfileError::new(number, "unexpected newline in string"))?,
            _ => identifier_length(rest, number)?,
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token.to_owned());
        rest = after;
    }
}

/// Returns the length of the quoted string at the start of `text`, quotes included.
fn string_length(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    while let Some((index, c)) = chars.next() {
        if c == quote {
            return Some(index + 1);
        }
        if c == '\\' && quote != '`' {
            chars.next()?;
        }
    }
    None
}

fn identifier_length(text: &str, number: usize) -> Result<usize, ModfileError> {
    let mut length = 0;
    for c in text.chars() {
        let rest = &text[length..];
        if rest.starts_with("/*") {
            let message = "mod files must use // comments (not /* */ comments)";
            return Err(ModfileError::new(number, message));
        }
        if !is_identifier(c) || rest.starts_with("//") {
            break;
        }
        length += c.len_utf8();
    }
    if length == 0 {
        let found = text.chars().next().unwrap_or_default();
        let message = format!("unexpected input character {found:?}");
        return Err(ModfileError::new(number, message));
    }
    Ok(length)
}

/// Reports whether a character may stand in a bare token: it is visible and no punctuation
/// of the grammar.
fn is_identifier(c: char) -> bool {
    let punctuation = matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',');
    let invisible = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e000}'..='\u{f8ff}');
    !(punctuation || invisible || c.is_whitespace() || c.is_control())
}

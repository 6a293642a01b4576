//! A single pattern of an ignore file.
//!
//! Enters: a cleaned line. Leaves: a [`Pattern`] that says of one path, without regard to its
//! parents, whether it matches. Follows moby/patternmatcher `Pattern.compile`: plain names
//! compare equal, a leading or trailing `**` compares an end, the rest becomes a regular
//! expression. Go's and Rust's expressions differ inside brackets, which [`for_rust`] evens
//! out.

use regex::Regex;

use super::{PatternError, PatternProblem};

/// Names that `[:name:]` can have.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// One line of an ignore file.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    exception: bool,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Exact,
    /// `text` ends with `**`, which is left out.
    Prefix,
    /// `text` starts with `**`, which is left out.
    Suffix,
    Expression(Regex),
}

impl Pattern {
    /// Parses a line; a leading `!` makes an exception.
    ///
    /// # Errors
    /// The line cannot be used.
    pub fn parse(line: &str) -> Result<Self, PatternError> {
        let cleaned = clean(line.trim());
        let fail = |problem| PatternError {
            pattern: cleaned.clone(),
            problem,
        };
        let (text, exception) = match cleaned.strip_prefix('!') {
            Some("") => return Err(fail(PatternProblem::EmptyException)),
            Some(rest) => (rest.to_owned(), true),
            None => (cleaned.clone(), false),
        };
        if !is_well_formed(&text) {
            return Err(fail(PatternProblem::Syntax));
        }
        let kind = compile(&text).ok_or_else(|| fail(PatternProblem::Meaning))?;
        Ok(Self {
            text,
            exception,
            kind,
        })
    }

    /// Returns the cleaned line without a leading `!`.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns whether the line starts with `!`.
    #[must_use]
    pub fn is_exception(&self) -> bool {
        self.exception
    }

    /// Returns whether the pattern matches exactly this path.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match &self.kind {
            Kind::Exact => path == self.text,
            Kind::Prefix => path.starts_with(&self.text[..self.text.len() - 2]),
            Kind::Suffix => {
                let suffix = &self.text[2..];
                path.ends_with(suffix) || suffix.strip_prefix('/') == Some(path)
            }
            Kind::Expression(expression) => expression.is_match(path),
        }
    }

    /// Returns whether the pattern could match something in `folder`, which ends with `/`;
    /// a pattern with wildcards always could.
    pub(super) fn may_match_below(&self, folder: &str) -> bool {
        let text = self.text.strip_suffix("/**").unwrap_or(&self.text);
        let text = text.strip_suffix("/*").unwrap_or(text);
        text.contains(['*', '[', ']', '?', '^', '\\']) || format!("{text}/").starts_with(folder)
    }
}

/// Shortens a pattern as `filepath.Clean` of Go does on Unix.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." => match elements.last() {
                Some(&last) if last != ".." => {
                    elements.pop();
                }
                _ if rooted => {}
                _ => elements.push(".."),
            },
            other => elements.push(other),
        }
    }
    let joined = elements.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// Returns whether `filepath.Match` of Go would accept the pattern: brackets are closed and
/// not empty, ranges have both ends, a backslash is followed by something.
fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.next().is_none() => return false,
            '[' => {
                rest.next_if_eq(&'^');
                let mut ranges = 0;
                while ranges == 0 || rest.next_if_eq(&']').is_none() {
                    if !bracket_end(&mut rest) {
                        return false;
                    }
                    if rest.next_if_eq(&'-').is_some() && !bracket_end(&mut rest) {
                        return false;
                    }
                    ranges += 1;
                }
            }
            _ => {}
        }
    }
    true
}

/// Reads one end of a range in brackets.
fn bracket_end(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> bool {
    match rest.next() {
        None | Some('-' | ']') => false,
        // What follows, if only the closing bracket, must be there too.
        Some('\\') => rest.next().is_some() && rest.peek().is_some(),
        Some(_) => rest.peek().is_some(),
    }
}

fn compile(pattern: &str) -> Option<Kind> {
    let (shape, expression) = translate(pattern);
    Some(match shape {
        Shape::Exact => Kind::Exact,
        Shape::Prefix => Kind::Prefix,
        Shape::Suffix => Kind::Suffix,
        Shape::Expression => Kind::Expression(Regex::new(&for_rust(&expression)?).ok()?),
    })
}

/// How a pattern can be compared; the cheap ways first.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Exact,
    Prefix,
    Suffix,
    Expression,
}

/// Turns a pattern into a regular expression of Go's, which only [`Shape::Expression`] needs.
fn translate(pattern: &str) -> (Shape, String) {
    let mut shape = Shape::Exact;
    let mut expression = String::from("^");
    let mut rest = pattern.chars().peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                shape = match (first, rest.peek(), shape) {
                    (true, _, _) => Shape::Suffix,
                    (false, None, Shape::Exact) => Shape::Prefix,
                    _ => Shape::Expression,
                };
                let inner = rest.peek().is_some();
                expression.push_str(if inner { "(.*/)?" } else { ".*" });
            }
            '*' => {
                expression.push_str("[^/]*");
                shape = Shape::Expression;
            }
            '?' => {
                expression.push_str("[^/]");
                shape = Shape::Expression;
            }
            '\\' => {
                expression.push('\\');
                expression.extend(rest.next());
                shape = Shape::Expression;
            }
            '[' | ']' => {
                expression.push(c);
                shape = Shape::Expression;
            }
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => expression.extend(['\\', c]),
            other => expression.push(other),
        }
        first = false;
    }
    expression.push('$');
    (shape, expression)
}

/// Rewrites an expression of Go's syntax to mean the same in Rust's; `None` if Go would not
/// compile it.
///
/// Rust gives `[`, `&&` and `~~` a meaning inside brackets and lets `\w` and its like match
/// beyond ASCII; Go does neither.
fn for_rust(expression: &str) -> Option<String> {
    let mut rewritten = String::new();
    let mut in_brackets = false;
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\\' => {
                let escaped = rest.chars().next()?;
                rest = &rest[escaped.len_utf8()..];
                push_escape(&mut rewritten, escaped, in_brackets)?;
            }
            '[' if in_brackets && rest.starts_with(':') && rest[1..].contains(":]") => {
                let (name, after) = rest[1..].split_once(":]")?;
                if !CLASSES.contains(&name.trim_start_matches('^')) {
                    return None;
                }
                rewritten.push_str(&format!("[:{name}:]"));
                rest = after;
            }
            '[' | '&' | '~' if in_brackets => rewritten.extend(['\\', c]),
            '[' => {
                in_brackets = true;
                rewritten.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    rewritten.push('^');
                    rest = after;
                }
            }
            ']' if in_brackets => {
                in_brackets = false;
                rewritten.push(']');
            }
            ']' => rewritten.push_str("\\]"),
            other => rewritten.push(other),
        }
    }
    Some(rewritten)
}

/// Adds `\` and a character as Go means them.
fn push_escape(expression: &mut String, escaped: char, in_brackets: bool) -> Option<()> {
    let ascii = match escaped {
        'd' => "0-9",
        's' => "\\t\\n\\f\\r ",
        'w' => "0-9A-Za-z_",
        'b' | 'B' if !in_brackets => {
            expression.push_str(&format!("(?-u:\\{escaped})"));
            return Some(());
        }
        literal if literal.is_ascii() && !literal.is_ascii_alphanumeric() => {
            expression.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
            return Some(());
        }
        letter if letter.is_ascii_alphanumeric() => {
            expression.extend(['\\', letter]);
            return Some(());
        }
        _ => return None,
    };
    if in_brackets {
        expression.push_str(ascii);
    } else {
        expression.push_str(&format!("[{ascii}]"));
    }
    Some(())
}

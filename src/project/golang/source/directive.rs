//! `//go:embed` lines of a Go file.
//!
//! Enters: a whole file. Leaves: its patterns in order, with positions. A line counts wherever
//! it stands as a comment, but not inside a string; a malformed one is left for the compiler
//! to report, as in `go/build` (`readGoInfo`, `parseGoEmbed`) and `go/ast` (`ParseDirective`).

use super::literal;
use super::position::Position;

const PREFIX: &[u8] = b"//go:embed";

/// A pattern of a `//go:embed` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedPattern {
    /// The pattern, unquoted, with any `all:` prefix.
    pub pattern: String,
    /// Where it stands.
    pub position: Position,
}

/// Finds the patterns of all `//go:embed` lines of a file (without byte order mark).
pub(super) fn embeds(text: &[u8]) -> Vec<EmbedPattern> {
    let mut patterns = Vec::new();
    if memchr::memmem::find(text, PREFIX).is_none() {
        return patterns;
    }
    let (mut at, mut position, mut counted) = (0, Position::START, 0);
    while let Some(skipped) = text[at..]
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'/'))
    {
        at += skipped;
        let rest = &text[at..];
        let length = token_length(rest);
        if rest.starts_with(PREFIX) {
            position = position.after(&text[counted..at]);
            counted = at;
            let line = String::from_utf8_lossy(&rest[..length]);
            patterns.extend(arguments(&line, position).unwrap_or_default());
        }
        at += length;
    }
    patterns
}

/// Returns the length of the comment or literal (or lone `/`) that `text` starts with; one
/// that is not terminated ends where Go's scanner gives up on it.
fn token_length(text: &[u8]) -> usize {
    let end_of_line = || memchr::memchr(b'\n', text).unwrap_or(text.len());
    let after =
        |found: Option<usize>, skipped: usize| found.map_or(text.len(), |found| found + skipped);
    match text {
        [b'/', b'/', ..] => end_of_line(),
        [b'/', b'*', rest @ ..] => after(memchr::memmem::find(rest, b"*/"), 4),
        [b'`', rest @ ..] => after(memchr::memchr(b'`', rest), 2),
        [quote @ (b'"' | b'\''), ..] => quoted_length(text, *quote),
        _ => 1,
    }
}

fn quoted_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr3(quote, b'\\', b'\n', &text[at..]) {
        at += found;
        match text[at] {
            b'\n' => return at,
            b'\\' if matches!(text.get(at + 1), Some(next) if *next == quote || *next == b'\\') => {
                at += 2;
            }
            b'\\' => at += 1,
            _ => return at + 1,
        }
    }
    text.len()
}

/// Splits a directive's arguments: words, quoted strings and raw strings between spaces.
fn arguments(line: &str, start: Position) -> Option<Vec<EmbedPattern>> {
    let line = line.replace('\r', "");
    let mut rest = line.get(PREFIX.len()..)?;
    if !rest.starts_with(char::is_whitespace) {
        return Some(Vec::new());
    }
    let mut patterns = Vec::new();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(patterns);
        }
        let position = start.after(&line.as_bytes()[..line.len() - rest.len()]);
        let (pattern, length) = if rest.starts_with(['"', '`']) {
            literal::unquote_prefix(rest)?
        } else {
            let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
            (rest[..length].to_owned(), length)
        };
        rest = &rest[length..];
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        patterns.push(EmbedPattern { pattern, position });
    }
}

#[cfg(test)]
mod tests {
    use super::embeds;

    fn found(text: &str) -> Vec<String> {
        embeds(text.as_bytes())
            .into_iter()
            .map(|embed| format!("{} {}", embed.position, embed.pattern))
            .collect()
    }

    #[test]
    fn patterns_are_split_and_unquoted() {
        assert_eq!(
            found("package a\n//go:embed a* \"b c\" `d\\e`\tall:f\r\nvar x string\n"),
            ["2:12 a*", "2:15 b c", "2:21 d\\e", "2:27 all:f"]
        );
        assert_eq!(found("\t//go:embed x"), ["1:13 x"]);
    }

    #[test]
    fn only_comments_count() {
        assert_eq!(
            found(concat!(
                "var a = \"\\\"//go:embed no\"\n",
                "var b = `\n//go:embed no\n`\n",
                "/*\n//go:embed no\n*/\n",
                "var c = '\"' //go:embed yes\n",
                "// //go:embed no\n",
                "var d = 1 / 2 //go:embed too\n",
                "var e = \"open\n//go:embed also\n",
            )),
            ["8:24 yes", "10:26 too", "12:12 also"]
        );
    }

    #[test]
    fn malformed_lines_are_left_to_the_compiler() {
        assert_eq!(
            found("//go:embed \"a\n//go:embed `b\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            found("//go:embed \"a\"b\n//go:embedded c\n"),
            Vec::<String>::new()
        );
        assert_eq!(found("//go:embed\n"), Vec::<String>::new());
    }
}

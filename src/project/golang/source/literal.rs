//! Go string literals (spec, "String literals"), as `strconv.QuotedPrefix` and `Unquote` read
//! them.

/// Splits a quoted or raw string literal off the front of `text`: its value and its length.
///
/// `None` if no well-formed literal stands there, or its value is not UTF-8.
pub(super) fn unquote_prefix(text: &str) -> Option<(String, usize)> {
    match text.as_bytes().first()? {
        b'`' => {
            let end = text[1..].find('`')?;
            // Carriage returns are dropped from raw strings.
            Some((text[1..=end].replace('\r', ""), end + 2))
        }
        b'"' => interpreted(text),
        _ => None,
    }
}

/// Returns the value of a literal that fills `text`.
pub(super) fn unquote(text: &str) -> Option<String> {
    unquote_prefix(text).and_then(|(value, length)| (length == text.len()).then_some(value))
}

fn interpreted(text: &str) -> Option<(String, usize)> {
    let mut value = Vec::new();
    let mut rest = text.get(1..)?;
    loop {
        let character = rest.chars().next()?;
        rest = &rest[character.len_utf8()..];
        match character {
            '"' => {
                let value = String::from_utf8(value).ok()?;
                return Some((value, text.len() - rest.len()));
            }
            '\n' => return None,
            '\\' => rest = escape(rest, &mut value)?,
            other => value.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
}

/// Decodes what follows a backslash and returns what follows the escape.
fn escape<'a>(text: &'a str, value: &mut Vec<u8>) -> Option<&'a str> {
    let kind = *text.as_bytes().first()?;
    let simple = match kind {
        b'a' => Some(7),
        b'b' => Some(8),
        b'f' => Some(12),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'v' => Some(11),
        b'\\' | b'"' => Some(kind),
        _ => None,
    };
    if let Some(byte) = simple {
        value.push(byte);
        return text.get(1..);
    }
    let (digits, radix, from) = match kind {
        b'x' => (2, 16, 1),
        b'u' => (4, 16, 1),
        b'U' => (8, 16, 1),
        b'0'..=b'7' => (3, 8, 0),
        _ => return None,
    };
    let number = text.get(from..from + digits)?;
    if !number.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(number, radix).ok()?;
    if matches!(kind, b'u' | b'U') {
        let character = char::from_u32(number)?;
        value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        value.push(u8::try_from(number).ok()?);
    }
    text.get(from + digits..)
}

#[cfg(test)]
mod tests {
    use super::{unquote, unquote_prefix};

    #[test]
    fn literals_are_decoded() {
        for (literal, value) in [
            (r#""a/b""#, "a/b"),
            ("`a\\b`", "a\\b"),
            ("`a\r\nb`", "a\nb"),
            (r#""\x41\102\u00e9\U0001F600\"\\""#, "AB\u{e9}\u{1f600}\"\\"),
            (r#""\xc3\xa9""#, "\u{e9}"),
            ("\"\"", ""),
        ] {
            assert_eq!(unquote(literal).as_deref(), Some(value), "{literal}");
        }
    }

    #[test]
    fn malformed_literals_are_refused() {
        for literal in [
            "",
            "a",
            "\"a",
            "`a",
            "\"a\nb\"",
            r#""\z""#,
            r#""\x4""#,
            r#""\400""#,
            r#""\ud800""#,
            r#""\'""#,
            r#""\xff""#,
            r#""\u+123""#,
            "\"a\"b",
        ] {
            assert_eq!(unquote(literal), None, "{literal}");
        }
    }

    #[test]
    fn a_prefix_ends_at_its_quote() {
        assert_eq!(unquote_prefix(r#""a" "b""#), Some(("a".to_owned(), 3)));
        assert_eq!(unquote_prefix("`a``b`"), Some(("a".to_owned(), 3)));
    }
}

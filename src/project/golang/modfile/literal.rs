//! Bare and quoted strings.

/// Returns the text that a token stands for.
///
/// Only interpreted (`"…"`) strings are quoted strings; any other quote is reserved.
pub(super) fn unquote(token: &str) -> Result<String, String> {
    if let Some(rest) = token.strip_prefix('"') {
        return rest
            .strip_suffix('"')
            .and_then(unescape)
            .ok_or_else(|| "invalid quoted string: invalid syntax".to_owned());
    }
    if token.contains(['"', '\'', '`']) {
        return Err("invalid quoted string: unquoted string cannot contain quote".to_owned());
    }
    Ok(token.to_owned())
}

/// Resolves the escapes of a Go interpreted string; `None` if one is malformed or the result
/// is not UTF-8, which no module path or folder name of ours can be.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '"' {
            return None;
        }
        if c != '\\' {
            push(&mut bytes, c);
            continue;
        }
        let escape = rest.chars().next()?;
        rest = &rest[escape.len_utf8()..];
        match escape {
            'a' => bytes.push(0x07),
            'b' => bytes.push(0x08),
            'f' => bytes.push(0x0c),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(0x0b),
            '\\' | '"' => bytes.push(escape as u8),
            'x' => bytes.push(u8::try_from(digits(&mut rest, 2, 16)?).ok()?),
            'u' => push(&mut bytes, char::from_u32(digits(&mut rest, 4, 16)?)?),
            'U' => push(&mut bytes, char::from_u32(digits(&mut rest, 8, 16)?)?),
            '0'..='7' => {
                let high = escape.to_digit(8)?;
                let value = high * 64 + digits(&mut rest, 2, 8)?;
                bytes.push(u8::try_from(value).ok()?);
            }
            _ => return None,
        }
    }
    String::from_utf8(bytes).ok()
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Takes exactly `count` digits off the front of `rest`.
fn digits(rest: &mut &str, count: usize, radix: u32) -> Option<u32> {
    let mut value: u32 = 0;
    for _ in 0..count {
        let c = rest.chars().next()?;
        value = value.checked_mul(radix)?.checked_add(c.to_digit(radix)?)?;
        *rest = &rest[c.len_utf8()..];
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        for (token, text) in [
            ("bare", "bare"),
            (r#""a b""#, "a b"),
            (r#""\x41\102\u0043\U00000044""#, "ABCD"),
            (r#""\\\"\t""#, "\\\"\t"),
        ] {
            assert_eq!(unquote(token).as_deref(), Ok(text));
        }
        for token in [
            r#""\'""#,
            r#""\x4""#,
            r#""\400""#,
            r#""\q""#,
            "`x`",
            "x'y",
            r#"""#,
        ] {
            assert!(unquote(token).is_err(), "{token}");
        }
    }
}

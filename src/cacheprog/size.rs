//! Sizes as people write them.

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size, such as 500MB, 10GB, 2GiB or 0")]
pub struct SizeError(String);

/// Reads a number of bytes, with a unit or without one: kB, MB, GB, TB are powers of 1000, KiB, MiB,
/// GiB, TiB of 1024; a single letter is the former.
///
/// # Errors
/// The text is something else.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let error = || SizeError(text.to_owned());
    let digits = text
        .trim()
        .trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.trim()[digits.len()..].to_ascii_lowercase();
    let factor: u64 = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(error()),
    };
    let number: u64 = digits.trim_end().parse().map_err(|_| error())?;
    number.checked_mul(factor).ok_or_else(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse("0"), Ok(0));
        assert_eq!(parse("10GB"), Ok(10_000_000_000));
        assert_eq!(parse("2 GiB"), Ok(2 << 30));
        assert_eq!(parse("7m"), Ok(7_000_000));
        for text in ["", "GB", "-1", "1.5GB", "1XB", "99999999999TB"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

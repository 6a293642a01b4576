//! Flags of Go's tools, as they are written in a manifest: several of them to a text, maybe.

/// Splits flags as Go's `cmd/internal/quoted` does: a word that begins with a quote ends with it.
pub fn words(flags: &[String]) -> impl Iterator<Item = &str> {
    flags.iter().flat_map(|flags| {
        let mut rest = flags.as_str();
        std::iter::from_fn(move || {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            let (word, after) = match first {
                '\'' | '"' => rest[1..].split_once(first)?,
                _ => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            rest = after;
            Some(word)
        })
    })
}

/// Returns a flag's name: `w` of `-w`, `--w` and `-w=0`; empty if the word is no flag.
#[must_use]
pub fn name(word: &str) -> &str {
    let Some(flag) = word.strip_prefix('-') else {
        return "";
    };
    let flag = flag.strip_prefix('-').unwrap_or(flag);
    flag.split_once('=').map_or(flag, |(name, _)| name)
}

/// Tells what a boolean flag says, as Go's `strconv.ParseBool` reads it.
#[must_use]
pub fn is_on(word: &str) -> bool {
    match word.split_once('=') {
        None => true,
        Some((_, value)) => ["1", "t", "T", "true", "TRUE", "True"].contains(&value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together_where_they_begin_one() {
        let flags = ["-s  -X 'a.b=c d'", "\"-w\" it's"].map(str::to_owned);
        let found: Vec<&str> = words(&flags).collect();
        assert_eq!(found, ["-s", "-X", "a.b=c d", "-w", "it's"]);
        // What is not closed is no word.
        assert_eq!(words(&["-s 'a".to_owned()]).count(), 1);
    }

    #[test]
    fn a_flag_has_a_name_and_is_on_or_off() {
        for (word, expected, on) in [
            ("-w", "w", true),
            ("--w", "w", true),
            ("-w=0", "w", false),
            ("-w=true", "w", true),
            ("w", "", true),
        ] {
            assert_eq!((name(word), is_on(word)), (expected, on), "{word}");
        }
    }
}

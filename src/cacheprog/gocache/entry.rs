//! Action files: `v1 <hex action> <hex output> <size, 20 wide> <nanoseconds since 1970, 20 wide>\n`.

use std::io::Write as _;

use crate::cacheprog::id::{ID_BYTES, Id};

const HEX: usize = 2 * ID_BYTES;
const NUMBER: usize = 20;

/// Bytes of an action file.
pub(in crate::cacheprog) const ENTRY_BYTES: usize = 3 + HEX + 1 + HEX + 1 + NUMBER + 1 + NUMBER + 1;

/// What an action produced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cacheprog) struct Entry {
    /// Hash of the output.
    pub(in crate::cacheprog) output: Id,
    /// Bytes of the output.
    pub(in crate::cacheprog) size: u64,
    /// When it was stored, in nanoseconds since 1970.
    pub(in crate::cacheprog) time: i64,
}

/// Reads an action file; `None` if it is not one of this action.
pub(in crate::cacheprog) fn parse(file: &[u8], action: &Id) -> Option<Entry> {
    if file.len() != ENTRY_BYTES || !file.starts_with(b"v1 ") || file.last() != Some(&b'\n') {
        return None;
    }
    let (own, rest) = file[3..].split_at(HEX);
    let (output, rest) = field(rest, HEX)?;
    let (size, rest) = field(rest, NUMBER)?;
    let (time, _) = field(rest, NUMBER)?;
    if Id::from_hex(own)? != *action {
        return None;
    }
    Some(Entry {
        output: Id::from_hex(output)?,
        // Go holds sizes and times as signed numbers.
        size: number(size)?.try_into().ok()?,
        time: number(time)?,
    })
}

/// Returns the bytes of an action file.
pub(in crate::cacheprog) fn format(action: &Id, entry: &Entry) -> [u8; ENTRY_BYTES] {
    let mut file = [b' '; ENTRY_BYTES];
    file[..3].copy_from_slice(b"v1 ");
    file[3..3 + HEX].copy_from_slice(&action.hex());
    file[4 + HEX..4 + 2 * HEX].copy_from_slice(&entry.output.hex());
    let numbers = &mut file[4 + 2 * HEX..];
    // Two blanks and two numbers of twenty digits are exactly what is left.
    let _ = writeln!(&mut *numbers, " {:20} {:20}", entry.size, entry.time);
    file
}

fn field(rest: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let rest = rest.strip_prefix(b" ")?;
    rest.split_at_checked(length)
}

fn number(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text.trim_ascii_start()).ok()?;
    text.parse().ok().filter(|number| *number >= 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_action_file_is_what_go_writes() {
        let action = Id([1; 32]);
        let entry = Entry {
            output: Id([0xfe; 32]),
            size: 1234,
            time: 1_753_000_000_123_456_789,
        };
        let file = format(&action, &entry);
        let expected = format!(
            "v1 {} {}                 1234  1753000000123456789\n",
            "01".repeat(32),
            "fe".repeat(32)
        );
        assert_eq!(String::from_utf8(file.to_vec()).unwrap(), expected);
        assert_eq!(parse(&file, &action), Some(entry));
        assert_eq!(parse(&file, &Id([2; 32])), None);
        assert_eq!(parse(&file[..ENTRY_BYTES - 1], &action), None);
        let negative = expected.replace("                 1234", "                -1234");
        assert_eq!(negative.len(), ENTRY_BYTES);
        assert_eq!(parse(negative.as_bytes(), &action), None);
    }

    proptest! {
        #[test]
        fn entries_survive(output: [u8; 32], size in 0..=i64::MAX, time in 0..=i64::MAX) {
            let entry = Entry { output: Id(output), size: size as u64, time };
            let action = Id::of(&output);
            prop_assert_eq!(parse(&format(&action, &entry), &action), Some(entry));
        }

        #[test]
        fn no_file_is_fatal(mut file in prop::collection::vec(any::<u8>(), ENTRY_BYTES), at in 0..ENTRY_BYTES) {
            let _ = parse(&file, &Id([0; 32]));
            let good = format(&Id([0; 32]), &Entry { output: Id([0; 32]), size: 0, time: 0 });
            let byte = file[at];
            file.copy_from_slice(&good);
            file[at] = byte;
            let _ = parse(&file, &Id([0; 32]));
        }
    }
}

//! What `go` is answered: one JSON object a line, written by hand so that a hit allocates nothing.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::cacheprog::gocache::entry::Entry;
use crate::cacheprog::id::ID_BYTES;

/// The first message: what this program can do.
pub(in crate::cacheprog) const GREETING: &[u8] =
    b"{\"ID\":0,\"KnownCommands\":[\"get\",\"put\",\"close\"]}\n";

/// Appends the answer to a `get` of an action that nobody has.
pub(in crate::cacheprog) fn miss(out: &mut Vec<u8>, id: i64) {
    start(out, id);
    out.extend_from_slice(b",\"Miss\":true}\n");
}

/// Appends the answer to a `close` or to a command that is not known.
pub(in crate::cacheprog) fn done(out: &mut Vec<u8>, id: i64) {
    start(out, id);
    out.extend_from_slice(b"}\n");
}

/// Appends the answer to a request that failed.
pub(in crate::cacheprog) fn failure(out: &mut Vec<u8>, id: i64, message: &str) {
    start(out, id);
    out.extend_from_slice(b",\"Err\":");
    let text = serde_json::Value::from(message).to_string();
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"}\n");
}

/// Appends the answer to a `put`; `path` appends the inside of a JSON string.
pub(in crate::cacheprog) fn stored(out: &mut Vec<u8>, id: i64, path: impl FnOnce(&mut Vec<u8>)) {
    start(out, id);
    out.extend_from_slice(b",\"DiskPath\":\"");
    path(out);
    out.extend_from_slice(b"\"}\n");
}

/// Appends the answer to a `get`; `path` appends the inside of a JSON string.
pub(in crate::cacheprog) fn hit(
    out: &mut Vec<u8>,
    id: i64,
    entry: &Entry,
    path: impl FnOnce(&mut Vec<u8>),
) {
    start(out, id);
    out.extend_from_slice(b",\"OutputID\":\"");
    let mut text = [0; ID_BYTES.div_ceil(3) * 4];
    // The slice has room for exactly this.
    let length = STANDARD
        .encode_slice(entry.output.0, &mut text)
        .unwrap_or(0);
    out.extend_from_slice(&text[..length]);
    out.extend_from_slice(b"\",\"Size\":");
    number(out, entry.size);
    if let Ok(time) = jiff::Timestamp::from_nanosecond(i128::from(entry.time)) {
        out.extend_from_slice(b",\"Time\":\"");
        let _ = write!(Text(out), "{time}");
        out.push(b'"');
    }
    out.extend_from_slice(b",\"DiskPath\":\"");
    path(out);
    out.extend_from_slice(b"\"}\n");
}

fn start(out: &mut Vec<u8>, id: i64) {
    out.extend_from_slice(b"{\"ID\":");
    if id < 0 {
        out.push(b'-');
    }
    number(out, id.unsigned_abs());
}

fn number(out: &mut Vec<u8>, number: u64) {
    let _ = write!(Text(out), "{number}");
}

/// Lets `write!` append to bytes; it cannot fail.
struct Text<'a>(&'a mut Vec<u8>);

impl std::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cacheprog::id::Id;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        let text = String::from_utf8(out).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        text
    }

    #[test]
    fn answers_are_what_go_decodes() {
        assert_eq!(text(|out| miss(out, 7)), "{\"ID\":7,\"Miss\":true}\n");
        assert_eq!(text(|out| done(out, -7)), "{\"ID\":-7}\n");
        assert_eq!(
            text(|out| failure(out, 1, "no \"room\"\n")),
            "{\"ID\":1,\"Err\":\"no \\\"room\\\"\\n\"}\n"
        );
        assert_eq!(
            text(|out| stored(out, 1, |out| out.extend(b"/a"))),
            "{\"ID\":1,\"DiskPath\":\"/a\"}\n"
        );
        let entry = Entry {
            output: Id([1; 32]),
            size: 12,
            time: 1_500_000_000_000_000_001,
        };
        assert_eq!(
            text(|out| hit(out, 3, &entry, |out| out.extend(b"/c/x-d"))),
            "{\"ID\":3,\"OutputID\":\"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\",\"Size\":12,\
             \"Time\":\"2017-07-14T02:40:00.000000001Z\",\"DiskPath\":\"/c/x-d\"}\n"
        );
    }
}

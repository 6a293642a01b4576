//! What `go` sends.
//!
//! Requests are read without copying: a line is parsed where the reader's buffer holds it. A line
//! has a limit; the length of a body is what its request announced, and anything else is an error.

use std::borrow::Cow;
use std::io::{self, BufRead};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::cacheprog::id::{ID_BYTES, Id};

/// Longest line of a request; Go's have about 150 bytes.
const LINE_LIMIT: u64 = 64 << 10;

/// Base64 characters that are decoded at once; a multiple of four.
const CHUNK: usize = 32 << 10;

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cacheprog) enum Request {
    /// Look an action up.
    Get {
        /// What the answer must repeat.
        id: i64,
        /// The action.
        action: Id,
    },
    /// Store an output; its body follows if `size` is not zero.
    Put {
        /// What the answer must repeat.
        id: i64,
        /// The action.
        action: Id,
        /// The hash of the body.
        output: Id,
        /// Length of the body.
        size: u64,
    },
    /// Finish.
    Close {
        /// What the answer must repeat.
        id: i64,
    },
    /// A command that was not offered.
    Other {
        /// What the answer must repeat.
        id: i64,
    },
}

/// Why what was read is no request.
#[derive(Debug, thiserror::Error)]
pub(in crate::cacheprog) enum ProtocolError {
    /// Standard input cannot be read.
    #[error("cannot read the request")]
    Read(#[from] io::Error),
    /// A line is no JSON object of a request.
    #[error("a request is malformed")]
    Json(#[from] serde_json::Error),
    /// A line is too long.
    #[error("a request is longer than {LINE_LIMIT} bytes")]
    Long,
    /// An id is missing, or has not 32 bytes.
    #[error("a request lacks {0}, or it is no hash")]
    Id(&'static str),
    /// A body has a negative length.
    #[error("a body has {0} bytes")]
    Size(i64),
    /// The body is no base64 string.
    #[error("a body is not base64")]
    Encoding,
    /// The body has not the length that was announced.
    #[error("a body has not the {0} bytes that were announced")]
    Length(u64),
}

/// Field names are Go's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire<'a> {
    #[serde(rename = "ID")]
    id: i64,
    #[serde(borrow)]
    command: Cow<'a, str>,
    #[serde(borrow, default, rename = "ActionID")]
    action: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "OutputID")]
    output: Option<Cow<'a, str>>,
    #[serde(default)]
    body_size: i64,
}

/// Reads requests.
#[derive(Debug)]
pub(in crate::cacheprog) struct Requests<R> {
    input: R,
    line: Vec<u8>,
    decoded: Vec<u8>,
}

impl<R: BufRead> Requests<R> {
    pub(in crate::cacheprog) fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::with_capacity(512),
            decoded: vec![0; CHUNK / 4 * 3],
        }
    }

    /// Returns the reader, to see what it has buffered.
    pub(in crate::cacheprog) fn input(&self) -> &R {
        &self.input
    }

    /// Reads the next request; `None` at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read, or holds something else.
    pub(in crate::cacheprog) fn next(&mut self) -> Result<Option<Request>, ProtocolError> {
        loop {
            self.line.clear();
            let mut limited = io::Read::take(&mut self.input, LINE_LIMIT);
            let read = limited.read_until(b'\n', &mut self.line)?;
            if read as u64 == LINE_LIMIT && !self.line.ends_with(b"\n") {
                return Err(ProtocolError::Long);
            }
            if read == 0 {
                return Ok(None);
            }
            if !self.line.trim_ascii().is_empty() {
                return parse(&self.line).map(Some);
            }
        }
    }

    /// Reads the body of a `put`, of `size` bytes, and passes it on in parts.
    ///
    /// # Errors
    /// The input cannot be read, or the body is not what was announced.
    pub(in crate::cacheprog) fn body(
        &mut self,
        size: u64,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), ProtocolError> {
        if size == 0 {
            return Ok(());
        }
        self.opening_quote()?;
        let mut text = Vec::with_capacity(CHUNK);
        let mut length = 0;
        loop {
            let closed = self.text(&mut text)?;
            let decoded = STANDARD
                .decode_slice(&text, &mut self.decoded)
                .map_err(|_| ProtocolError::Encoding)?;
            length += decoded as u64;
            if length > size {
                return Err(ProtocolError::Length(size));
            }
            sink(&self.decoded[..decoded]);
            if closed && length == size {
                return Ok(());
            } else if closed {
                return Err(ProtocolError::Length(size));
            }
        }
    }

    fn opening_quote(&mut self) -> Result<(), ProtocolError> {
        loop {
            let buffer = self.input.fill_buf()?;
            let blank = |byte: &u8| byte.is_ascii_whitespace();
            let skipped = buffer.iter().take_while(|byte| blank(byte)).count();
            let next = buffer.get(skipped).copied();
            let is_end = buffer.is_empty();
            self.input.consume(skipped + usize::from(next.is_some()));
            match next {
                Some(b'"') => return Ok(()),
                Some(_) => return Err(ProtocolError::Encoding),
                None if is_end => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                None => {}
            }
        }
    }

    /// Fills `text` with base64 up to the closing quote or a whole chunk; tells which.
    fn text(&mut self, text: &mut Vec<u8>) -> Result<bool, ProtocolError> {
        text.clear();
        while text.len() < CHUNK {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let part = &buffer[..buffer.len().min(CHUNK - text.len())];
            let quote = memchr::memchr(b'"', part);
            let part = &part[..quote.unwrap_or(part.len())];
            text.extend_from_slice(part);
            let used = part.len() + usize::from(quote.is_some());
            self.input.consume(used);
            if quote.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn parse(line: &[u8]) -> Result<Request, ProtocolError> {
    let wire: Wire<'_> = serde_json::from_slice(line)?;
    let id = wire.id;
    let action = || decode(wire.action.as_deref()).ok_or(ProtocolError::Id("ActionID"));
    Ok(match &*wire.command {
        "get" => Request::Get {
            id,
            action: action()?,
        },
        "put" => Request::Put {
            id,
            action: action()?,
            output: decode(wire.output.as_deref()).ok_or(ProtocolError::Id("OutputID"))?,
            size: wire
                .body_size
                .try_into()
                .map_err(|_| ProtocolError::Size(wire.body_size))?,
        },
        "close" => Request::Close { id },
        _ => Request::Other { id },
    })
}

fn decode(text: Option<&str>) -> Option<Id> {
    // Base64 decoders ask for room in whole groups.
    let mut bytes = [0; ID_BYTES + 1];
    let length = STANDARD.decode_slice(text?, &mut bytes).ok()?;
    (length == ID_BYTES).then(|| {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&bytes[..ID_BYTES]);
        Id(id)
    })
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    const ACTION: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    fn requests(text: &str) -> Requests<BufReader<&[u8]>> {
        Requests::new(BufReader::with_capacity(7, text.as_bytes()))
    }

    #[test]
    fn what_go_sends_is_read() {
        let text = format!(
            "{{\"ID\":1,\"Command\":\"get\",\"ActionID\":\"{ACTION}\"}}\n\n\
             {{\"ID\":2,\"Command\":\"put\",\"ActionID\":\"{ACTION}\",\"OutputID\":\"{ACTION}\",\
             \"ObjectID\":\"{ACTION}\",\"BodySize\":5}}\n\n\"aGVsbG8=\"\n\
             {{\"ID\":3,\"Command\":\"put2\"}}\n\n{{\"ID\":4,\"Command\":\"close\"}}\n\n"
        );
        let mut requests = requests(&text);
        let action = Id([1; 32]);
        let get = Request::Get { id: 1, action };
        assert_eq!(requests.next().unwrap(), Some(get));
        let put = Request::Put {
            id: 2,
            action,
            output: action,
            size: 5,
        };
        assert_eq!(requests.next().unwrap(), Some(put));
        let mut body = Vec::new();
        requests
            .body(5, |part| body.extend_from_slice(part))
            .unwrap();
        assert_eq!(body, b"hello");
        assert_eq!(requests.next().unwrap(), Some(Request::Other { id: 3 }));
        assert_eq!(requests.next().unwrap(), Some(Request::Close { id: 4 }));
        assert_eq!(requests.next().unwrap(), None);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (text, message) in [
            ("{", "a request is malformed"),
            ("[]\n", "a request is malformed"),
            (
                "{\"ID\":\"1\",\"Command\":\"get\"}\n",
                "a request is malformed",
            ),
            (
                "{\"ID\":1,\"Command\":\"get\"}\n",
                "a request lacks ActionID, or it is no hash",
            ),
            (
                "{\"ID\":1,\"Command\":\"get\",\"ActionID\":\"AQE=\"}\n",
                "a request lacks ActionID, or it is no hash",
            ),
        ] {
            assert_eq!(requests(text).next().unwrap_err().to_string(), message);
        }
        let long = " ".repeat(70_000);
        assert!(matches!(requests(&long).next(), Err(ProtocolError::Long)));
        let negative = format!(
            "{{\"ID\":1,\"Command\":\"put\",\"ActionID\":\"{ACTION}\",\"OutputID\":\"{ACTION}\",\"BodySize\":-1}}\n"
        );
        assert!(matches!(
            requests(&negative).next(),
            Err(ProtocolError::Size(-1))
        ));
    }

    #[test]
    fn a_body_is_exactly_what_was_announced() {
        let read = |text: &str, size| requests(text).body(size, |_| ());
        assert!(matches!(
            read("\"aGVsbG8=\"", 4),
            Err(ProtocolError::Length(4))
        ));
        assert!(matches!(
            read("\"aGVsbG8=\"", 6),
            Err(ProtocolError::Length(6))
        ));
        assert!(matches!(
            read("\"aGVsbG8\"", 5),
            Err(ProtocolError::Encoding)
        ));
        assert!(matches!(read("\"a$$$\"", 5), Err(ProtocolError::Encoding)));
        assert!(matches!(read("x", 5), Err(ProtocolError::Encoding)));
        assert!(matches!(read("\"aGVs", 5), Err(ProtocolError::Read(_))));
        assert!(matches!(read("", 5), Err(ProtocolError::Read(_))));
    }

    proptest! {
        #[test]
        fn bodies_of_any_length_are_decoded(body in prop::collection::vec(any::<u8>(), 1..100_000)) {
            let text = format!("\n\"{}\"\n", STANDARD.encode(&body));
            let mut decoded = Vec::new();
            let mut requests = Requests::new(BufReader::new(text.as_bytes()));
            requests.body(body.len() as u64, |part| decoded.extend_from_slice(part)).unwrap();
            prop_assert_eq!(decoded, body);
        }

        #[test]
        fn no_input_is_fatal(text in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut requests = Requests::new(&text[..]);
            for _ in 0..300 {
                if !matches!(requests.next(), Ok(Some(_))) {
                    break;
                }
            }
            let _ = Requests::new(&text[..]).body(9, |_| ());
        }
    }
}

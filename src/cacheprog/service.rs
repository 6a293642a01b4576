//! The loop: a request in, an answer out.

use std::io::{self, BufReader, Read};

use super::core::{Core, said};
use super::gocache::Tier;
use super::gocache::entry::Entry;
use super::id::Id;
use super::ledger::{Origin, Use};
use super::protocol::{ProtocolError, Request, Requests, response};

/// As much as a pipe may hold, so that a large body is few system calls.
const BUFFER: usize = 256 << 10;

/// Why a run ends.
#[derive(Debug)]
pub(super) enum End {
    /// `go` asked for it with the request of this number, and waits for the answer.
    Close(i64),
    /// `go` has gone without a word.
    Gone,
}

/// Answers requests until the end.
///
/// Answers are sent together as long as the next request is here already.
///
/// # Errors
/// What is read is not the protocol.
pub(super) fn serve(core: &Core, input: impl Read) -> Result<End, ProtocolError> {
    let mut requests = Requests::new(BufReader::with_capacity(BUFFER, input));
    let mut answers = Vec::with_capacity(8 << 10);
    answers.extend_from_slice(response::GREETING);
    loop {
        if !has_line(requests.input().buffer()) && !answers.is_empty() {
            if core.send(&answers).is_err() {
                return Ok(End::Gone);
            }
            answers.clear();
        }
        match requests.next()? {
            None => return Ok(End::Gone),
            Some(Request::Get { id, action }) => core.get(id, action, &mut answers),
            Some(Request::Put {
                id,
                action,
                output,
                size,
            }) => {
                let stored = put(core, &mut requests, action, output, size)?;
                match stored {
                    Ok(()) => {
                        response::stored(&mut answers, id, |out| core.local.quote(&output, out));
                    }
                    Err(error) => {
                        core.not_stored(&error);
                        response::failure(&mut answers, id, &said(&error));
                    }
                }
            }
            Some(Request::Close { id }) => {
                // Answers that are still due go first.
                let sent = core.send(&answers);
                return Ok(sent.map_or(End::Gone, |()| End::Close(id)));
            }
            Some(Request::Other { id }) => {
                response::failure(&mut answers, id, "the command is not known");
            }
        }
    }
}

/// Stores an output. The body is read to its end whatever happens.
fn put(
    core: &Core,
    requests: &mut Requests<impl io::BufRead>,
    action: Id,
    output: Id,
    size: u64,
) -> Result<io::Result<()>, ProtocolError> {
    let mut draft = match core.local.draft(output, size) {
        Ok(draft) => draft,
        Err(error) => {
            requests.body(size, |_| ())?;
            return Ok(Err(error));
        }
    };
    requests.body(size, |part| draft.write(part))?;
    let time = Tier::time();
    let entry = Entry { output, size, time };
    let stored = draft
        .finish()
        .and_then(|()| core.local.record(&action, &entry));
    if stored.is_ok() {
        let origin = Origin::Put;
        core.ledger().note(Use {
            action,
            entry,
            origin,
        });
    }
    Ok(stored)
}

/// Tells whether a whole request is buffered. Blank lines follow requests.
fn has_line(buffer: &[u8]) -> bool {
    memchr::memchr(b'\n', buffer.trim_ascii_start()).is_some()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Runs requests on a folder; returns the end and the answers.
    fn run(folder: &std::path::Path, input: &str) -> (Result<End, ProtocolError>, Vec<Value>) {
        let sink = Sink::default();
        let core = Core::open(folder, &[], false, Box::new(sink.clone()), |_| ()).unwrap();
        let end = serve(&core, input.as_bytes());
        let answers = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let answers = answers.lines().map(serde_json::from_str);
        (end, answers.map(Result::unwrap).collect())
    }

    fn get(id: u8, action: &str) -> String {
        format!("{{\"ID\":{id},\"Command\":\"get\",\"ActionID\":\"{action}\"}}\n\n")
    }

    fn put(id: u8, action: &str, output: &str, body: &[u8]) -> String {
        let size = body.len();
        let body = STANDARD.encode(body);
        format!(
            "{{\"ID\":{id},\"Command\":\"put\",\"ActionID\":\"{action}\",\
             \"OutputID\":\"{output}\",\"BodySize\":{size}}}\n\n\"{body}\"\n"
        )
    }

    #[test]
    fn what_was_put_is_got() {
        let root = tempfile::tempdir().unwrap();
        let body = vec![42; 1_000_000];
        let (action, output) = (STANDARD.encode([5; 32]), STANDARD.encode(Id::of(&body).0));
        let input = [
            get(1, &action),
            put(2, &action, &output, &body),
            get(3, &action),
            put(4, &action, &output, b"something else"),
            "{\"ID\":5,\"Command\":\"fly\"}\n\n".to_owned(),
            "{\"ID\":6,\"Command\":\"close\"}\n\n".to_owned(),
        ];
        let (end, answers) = run(root.path(), &input.concat());
        assert!(matches!(end, Ok(End::Close(6))), "{end:?}");
        assert_eq!(answers[0]["KnownCommands"][2], "close");
        assert_eq!(answers[1]["Miss"], true);
        let path = answers[2]["DiskPath"].as_str().unwrap();
        assert_eq!(std::fs::read(path).unwrap(), body);
        assert_eq!(answers[3]["DiskPath"], path);
        assert_eq!(answers[3]["OutputID"], output);
        assert_eq!(answers[3]["Size"], 1_000_000);
        assert_eq!(answers[4]["Err"], "the body is not what its id says");
        assert_eq!(answers[5]["Err"], "the command is not known");
        assert_eq!(answers.len(), 6);
        // A second run finds it too.
        let (end, answers) = run(root.path(), &get(1, &action));
        assert!(matches!(end, Ok(End::Gone)));
        assert_eq!(answers[1]["DiskPath"], path);
    }

    #[test]
    fn what_is_not_the_protocol_ends_the_run() {
        let root = tempfile::tempdir().unwrap();
        let (end, answers) = run(root.path(), "GET / HTTP/1.1\n");
        assert!(matches!(end, Err(ProtocolError::Json(_))));
        assert_eq!(answers.len(), 1);
    }

    #[test]
    fn a_full_or_broken_folder_fails_puts_alone() {
        let root = tempfile::tempdir().unwrap();
        let (action, output) = (STANDARD.encode([5; 32]), STANDARD.encode(Id::of(b"x").0));
        let folder = root.path().join(&Id::of(b"x").to_string()[..2]);
        std::fs::write(folder, b"no folder").unwrap();
        let input = put(1, &action, &output, b"x") + &get(2, &action);
        let (_, answers) = run(root.path(), &input);
        assert!(answers[1]["Err"].is_string(), "{answers:?}");
        assert_eq!(answers[2]["Miss"], true);
    }
}

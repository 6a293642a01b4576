//! The output of one vertex: raw chunks in, whole printable lines out.
//!
//! Invariants: a chunk that a second solve repeats is dropped; a line holds no escape sequence and
//! no control character but tabs, so it can be written to a terminal; what is kept is bounded.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::event::{Log, STDERR};

/// Bytes of output kept per vertex.
const KEPT: usize = 1 << 20;
/// A line without an end is cut here.
const LONGEST_LINE: usize = 64 << 10;

/// A line of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// [`STDOUT`](super::event::STDOUT) or [`STDERR`].
    pub stream: i64,
    /// The text without its line end.
    pub text: String,
    /// When its end was written.
    pub timestamp: Timestamp,
}

/// What a vertex wrote so far.
#[derive(Debug, Default)]
pub(super) struct Output {
    seen: HashSet<u64>,
    partial: Vec<Partial>,
    lines: VecDeque<Line>,
    kept: usize,
    dropped: usize,
}

/// The unfinished last line of a stream.
#[derive(Debug)]
struct Partial {
    stream: i64,
    bytes: Vec<u8>,
    timestamp: Timestamp,
}

impl Output {
    /// Takes a chunk in and returns the lines it completes.
    pub(super) fn push(&mut self, log: &Log) -> Vec<Line> {
        let mut hasher = DefaultHasher::new();
        (log.timestamp, log.stream, &log.data).hash(&mut hasher);
        if !self.seen.insert(hasher.finish()) {
            return Vec::new();
        }
        let partial = self.partial(log.stream);
        partial.timestamp = log.timestamp;
        let mut complete = Vec::new();
        for piece in log.data.split_inclusive(|&byte| byte == b'\n') {
            partial.bytes.extend_from_slice(piece);
            if piece.ends_with(b"\n") || partial.bytes.len() >= LONGEST_LINE {
                complete.push(partial.take());
            }
        }
        for line in &complete {
            self.keep(line.clone());
        }
        complete
    }

    /// Ends the lines that were left open, as when the process has ended.
    pub(super) fn flush(&mut self) -> Vec<Line> {
        let complete: Vec<Line> = self
            .partial
            .iter_mut()
            .filter(|partial| !partial.bytes.is_empty())
            .map(Partial::take)
            .collect();
        for line in &complete {
            self.keep(line.clone());
        }
        complete
    }

    /// Returns the lines of standard error, or of standard output if there are none.
    pub(super) fn failure(&self) -> Vec<String> {
        let of = |errors: bool| -> Vec<String> {
            self.lines
                .iter()
                .filter(|line| (line.stream == STDERR) == errors)
                .map(|line| line.text.clone())
                .collect()
        };
        let mut lines = of(true);
        if lines.is_empty() {
            lines = of(false);
        }
        if self.dropped > 0 {
            lines.insert(0, format!("[{} earlier lines left out]", self.dropped));
        }
        lines
    }

    fn partial(&mut self, stream: i64) -> &mut Partial {
        let index = self.partial.iter().position(|p| p.stream == stream);
        let index = index.unwrap_or_else(|| {
            self.partial.push(Partial {
                stream,
                bytes: Vec::new(),
                timestamp: Timestamp::UNIX_EPOCH,
            });
            self.partial.len() - 1
        });
        &mut self.partial[index]
    }

    fn keep(&mut self, line: Line) {
        self.kept += line.text.len();
        self.lines.push_back(line);
        while self.kept > KEPT {
            let Some(oldest) = self.lines.pop_front() else {
                break;
            };
            self.kept -= oldest.text.len();
            self.dropped += 1;
        }
    }
}

impl Partial {
    fn take(&mut self) -> Line {
        let bytes = std::mem::take(&mut self.bytes);
        Line {
            stream: self.stream,
            text: printable(&last_overwrite(&String::from_utf8_lossy(&bytes))),
            timestamp: self.timestamp,
        }
    }
}

/// Returns what a terminal would show of a line that returns its carriage.
fn last_overwrite(line: &str) -> String {
    let line = line.trim_end_matches(['\n', '\r']);
    line.rsplit('\r').next().unwrap_or_default().to_owned()
}

/// Removes escape sequences and control characters other than tabs.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\u{1b}' => match rest.next() {
                // CSI: parameters up to a final byte.
                Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
                // OSC, DCS, PM and APC: text up to BEL or ST.
                Some(']' | 'P' | '^' | '_') => {
                    while let Some(c) = rest.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && rest.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                _ => {}
            },
            '\t' => shown.push('\t'),
            c if c.is_control() => {}
            c => shown.push(c),
        }
    }
    shown
}

/// Returns a text of the daemon's with each of its lines printable.
pub(super) fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().split('\n').map(printable).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::event::STDOUT;

    fn chunk(second: i64, stream: i64, text: &str) -> Log {
        Log {
            vertex: "sha256:a".to_owned(),
            stream,
            data: text.as_bytes().to_vec(),
            timestamp: Timestamp::from_second(second).unwrap(),
        }
    }

    fn texts(lines: &[Line]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn chunks_become_lines_per_stream() {
        let mut output = Output::default();
        assert_eq!(texts(&output.push(&chunk(1, STDERR, "# exam"))), [""; 0]);
        assert_eq!(texts(&output.push(&chunk(2, STDOUT, "a\nb"))), ["a"]);
        let lines = output.push(&chunk(3, STDERR, "ple\n./x.go:1:2: bad\r\n"));
        assert_eq!(texts(&lines), ["# example", "./x.go:1:2: bad"]);
        assert_eq!(texts(&output.flush()), ["b"]);
        assert_eq!(output.flush(), []);
        assert_eq!(output.failure(), ["# example", "./x.go:1:2: bad"]);
    }

    #[test]
    fn a_chunk_of_a_second_solve_counts_once() {
        let mut output = Output::default();
        assert_eq!(output.push(&chunk(1, STDERR, "once\n")).len(), 1);
        assert_eq!(output.push(&chunk(2, STDERR, "once\n")).len(), 1);
        assert_eq!(output.push(&chunk(1, STDERR, "once\n")).len(), 0);
    }

    #[test]
    fn standard_output_explains_a_failure_without_standard_error() {
        let mut output = Output::default();
        output.push(&chunk(1, STDOUT, "no space left\n"));
        assert_eq!(output.failure(), ["no space left"]);
    }

    #[test]
    fn terminals_are_not_controlled_by_output() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\tx\u{7}"), "red\tx");
        assert_eq!(printable("\u{1b}]0;title\u{7}a\u{1b}]8;;u\u{1b}\\b"), "ab");
        assert_eq!(last_overwrite("10%\r20%\r\n"), "20%");
        assert_eq!(printable_lines("\u{1b}[2Ja\r\n\u{7}b\n"), "a\nb");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut output = Output::default();
        for second in 0..40 {
            output.push(&chunk(second, STDERR, &"x".repeat(LONGEST_LINE)));
        }
        let failure = output.failure();
        assert_eq!(failure.len(), 1 + KEPT / LONGEST_LINE);
        assert_eq!(failure[0], "[24 earlier lines left out]");
    }
}

//! The only writer to the terminal: data goes to standard output, all else to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use super::annotations::Annotations;
use crate::error::{Error, Kind};

/// Standard output and standard error.
#[derive(Debug)]
pub(super) struct Output {
    /// Who shows errors beside the source, if anybody does.
    annotations: Option<Annotations>,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            annotations: Annotations::wanted(),
        }
    }

    /// Writes data.
    pub(super) fn data(&self, bytes: &[u8]) -> Result<(), Error> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // Whoever read it has read enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(Error::new(
                Kind::Other,
                format!("cannot write to standard output: {error}"),
            )),
            Ok(()) => Ok(()),
        }
    }

    /// Writes a line of data.
    pub(super) fn line(&self, text: &str) -> Result<(), Error> {
        self.data(format!("{text}\n").as_bytes())
    }

    /// Writes a line for people.
    pub(super) fn note(&self, text: &str) {
        // If standard error is closed there is nobody to tell.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Writes a line that may ask for something to be done.
    pub(super) fn warn(&self, warning: &str) {
        self.note(&format!("warning: {warning}"));
    }

    /// Writes a line for people while a stage is at work.
    pub(super) fn say(text: &str) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Writes an error.
    pub(super) fn error(&self, error: &Error) {
        let _ = write!(io::stderr().lock(), "{}", error.render());
        self.annotate(|annotations| annotations.of_error(error));
    }

    /// Writes annotations where they are wanted.
    pub(super) fn annotate(&self, lines: impl FnOnce(&Annotations) -> String) {
        if let Some(annotations) = &self.annotations {
            let _ = write!(io::stderr().lock(), "{}", lines(annotations));
        }
    }

    /// Tells whether standard output is a terminal, which bytes must not be poured into.
    pub(super) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}

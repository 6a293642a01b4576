//! What every renderer does: events and the changes they made in, bytes for one writer out.
//!
//! A renderer owns no writer and no clock; it appends to a buffer that the
//! [display](super::display) writes in one go.

use std::io;
use std::time::Duration;

use serde::Serialize;

use super::event::Event;
use super::state::{Change, State};
use super::summary::Summary;

/// Columns and rows of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// When a frame is drawn, and how large it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// Time since the display started.
    pub(super) now: Duration,
    /// Size of the terminal.
    pub(super) size: Size,
}

/// A way to show a build.
pub(super) trait Render: Send {
    /// Shows an event, already applied to `state`.
    fn event(&mut self, event: &Event, changes: &[Change], state: &State, out: &mut Frame);

    /// Reports whether something is to be shown although nothing happens.
    fn needs_tick(&self) -> bool {
        false
    }

    /// Shows that time has passed.
    fn tick(&mut self, _state: &State, _moment: Moment, _out: &mut Frame) {}

    /// Shows how the build ended.
    fn finish(&mut self, _state: &State, _summary: &Summary, _moment: Moment, _out: &mut Frame) {}

    /// Leaves the terminal usable when the build was abandoned.
    fn restore(&mut self, _out: &mut Frame) {}
}

/// Bytes to be written at once, or the first error met while composing them.
#[derive(Debug, Default)]
pub(super) struct Frame {
    bytes: Vec<u8>,
    error: Option<serde_json::Error>,
}

impl Frame {
    /// Appends text.
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends a line and its end.
    pub(super) fn line(&mut self, text: &str) {
        self.push(text);
        self.push("\n");
    }

    /// Appends a value as one line of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(json) => self.line(&json),
            Err(error) => self.error = self.error.take().or(Some(error)),
        }
    }

    /// Returns what was appended and starts anew.
    ///
    /// # Errors
    ///
    /// If a value had no JSON form.
    pub(super) fn take(&mut self) -> io::Result<Vec<u8>> {
        match self.error.take() {
            Some(error) => Err(error.into()),
            None => Ok(std::mem::take(&mut self.bytes)),
        }
    }
}

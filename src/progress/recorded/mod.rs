//! Streams recorded from a daemon, and a way to play them without a clock or a terminal.
//!
//! The build: two commands for two platforms, compiled from two local directories and merged. The
//! streams are the lines of `buildctl build --progress=rawjson`, with most transfer updates left
//! out.

use std::time::Duration;

use super::display::Show;
use super::event::{Event, SolveStatus};
use super::render::{Moment, Render, Size};
use super::state::State;
use super::summary::Outcome;

/// Everything was compiled.
pub(super) const BUILT: &str = include_str!("built.jsonl");
/// Everything was cached.
pub(super) const CACHED: &str = include_str!("cached.jsonl");
/// One of the commands does not compile.
pub(super) const FAILED: &str = include_str!("failed.jsonl");

/// Returns the events of a recorded stream.
pub(super) fn events(stream: &str) -> Vec<Event> {
    stream
        .lines()
        .map(|line| solve("a", serde_json::from_str(line).unwrap()))
        .collect()
}

/// Returns the event of a message of the solve `reference`.
pub(super) fn solve(reference: &str, status: SolveStatus) -> Event {
    Event::Solve {
        reference: reference.to_owned(),
        status,
    }
}

/// Returns the event of a message of the solve `a`, given as JSON.
pub(super) fn message(json: serde_json::Value) -> Event {
    solve("a", serde_json::from_value(json).unwrap())
}

/// A renderer whose clock and terminal are the test's.
pub(super) struct Replay {
    show: Show,
    written: Vec<u8>,
    pub(super) moment: Moment,
}

impl Replay {
    pub(super) fn new(renderer: Box<dyn Render>) -> Self {
        Self {
            show: Show::new(renderer),
            written: Vec::new(),
            moment: Moment {
                now: Duration::ZERO,
                size: Size {
                    columns: 60,
                    rows: 12,
                },
            },
        }
    }

    pub(super) fn state(&self) -> &State {
        &self.show.state
    }

    pub(super) fn event(&mut self, event: &Event) {
        self.show.event(event, self.moment.now);
        self.written.extend(self.show.frame.take().unwrap());
    }

    /// Lets time pass and a frame be drawn.
    pub(super) fn advance(&mut self, time: Duration) {
        self.moment.now += time;
        self.show.tick(self.moment);
        self.written.extend(self.show.frame.take().unwrap());
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.show.finish(outcome, self.moment);
        self.written.extend(self.show.frame.take().unwrap());
    }

    /// Returns what was written since the last call.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.written)
    }

    /// Returns what was written since the last call as text.
    pub(super) fn written(&mut self) -> String {
        String::from_utf8(self.take()).unwrap()
    }
}

//! How a build ended, in one line and a line per image.

use std::time::Duration;

use super::event::{ImageDone, Made};
use super::format;
use super::state::{Counts, State};

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that was asked for was done.
    Success,
    /// Something failed.
    Failure,
    /// The user stopped it.
    Canceled,
}

/// What the closing lines say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub outcome: Outcome,
    /// Steps by where they stand.
    pub counts: Counts,
    /// Finished images in order.
    pub images: Vec<ImageDone>,
    /// Wall-clock time since the display started.
    pub elapsed: Duration,
}

impl Summary {
    /// Sums up a build.
    #[must_use]
    pub fn new(state: &State, outcome: Outcome, elapsed: Duration) -> Self {
        Self {
            outcome,
            counts: state.counts(),
            images: state.images().to_vec(),
            elapsed,
        }
    }

    /// Returns the closing lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.images.iter().map(image_line).collect();
        lines.push(self.closing_line());
        lines
    }

    fn closing_line(&self) -> String {
        let verdict = match self.outcome {
            Outcome::Success => "done",
            Outcome::Failure => "failed",
            Outcome::Canceled => "cancelled",
        };
        let counts = [
            (self.counts.built, "built"),
            (self.counts.cached, "cached"),
            (self.counts.failed, "failed"),
            (self.counts.canceled, "cancelled"),
        ];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|&(count, _)| count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let elapsed = format::duration(self.elapsed);
        if counts.is_empty() {
            format!("{verdict} in {elapsed}")
        } else {
            format!("{verdict} in {elapsed}: {}", counts.join(", "))
        }
    }
}

/// Says what became of an image, with its full digest to copy.
pub(super) fn image_line(image: &ImageDone) -> String {
    let verb = match image.made {
        Made::Built => "built",
        Made::Pushed => "pushed",
        Made::Unchanged => "unchanged",
    };
    if image.name.is_empty() {
        format!("{verb} {}", image.digest)
    } else {
        format!("{verb} {}@{}", image.name, image.digest)
    }
}

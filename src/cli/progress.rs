//! The progress display of a command.

use std::io::{self, IsTerminal as _};

use clap::Args;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::failure::Failure;
use super::rendering::{self, FailedStep};
use crate::buildkit::error::ErrorKind;
use crate::error::{Error, Kind};
use crate::pipeline::outcome::Outcome as Built;
use crate::progress::event::{Event, ImageDone, Level, Message};
use crate::progress::golog::{Mapping, rewrite_go_paths};
use crate::progress::{Events, Mode, Outcome, Progress, State, Terminal};

/// How many events may wait for the display before the daemon's stream does.
const WAITING: usize = 256;

/// How progress is shown
#[derive(Debug, Args)]
pub(super) struct ProgressArgs {
    /// How progress is shown: auto, plain, tty, rawjson or quiet
    #[arg(
        long,
        value_name = "MODE",
        default_value = "auto",
        env = "BUILDKIT_PROGRESS"
    )]
    progress: Mode,
    /// Show no progress
    #[arg(short, long, conflicts_with = "progress")]
    quiet: bool,
}

/// A running display.
#[derive(Debug)]
pub(super) struct Display {
    progress: Progress,
    events: Events,
    sender: mpsc::Sender<Event>,
    forwarding: JoinHandle<()>,
    /// Whether what steps print stays on the screen.
    streamed: bool,
}

impl ProgressArgs {
    /// Starts the display on standard error.
    pub(super) fn start(&self) -> Result<Display, Error> {
        let color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let mode = if self.quiet {
            Mode::Quiet
        } else {
            self.progress
        };
        let progress = Progress::start(mode, Box::new(io::stderr()), Terminal::stderr(color));
        let progress = progress.map_err(|error| {
            Error::new(
                Kind::Other,
                format!("cannot start the progress display: {error}"),
            )
        })?;
        let (sender, received) = mpsc::channel(WAITING);
        let events = progress.events();
        let forwarding = tokio::spawn(events.clone().forward(received));
        let streamed = match mode {
            Mode::Plain => true,
            Mode::Auto => !io::stderr().is_terminal(),
            Mode::Tty | Mode::RawJson | Mode::Quiet => false,
        };
        Ok(Display {
            progress,
            events,
            sender,
            forwarding,
            streamed,
        })
    }
}

impl Display {
    /// Returns where the daemon's events go.
    pub(super) fn events(&self) -> mpsc::Sender<Event> {
        self.sender.clone()
    }

    /// Shows a line.
    pub(super) fn say(&self, text: String) {
        self.message(Level::Info, text);
    }

    /// Shows a line that may ask for something to be done.
    pub(super) fn warn(&self, text: String) {
        self.message(Level::Warning, text);
    }

    fn message(&self, level: Level, text: String) {
        let timestamp = Timestamp::now();
        self.events.send(Event::Message(Message {
            level,
            text,
            timestamp,
        }));
    }

    /// Shows what is left and how the build ended; returns the error with what the display knows
    /// about the step that failed.
    pub(super) async fn finish(
        self,
        built: Result<Vec<Built>, Failure>,
    ) -> Result<Vec<Built>, Error> {
        drop(self.sender);
        // The task ends with the last sender; it cannot fail.
        let _ = self.forwarding.await;
        let outcome = match &built {
            Ok(built) => {
                for image in built.iter().flat_map(done) {
                    self.events.send(image);
                }
                Outcome::Success
            }
            Err(failure) if failure.is_cancellation() => Outcome::Canceled,
            Err(_) => Outcome::Failure,
        };
        let finished = self.progress.finish(outcome);
        built.map_err(|failure| match failure {
            Failure::Rendered(error) => error,
            Failure::Run { error, paths } => {
                let vertex = error
                    .wire()
                    .and_then(|error| error.daemon()?.details.vertex.clone());
                // Old daemons do not say which it was.
                let vertex = vertex.or_else(|| {
                    let kind = error.wire()?.kind();
                    let is_step = matches!(kind, ErrorKind::Exec { .. });
                    let failed = finished.state.failures().next().map(str::to_owned);
                    failed.filter(|_| is_step)
                });
                let failed =
                    vertex.and_then(|vertex| failed_step(&finished.state, &vertex, &paths));
                rendering::run(&error, failed, self.streamed)
            }
        })
    }
}

/// Returns a failed step's name and what it printed.
fn failed_step(state: &State, vertex: &str, paths: &Mapping) -> Option<FailedStep> {
    let step = state
        .shown()
        .find(|step| step.failures().any(|digest| digest == vertex))?;
    let lines = state.failure_log(vertex)?;
    Some(FailedStep {
        name: step.name.clone(),
        lines: rewrite_go_paths(&lines, paths),
    })
}

/// Returns the events of a finished image, one per name.
fn done(built: &Built) -> Vec<Event> {
    let Some(digest) = &built.digest else {
        return Vec::new();
    };
    let image = |name: &String| {
        Event::ImageDone(ImageDone {
            name: name.clone(),
            digest: digest.clone(),
            made: built.made,
            timestamp: Timestamp::now(),
        })
    };
    built.references.iter().map(image).collect()
}

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
    /// How progress is shown: auto, plain, tty, rawjson or quiet [env: BUILDKIT_PROGRESS] [default:
    /// auto]
    #[arg(long, value_name = "MODE")]
    progress: Option<Mode>,
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
        let mode = self.mode(std::env::var("BUILDKIT_PROGRESS").ok().as_deref())?;
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

    /// Returns how progress is shown; `variable` chooses where no flag does, and an empty one does
    /// not, either.
    fn mode(&self, variable: Option<&str>) -> Result<Mode, Error> {
        match self.progress {
            _ if self.quiet => Ok(Mode::Quiet),
            Some(mode) => Ok(mode),
            None => {
                let mode = variable.unwrap_or_default().parse::<Mode>();
                mode.map_err(|error| {
                    Error::of(Kind::Usage, &error).under("BUILDKIT_PROGRESS cannot be used")
                })
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_chooses_where_no_flag_does() {
        let mode = |progress, quiet, variable| {
            let args = ProgressArgs { progress, quiet };
            args.mode(variable)
        };
        let chosen = |progress, quiet, variable| mode(progress, quiet, variable).unwrap();
        assert_eq!(chosen(None, false, None), Mode::Auto);
        assert_eq!(chosen(None, false, Some("")), Mode::Auto);
        assert_eq!(chosen(None, false, Some("plain")), Mode::Plain);
        assert_eq!(chosen(None, true, Some("plain")), Mode::Quiet);
        assert_eq!(chosen(Some(Mode::Tty), false, Some("fancy")), Mode::Tty);
        let error = mode(None, false, Some("fancy")).unwrap_err();
        assert_eq!(error.kind, Kind::Usage);
        assert!(error.render().contains("BUILDKIT_PROGRESS"));
    }
}

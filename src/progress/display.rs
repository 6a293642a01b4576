//! Runs a renderer while a build sends events.
//!
//! The display has a thread of its own rather than a task: dropping [`Progress`], as a panic or an
//! interrupted build does, can then wait until the terminal is restored. Each wake-up writes once.
//! A signal that ends the process at once is for the caller to catch.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that renders beside the build"
)]

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::event::Event;
use super::mode::{Mode, Terminal};
use super::render::{Frame, Moment, Render};
use super::state::State;
use super::summary::{Outcome, Summary};

/// Time between two frames.
const TICK: Duration = Duration::from_millis(100);

/// A display that is running.
///
/// It ends with [`Progress::finish`]. Dropped without, it restores the terminal and says nothing.
#[derive(Debug)]
pub struct Progress {
    inputs: Sender<Input>,
    thread: Option<JoinHandle<Finished>>,
}

/// Takes events to a display from anywhere; cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    inputs: Sender<Input>,
}

/// What a display leaves behind.
#[derive(Debug, Default)]
pub struct Finished {
    /// Everything it was told.
    pub state: State,
    /// Why it could not show everything, e.g. a closed pipe.
    pub error: Option<io::Error>,
}

#[derive(Debug)]
enum Input {
    Event(Event),
    Finish(Outcome),
    Abandon,
}

impl Progress {
    /// Starts a display that writes to `writer`.
    ///
    /// # Errors
    ///
    /// If no thread can be started.
    pub fn start(
        mode: Mode,
        writer: Box<dyn Write + Send>,
        terminal: Terminal,
    ) -> io::Result<Self> {
        let (inputs, received) = mpsc::channel();
        let show = Show::new(mode.renderer(&terminal));
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || Stage::new(show, writer, terminal).run(&received))?;
        Ok(Self {
            inputs,
            thread: Some(thread),
        })
    }

    /// Returns a way to send events.
    #[must_use]
    pub fn events(&self) -> Events {
        Events {
            inputs: self.inputs.clone(),
        }
    }

    /// Shows what is still to be shown and the closing lines, and ends the display.
    #[must_use]
    pub fn finish(mut self, outcome: Outcome) -> Finished {
        self.end(Input::Finish(outcome)).unwrap_or_default()
    }

    fn end(&mut self, input: Input) -> Option<Finished> {
        let thread = self.thread.take()?;
        // A thread that is gone has nothing left to do; joining it tells why.
        self.inputs.send(input).ok();
        match thread.join() {
            Ok(finished) => Some(finished),
            Err(_) if thread::panicking() => None,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end(Input::Abandon);
    }
}

impl Events {
    /// Sends an event; after the display has ended, nobody is left to see it.
    pub fn send(&self, event: Event) {
        self.inputs.send(Input::Event(event)).ok();
    }

    /// Sends what a channel receives until its senders are gone.
    ///
    /// Await it before [`Progress::finish`], or the last events come too late.
    pub async fn forward(self, mut received: tokio::sync::mpsc::Receiver<Event>) {
        while let Some(event) = received.recv().await {
            self.send(event);
        }
    }
}

/// A state and its renderer.
pub(super) struct Show {
    pub(super) state: State,
    renderer: Box<dyn Render>,
    pub(super) frame: Frame,
}

impl Show {
    pub(super) fn new(renderer: Box<dyn Render>) -> Self {
        Self {
            state: State::default(),
            renderer,
            frame: Frame::default(),
        }
    }

    pub(super) fn event(&mut self, event: &Event, at: Duration) {
        let changes = self.state.apply(event, at);
        self.renderer
            .event(event, &changes, &self.state, &mut self.frame);
    }

    pub(super) fn tick(&mut self, moment: Moment) {
        self.renderer.tick(&self.state, moment, &mut self.frame);
    }

    pub(super) fn restore(&mut self) {
        self.renderer.restore(&mut self.frame);
    }

    pub(super) fn finish(&mut self, outcome: Outcome, moment: Moment) {
        let summary = Summary::new(&self.state, outcome, moment.now);
        self.renderer
            .finish(&self.state, &summary, moment, &mut self.frame);
    }
}

/// A show on a real terminal, in real time.
struct Stage {
    show: Show,
    writer: Box<dyn Write + Send>,
    terminal: Terminal,
    start: Instant,
    next_tick: Duration,
    error: Option<io::Error>,
}

impl Stage {
    fn new(show: Show, writer: Box<dyn Write + Send>, terminal: Terminal) -> Self {
        Self {
            show,
            writer,
            terminal,
            start: Instant::now(),
            next_tick: Duration::ZERO,
            error: None,
        }
    }

    fn run(mut self, inputs: &Receiver<Input>) -> Finished {
        loop {
            match self.wait(inputs) {
                Some(Input::Event(event)) => self.show.event(&event, self.start.elapsed()),
                Some(Input::Finish(outcome)) => {
                    self.show.finish(outcome, self.moment());
                    break;
                }
                Some(Input::Abandon) => break,
                None => {}
            }
            let moment = self.moment();
            if moment.now >= self.next_tick {
                self.show.tick(moment);
                self.next_tick = moment.now + TICK;
            }
            self.flush();
        }
        self.show.restore();
        self.flush();
        Finished {
            state: std::mem::take(&mut self.show.state),
            error: self.error.take(),
        }
    }

    /// Returns the next input, or none when it is time for a frame.
    fn wait(&self, inputs: &Receiver<Input>) -> Option<Input> {
        let received = if self.show.renderer.needs_tick() {
            inputs.recv_timeout(self.next_tick.saturating_sub(self.start.elapsed()))
        } else {
            inputs.recv().map_err(RecvTimeoutError::from)
        };
        match received {
            Ok(input) => Some(input),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Input::Abandon),
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            now: self.start.elapsed(),
            size: self.terminal.size(),
        }
    }

    /// Writes the frame; after the first failure nothing more is written.
    fn flush(&mut self) {
        if self.error.is_some() {
            return;
        }
        let written = self.show.frame.take().and_then(|bytes| {
            if bytes.is_empty() {
                return Ok(());
            }
            self.writer.write_all(&bytes)?;
            self.writer.flush()
        });
        self.error = written.err();
    }
}

impl Drop for Stage {
    /// Shows the cursor again even if a renderer panicked.
    fn drop(&mut self) {
        self.show.restore();
        self.flush();
    }
}

#[cfg(test)]
mod tests;

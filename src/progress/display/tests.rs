use std::sync::{Arc, Mutex};

use super::*;
use crate::progress::recorded;
use crate::progress::render::Size;

/// A writer that keeps what is written, and refuses more once it is closed.
#[derive(Clone, Default)]
struct Kept {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: bool,
}

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn start(mode: Mode, kept: &Kept) -> Progress {
    let size = Size {
        columns: 80,
        rows: 24,
    };
    let terminal = Terminal::new(true, false, Box::new(move || Some(size)));
    Progress::start(mode, Box::new(kept.clone()), terminal).unwrap()
}

fn send(progress: &Progress, stream: &str) {
    let events = progress.events();
    for event in recorded::events(stream) {
        events.send(event);
    }
}

#[test]
fn everything_sent_before_the_end_is_shown() {
    let kept = Kept::default();
    let progress = start(Mode::Plain, &kept);
    send(&progress, recorded::BUILT);
    let finished = progress.finish(Outcome::Success);
    assert!(finished.error.is_none());
    assert_eq!(
        finished.state.counts().completed(),
        finished.state.counts().total
    );
    let text = kept.text();
    assert!(text.contains(" assemble image\n"), "{text}");
    assert!(
        text.lines().last().unwrap().starts_with("done in "),
        "{text}"
    );
}

#[tokio::test]
async fn a_channel_is_forwarded_to_its_end() {
    let progress = start(Mode::Quiet, &Kept::default());
    let (sender, received) = tokio::sync::mpsc::channel(1);
    let forwarding = tokio::spawn(progress.events().forward(received));
    for event in recorded::events(recorded::BUILT) {
        sender.send(event).await.unwrap();
    }
    drop(sender);
    forwarding.await.unwrap();
    let finished = progress.finish(Outcome::Success);
    assert_eq!(finished.state.counts().built, 7);
}

#[test]
fn quiet_shows_nothing_and_knows_everything() {
    let kept = Kept::default();
    let progress = start(Mode::Quiet, &kept);
    send(&progress, recorded::FAILED);
    let finished = progress.finish(Outcome::Failure);
    assert_eq!(kept.text(), "");
    assert!(finished.state.failures().count() > 0);
}

#[test]
fn an_abandoned_display_shows_the_cursor_again() {
    let kept = Kept::default();
    let progress = start(Mode::Auto, &kept);
    send(&progress, recorded::BUILT);
    while !kept.text().contains("\x1b[?25l") {
        thread::sleep(Duration::from_millis(5));
    }
    let events = progress.events();
    drop(progress);
    assert!(kept.text().ends_with("\x1b[?25h"), "{:?}", kept.text());
    events.send(recorded::events(recorded::BUILT).remove(0));
}

#[test]
fn a_closed_pipe_does_not_end_the_build() {
    let kept = Kept {
        closed: true,
        ..Kept::default()
    };
    let progress = start(Mode::Plain, &kept);
    send(&progress, recorded::FAILED);
    let finished = progress.finish(Outcome::Failure);
    let error = finished.error.map(|error| error.kind());
    assert_eq!(error, Some(io::ErrorKind::BrokenPipe));
    assert!(finished.state.counts().failed > 0);
}

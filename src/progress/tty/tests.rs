use serde_json::json;

use super::*;
use crate::progress::recorded::{self, Replay};
use crate::progress::summary::Outcome;

/// A replay together with the terminal it is seen on.
struct Seen {
    replay: Replay,
    terminal: vt100::Parser,
}

impl Seen {
    fn new(style: Style, columns: u16, rows: u16) -> Self {
        let mut seen = Self {
            replay: Replay::new(Box::new(Tty::new(style))),
            terminal: vt100::Parser::new(rows, columns, 200),
        };
        seen.replay.moment.size = Size { columns, rows };
        seen
    }

    fn advance(&mut self, millis: u64) -> Vec<u8> {
        self.replay.advance(Duration::from_millis(millis));
        let bytes = self.replay.take();
        self.terminal.process(&bytes);
        bytes
    }

    fn finish(&mut self, outcome: Outcome) {
        self.replay.finish(outcome);
        self.terminal.process(&self.replay.take());
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        self.replay.moment.size = Size { columns, rows };
        self.terminal.screen_mut().set_size(rows, columns);
    }

    fn screen(&self) -> String {
        self.terminal.screen().contents()
    }
}

fn started(digest: &str, name: &str) -> Event {
    recorded::message(json!({"vertexes": [
        {"digest": digest, "name": name, "started": "2026-01-01T00:00:01Z"},
    ]}))
}

fn done(digest: &str, name: &str, cached: bool) -> Event {
    recorded::message(json!({"vertexes": [{
        "digest": digest, "name": name, "started": "2026-01-01T00:00:01Z",
        "completed": "2026-01-01T00:00:03Z", "cached": cached,
    }]}))
}

fn log(digest: &str, text: &str) -> Event {
    let mut event = recorded::message(json!({"logs": [
        {"vertex": digest, "stream": 2, "data": "", "timestamp": "2026-01-01T00:00:02Z"},
    ]}));
    if let Event::Solve { status, .. } = &mut event {
        status.logs[0].data = text.as_bytes().to_vec();
    }
    event
}

#[test]
fn a_build_from_start_to_end() {
    let mut seen = Seen::new(Style::Bare, 60, 12);
    let events = recorded::events(recorded::BUILT);
    let (transferring, rest) = events.split_at(9);
    for event in transferring {
        seen.replay.event(event);
    }
    seen.advance(1_200);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 1/7                                         1.2s
    ⠹ load go toolchain  158.6MB                           1.2s
    ✓ load sources                                         0.0s
    ");
    for event in rest {
        seen.replay.event(event);
        seen.advance(100);
    }
    seen.finish(Outcome::Success);
    insta::assert_snapshot!(seen.screen(), @r"
    ✓ load go toolchain                                    3.0s
    ✓ load sources                                         0.0s
    ✓ compile api linux/amd64                             19.9s
    ✓ compile api linux/arm64                             20.6s
    ✓ compile worker linux/arm64                          20.6s
    ✓ compile worker linux/amd64                          20.2s
    ✓ assemble image                                       0.0s
    done in 2.5s: 7 built
    ");
    assert!(!seen.terminal.screen().hide_cursor());
}

#[test]
fn a_failed_build_names_the_step_and_not_its_command() {
    let mut seen = Seen::new(Style::Bare, 60, 12);
    for event in recorded::events(recorded::FAILED) {
        seen.replay.event(&event);
        seen.advance(100);
    }
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 6/7                                         1.3s
    ✓ load go toolchain                                    0.4s
    ✓ load sources                                         0.0s
    - compile api linux/arm64  cancelled                   0.3s
    - compile worker linux/arm64  cancelled                0.2s
    - compile api linux/amd64  cancelled                   0.2s
    ✗ compile worker linux/amd64  exit code: 1             0.2s
      │ # example.com/app/cmd/worker
      │ cmd/worker/main.go:5:27: undefined: undefinedName
      │ cmd/worker/main.go:5:43: declared and not used: x
    ");
    seen.finish(Outcome::Failure);
    insta::assert_snapshot!(seen.screen(), @r"
    ✓ load go toolchain                                    0.4s
    ✓ load sources                                         0.0s
    - compile api linux/arm64  cancelled                   0.3s
    - compile worker linux/arm64  cancelled                0.2s
    - compile api linux/amd64  cancelled                   0.2s
    ✗ compile worker linux/amd64  exit code: 1             0.2s
    failed in 1.3s: 2 built, 1 failed, 3 cancelled
    ");
}

#[test]
fn messages_scroll_away_above_the_steps() {
    let mut seen = Seen::new(Style::Bare, 40, 8);
    seen.replay.event(&started("a", "compile api"));
    seen.advance(100);
    for (level, text) in [
        (Level::Info, "builder: default"),
        (Level::Warning, "no lock"),
    ] {
        seen.replay.event(&Event::Message(Message {
            level,
            text: text.to_owned(),
            timestamp: jiff::Timestamp::UNIX_EPOCH,
        }));
    }
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    builder: default
    warning: no lock
    ● building 0/1                     0.2s
    ⠹ compile api                      0.2s
    ");
}

#[test]
fn what_the_daemon_says_in_lines_takes_one_row() {
    let mut seen = Seen::new(Style::Bare, 60, 8);
    seen.replay.event(&recorded::message(json!({
        "vertexes": [{
            "digest": "a", "name": "fetch", "started": "2026-01-01T00:00:00Z",
            "completed": "2026-01-01T00:00:01Z", "error": "refused:\n\u{1b}[2Jgone\r\n",
        }],
        "warnings": [{"vertex": "a", "short": "b25lG1sySgp0d28="}],
    })));
    let bytes = seen.advance(100);
    assert!(!bytes.windows(4).any(|part| part == b"\x1b[2J"));
    let screen = seen.screen();
    let rows: Vec<&str> = screen.lines().collect();
    assert_eq!(rows.len(), 3, "{screen}");
    assert_eq!(rows[0], "warning: fetch: one two");
    assert!(rows[2].starts_with("✗ fetch  refused: gone "), "{screen}");
}

#[test]
fn output_is_shown_while_a_step_runs() {
    let mut seen = Seen::new(Style::Bare, 40, 8);
    seen.replay.event(&started("a", "fetch modules"));
    seen.replay.event(&log("a", "go: downloading one v1.0.0\ngo: downloading two v1.0.0\nthree\n\tfour with a long tail that is cut\n"));
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 0/1                     0.1s
    ⠙ fetch modules                    0.1s
      │ go: downloading two v1.0.0
      │ three
      │     four with a long tail that is …
    ");
    seen.replay.event(&done("a", "fetch modules", false));
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 1/1                     0.2s
    ✓ fetch modules                    2.0s
    ");
}

#[test]
fn only_changed_rows_are_written() {
    let mut seen = Seen::new(Style::Bare, 60, 12);
    seen.replay.event(&done("a", "load sources", false));
    seen.replay.event(&started("b", "compile api"));
    seen.advance(100);
    let bytes = String::from_utf8(seen.advance(1_000)).unwrap();
    assert!(
        bytes.starts_with("\x1b[?2026h") && bytes.ends_with("\x1b[?2026l"),
        "{bytes:?}"
    );
    assert!(bytes.contains("compile api"), "{bytes:?}");
    assert!(!bytes.contains("load sources"), "{bytes:?}");
    assert_eq!(seen.advance(0), b"");
}

#[test]
fn long_and_wide_names_stay_within_the_row() {
    let mut seen = Seen::new(Style::Colored, 24, 8);
    seen.replay
        .event(&started("a", "compile a-very-long-command linux/amd64"));
    seen.replay
        .event(&started("b", "編譯一個很長很長的名字的程式"));
    seen.replay.event(&started("c", "control\u{1b}[2J\u{7}s"));
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 0/3     0.1s
    ⠙ compile a-very-… 0.1s
    ⠙ 編譯一個很長很…  0.1s
    ⠙ controls         0.1s
    ");
}

#[test]
fn a_resized_terminal_is_drawn_anew() {
    let mut seen = Seen::new(Style::Bare, 60, 12);
    seen.replay.event(&done("a", "load go toolchain", true));
    seen.replay
        .event(&started("b", "compile worker linux/arm64"));
    seen.advance(100);
    // A terminal that keeps its rows, as this one does, leaves nothing behind when it widens.
    seen.resize(72, 12);
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 1/2, 1 cached                                           0.2s
    ✓ load go toolchain  cached
    ⠹ compile worker linux/arm64                                       0.2s
    ");
    // One that wraps has moved the frame's start up by the rows that no longer fit.
    seen.resize(30, 6);
    let bytes = String::from_utf8(seen.advance(100)).unwrap();
    assert!(bytes.contains("\x1b[7A\r\x1b[J"), "{bytes:?}");
}

#[test]
fn finished_steps_give_way_to_running_ones() {
    let mut seen = Seen::new(Style::Bare, 40, 8);
    for step in 0..10 {
        seen.replay.event(&done(
            &format!("d{step}"),
            &format!("finished {step}"),
            step % 2 == 0,
        ));
    }
    seen.replay.event(&started("a", "compile api"));
    seen.replay.event(&log("a", "one\ntwo\nthree\nfour\n"));
    seen.replay.event(&started("b", "compile worker"));
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 10/12, 5 cached         0.1s
    … 10 finished
    ⠙ compile api                      0.1s
      │ two
      │ three
      │ four
    ⠙ compile worker                   0.1s
    ");
    for step in 0..10 {
        seen.replay
            .event(&started(&format!("r{step}"), &format!("running {step}")));
    }
    seen.advance(100);
    insta::assert_snapshot!(seen.screen(), @r"
    ● building 10/22, 5 cached         0.2s
    ⠹ compile api                      0.2s
    ⠹ compile worker                   0.2s
    ⠹ running 0                        0.1s
    ⠹ running 1                        0.1s
    ⠹ running 2                        0.1s
    … 7 more
    ");
}

#[test]
fn a_frame_never_exceeds_the_terminal() {
    for rows in 1..16 {
        let mut seen = Seen::new(Style::Bare, 30, rows);
        for step in 0..5 {
            seen.replay
                .event(&done(&format!("d{step}"), "finished", false));
            seen.replay.event(&started(&format!("r{step}"), "running"));
            seen.replay
                .event(&log(&format!("r{step}"), "one\ntwo\nthree\nfour\n"));
            let layout = Layout::new(Style::Bare, seen.replay.moment);
            let drawn = layout.steps(seen.replay.state(), 1, TAIL);
            assert!(
                drawn.len() + 1 < usize::from(rows).max(2),
                "{rows}: {}",
                drawn.len()
            );
            for row in drawn {
                assert_eq!(row.width, format::width(&row.text));
                assert!(row.width < 30, "{row:?}");
            }
        }
    }
}

#[test]
fn five_hundred_steps_cost_no_more_than_a_screen() {
    let mut seen = Seen::new(Style::Colored, 100, 40);
    for step in 0..500 {
        let name = format!("compile command-{step} linux/amd64");
        seen.replay
            .event(&done(&step.to_string(), &name, step % 3 != 0));
    }
    for step in 500..520 {
        seen.replay.event(&started(&step.to_string(), "compile"));
    }
    let first = seen.advance(100);
    assert!(first.len() < 40 * 150, "{}", first.len());
    let next = seen.advance(100);
    assert!(next.len() < 22 * 150, "{}", next.len());
    let counts = seen.replay.state().counts();
    assert_eq!(
        (counts.cached, counts.built, counts.running),
        (333, 167, 20)
    );
}

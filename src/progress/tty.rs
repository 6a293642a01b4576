//! The live display of a terminal: a header, a row per step, the last output of what runs.
//!
//! The layout is a pure function of state, time and size. It never takes more rows than the
//! terminal has: finished steps give way first, oldest first, then output, then what runs.
//! What must stay readable (messages, warnings) scrolls away above it.

use std::time::Duration;

use super::event::{Event, Level, Message};
use super::format;
use super::render::{Frame, Moment, Render, Size};
use super::screen::{Row, Screen};
use super::state::{Change, State};
use super::step::{Phase, Step};
use super::style::{Style, Tint};
use super::summary::Summary;

/// Lines of output shown below a step.
const TAIL: usize = 3;
/// Times are not pushed further right than this, where nobody could match them to names.
const WIDEST: usize = 100;
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const SPINNER_TURN: u128 = 100;

/// The live renderer.
#[derive(Debug)]
pub(super) struct Tty {
    style: Style,
    screen: Screen,
    above: Vec<String>,
}

impl Tty {
    pub(super) fn new(style: Style) -> Self {
        Self {
            style,
            screen: Screen::default(),
            above: Vec::new(),
        }
    }

    fn draw(&mut self, rows: Vec<Row>, size: Size, out: &mut Frame) {
        let above = std::mem::take(&mut self.above);
        self.screen.draw(&above, rows, size, out);
    }

    fn warning(&self, text: &str) -> String {
        format!("{} {text}", self.style.paint(Tint::Warning, "warning:"))
    }
}

impl Render for Tty {
    fn event(&mut self, _event: &Event, changes: &[Change], state: &State, _out: &mut Frame) {
        for change in changes {
            match change {
                Change::Message(Message { level, text, .. }) => self.above.push(match level {
                    Level::Info => text.clone(),
                    Level::Warning => self.warning(text),
                }),
                Change::Warned(id, index) => {
                    let step = state.step(*id);
                    let short = format::in_one_row(&step.warnings[*index].short);
                    let text = format!("{}: {short}", step.name);
                    self.above.push(self.warning(&text));
                }
                // The next frame shows the rest.
                Change::Shown(_)
                | Change::Restarted(_)
                | Change::Transferred(..)
                | Change::Wrote(..)
                | Change::Finished(_)
                | Change::Image(_) => {}
            }
        }
    }

    fn needs_tick(&self) -> bool {
        true
    }

    fn tick(&mut self, state: &State, moment: Moment, out: &mut Frame) {
        let layout = Layout::new(self.style, moment);
        let mut rows = vec![layout.header(state)];
        rows.extend(layout.steps(state, 1, TAIL));
        self.draw(rows, moment.size, out);
    }

    fn finish(&mut self, state: &State, summary: &Summary, moment: Moment, out: &mut Frame) {
        let mut layout = Layout::new(self.style, moment);
        layout.over = true;
        let closing = summary.lines();
        // The output of what failed belongs to the error that is about to be reported.
        let rows = layout.steps(state, closing.len(), 0);
        self.draw(rows, moment.size, out);
        self.screen.release(out);
        for line in closing {
            out.line(&line);
        }
    }

    fn restore(&mut self, out: &mut Frame) {
        self.screen.release(out);
    }
}

/// How the rows of one frame are laid out.
struct Layout {
    style: Style,
    now: Duration,
    columns: usize,
    rows: usize,
    over: bool,
}

impl Layout {
    fn new(style: Style, moment: Moment) -> Self {
        Self {
            style,
            now: moment.now,
            // The last column stays free: some terminals wrap as soon as it is written.
            columns: usize::from(moment.size.columns)
                .saturating_sub(1)
                .min(WIDEST),
            // The cursor needs a row of its own.
            rows: usize::from(moment.size.rows).saturating_sub(1),
            over: false,
        }
    }

    fn header(&self, state: &State) -> Row {
        let counts = state.counts();
        let mut text = format!("building {}/{}", counts.completed(), counts.total);
        if counts.cached > 0 {
            text.push_str(&format!(", {} cached", counts.cached));
        }
        self.row(Tint::Plain, "●", &text, "", Some(self.now))
    }

    /// Returns the rows of the steps and of at most `tail` lines of output each, leaving
    /// `reserved` rows free.
    fn steps(&self, state: &State, reserved: usize, tail: usize) -> Vec<Row> {
        let budget = self.rows.saturating_sub(reserved);
        let is_active = |step: &&Step| matches!(step.phase, Phase::Running | Phase::Failed);
        let active = state.shown().filter(is_active).count();
        if active > budget {
            return self.crowded(state.shown().filter(is_active), active, budget);
        }
        let finished = state.shown().len() - active;
        let mut left = budget - active;
        // Output leaves a row to the finished steps, if only to count them.
        let mut lines = left.saturating_sub(finished.min(1));
        let hidden;
        let mut rows = Vec::new();
        let tails: usize = state
            .shown()
            .filter(is_active)
            .map(|step| step.tail().len().min(tail))
            .sum();
        left -= tails.min(lines);
        if finished > left {
            hidden = finished - left.saturating_sub(1);
            rows.extend((left > 0).then(|| self.collapsed(hidden)));
        } else {
            hidden = 0;
        }
        let mut passed = 0;
        for step in state.shown() {
            if !is_active(&step) {
                passed += 1;
                if passed > hidden {
                    rows.push(self.step(step));
                }
                continue;
            }
            rows.push(self.step(step));
            let shown = step.tail().len().min(tail).min(lines);
            lines -= shown;
            let skipped = step.tail().len() - shown;
            rows.extend(step.tail().skip(skipped).map(|line| self.output(line)));
        }
        rows
    }

    /// Returns the rows of as many active steps as there is room for.
    fn crowded<'a>(
        &self,
        steps: impl Iterator<Item = &'a Step>,
        count: usize,
        budget: usize,
    ) -> Vec<Row> {
        let Some(room) = budget.checked_sub(1) else {
            return Vec::new();
        };
        let mut rows: Vec<Row> = steps.take(room).map(|step| self.step(step)).collect();
        let more = format!("{} more", count - room);
        rows.push(self.row(Tint::Faint, "…", &more, "", None));
        rows
    }

    fn collapsed(&self, count: usize) -> Row {
        let text = format!("{count} finished");
        self.row(Tint::Faint, "…", &text, "", None)
    }

    fn step(&self, step: &Step) -> Row {
        let elapsed = Some(step.elapsed(self.now));
        match step.phase {
            Phase::Done => self.row(Tint::Success, "✓", &step.name, "", elapsed),
            Phase::Cached => self.row(Tint::Faint, "✓", &step.name, "cached", None),
            Phase::Canceled => self.row(Tint::Faint, "-", &step.name, "cancelled", elapsed),
            Phase::Failed => {
                let error = format::in_one_row(step.error().unwrap_or_default());
                self.row(Tint::Failure, "✗", &step.name, &error, elapsed)
            }
            Phase::Running | Phase::Waiting if self.over => {
                self.row(Tint::Faint, "-", &step.name, "", elapsed)
            }
            Phase::Running | Phase::Waiting => {
                let turn = self.now.as_millis() / SPINNER_TURN % SPINNER.len() as u128;
                let spinner = SPINNER[usize::try_from(turn).unwrap_or_default()];
                self.row(Tint::Active, spinner, &step.name, &transfer(step), elapsed)
            }
        }
    }

    fn output(&self, line: &str) -> Row {
        let text = format!("  │ {}", format::untabbed(line));
        let text = format::truncated(&text, self.columns);
        Row {
            width: format::width(&text),
            text: self.style.paint(Tint::Faint, &text),
        }
    }

    /// Lays out an icon, a name, a detail and a time at the right edge.
    ///
    /// The name is cut before the time is, and the detail before the name.
    fn row(&self, tint: Tint, icon: &str, name: &str, detail: &str, at: Option<Duration>) -> Row {
        let time = at.map(format::duration).unwrap_or_default();
        let fixed = 2 + time.len() + usize::from(!time.is_empty());
        let room = self.columns.saturating_sub(fixed);
        let name = format::truncated(&format::untabbed(name), room);
        let detail_room = room.saturating_sub(format::width(&name) + 2);
        let detail = match format::truncated(&format::untabbed(detail), detail_room) {
            detail if detail.is_empty() => detail,
            detail => format!("  {detail}"),
        };
        let used = format::width(&name) + format::width(&detail);
        let gap = if time.is_empty() {
            0
        } else {
            (room + 1).saturating_sub(used)
        };
        let width = 2 + used + gap + time.len();
        let body = format!("{name}{}", self.style.paint(Tint::Faint, &detail));
        let body = if tint == Tint::Faint {
            self.style.paint(tint, &format!("{name}{detail}"))
        } else {
            body
        };
        Row {
            text: format!(
                "{} {body}{}{}",
                self.style.paint(tint, icon),
                " ".repeat(gap),
                self.style.paint(Tint::Faint, &time),
            ),
            width,
        }
    }
}

/// Says how far the open transfers of a step are together.
fn transfer(step: &Step) -> String {
    let open = || step.transfers.iter().filter(|one| one.completed.is_none());
    let current: i64 = open().fold(0, |sum, one| sum.saturating_add(one.current.max(0)));
    let total: i64 = open().fold(0, |sum, one| sum.saturating_add(one.total.max(0)));
    format::progress(current, total)
}

#[cfg(test)]
mod tests;

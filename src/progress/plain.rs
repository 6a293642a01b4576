//! Append-only lines for logs of CI systems, each prefixed with the number of its step.
//!
//! The vocabulary is that of BuildKit's plain display (`#3 name`, `#3 DONE 1.2s`, `#3 CACHED`,
//! `#3 ERROR: …`, `#3 CANCELED`; `util/progress/progressui/printer.go`), so what greps those logs
//! keeps working. Lines of concurrent steps interleave; the prefix tells them apart.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::event::{Event, Level, Status};
use super::format;
use super::render::{Frame, Moment, Render};
use super::state::{Change, State, StepId};
use super::step::{Phase, since};
use super::summary::Summary;

/// A success is held back this long: a step whose cache key was computed ends and starts again at
/// once, and only its last end is worth a line.
const SETTLE: Duration = Duration::from_millis(150);
/// A transfer is shown again after this long …
const TRANSFER_INTERVAL: Duration = Duration::from_secs(5);
/// … or after this share of its size, in percent.
const TRANSFER_SHARE: i64 = 20;

/// The plain renderer.
#[derive(Debug, Default)]
pub(super) struct Plain {
    /// Successes not yet shown, and when the first tick saw them.
    settling: Vec<(StepId, Option<Duration>)>,
    transfers: HashMap<(StepId, usize), (i64, Timestamp)>,
}

impl Render for Plain {
    fn event(&mut self, _event: &Event, changes: &[Change], state: &State, out: &mut Frame) {
        for change in changes {
            self.change(change, state, out);
        }
    }

    fn needs_tick(&self) -> bool {
        !self.settling.is_empty()
    }

    fn tick(&mut self, state: &State, moment: Moment, out: &mut Frame) {
        let mut settled = Vec::new();
        self.settling.retain_mut(|(id, seen)| {
            let seen = *seen.get_or_insert(moment.now);
            let waits = moment.now.saturating_sub(seen) < SETTLE;
            if !waits {
                settled.push(*id);
            }
            waits
        });
        for id in settled {
            write_end(id, state, out);
        }
    }

    fn finish(&mut self, state: &State, summary: &Summary, _moment: Moment, out: &mut Frame) {
        for (id, _) in std::mem::take(&mut self.settling) {
            write_end(id, state, out);
        }
        for line in summary.lines() {
            out.line(&line);
        }
    }
}

impl Plain {
    fn change(&mut self, change: &Change, state: &State, out: &mut Frame) {
        match change {
            Change::Shown(id) => write_step(*id, state, &state.step(*id).name, out),
            Change::Restarted(id) => self.unsettle(*id),
            Change::Transferred(id, index) => self.transfer(*id, *index, state, out),
            Change::Wrote(id, line) => {
                let offset = state.step(*id).offset(line.timestamp).as_secs_f64();
                write_step(*id, state, &format!("{offset:.3} {}", line.text), out);
            }
            Change::Warned(id, index) => {
                let warning = &state.step(*id).warnings[*index];
                write_step(*id, state, &format!("WARN: {}", warning.short), out);
            }
            Change::Finished(id) => {
                self.unsettle(*id);
                match state.step(*id).phase {
                    Phase::Done | Phase::Cached => self.settling.push((*id, None)),
                    _ => write_end(*id, state, out),
                }
            }
            Change::Message(message) => match message.level {
                Level::Info => out.line(&format!("#0 {}", message.text)),
                Level::Warning => out.line(&format!("#0 WARN: {}", message.text)),
            },
            // The closing lines name the images.
            Change::Image(_) => {}
        }
    }

    fn unsettle(&mut self, id: StepId) {
        self.settling.retain(|&(settling, _)| settling != id);
    }

    fn transfer(&mut self, id: StepId, index: usize, state: &State, out: &mut Frame) {
        let transfer = &state.step(id).transfers[index];
        let now = (transfer.current, transfer.timestamp);
        let (bytes, at) = *self.transfers.entry((id, index)).or_insert(now);
        if !is_news(transfer, bytes, at) {
            return;
        }
        self.transfers.insert((id, index), now);
        let mut parts = vec![
            transfer.id.clone(),
            format::progress(transfer.current, transfer.total),
        ];
        parts.extend(format::transfer_time(transfer).map(format::duration));
        if transfer.completed.is_some() {
            parts.push("done".to_owned());
        }
        parts.retain(|part| !part.is_empty());
        write_step(id, state, &parts.join(" "), out);
    }
}

/// Reports whether a transfer moved enough since `bytes` were shown `at` to be shown again.
fn is_news(transfer: &Status, bytes: i64, at: Timestamp) -> bool {
    let moved = transfer.current.saturating_sub(bytes);
    let share = transfer.total.max(0) / 100 * TRANSFER_SHARE;
    transfer.completed.is_some()
        || (share > 0 && moved >= share)
        || since(at, transfer.timestamp) >= TRANSFER_INTERVAL
}

/// Writes lines of a step, each with its prefix.
fn write_step(id: StepId, state: &State, text: &str, out: &mut Frame) {
    // A step that is not shown has no number, and its lines no place.
    let Some(number) = state.step(id).number else {
        return;
    };
    for line in text.split('\n') {
        out.line(&format!("#{number} {line}"));
    }
}

fn write_end(id: StepId, state: &State, out: &mut Frame) {
    let step = state.step(id);
    let end = match step.phase {
        Phase::Waiting | Phase::Running => return,
        Phase::Done => format!("DONE {}", format::duration(step.duration())),
        Phase::Cached => "CACHED".to_owned(),
        Phase::Canceled => "CANCELED".to_owned(),
        Phase::Failed => format!("ERROR: {}", step.error().unwrap_or_default()),
    };
    write_step(id, state, &end, out);
}

#[cfg(test)]
mod tests;

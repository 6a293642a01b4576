//! What is known of the build so far.
//!
//! Enters: [`Event`]s in order of arrival, each with the time since the display started. Leaves:
//! the steps, and for each event the [`Change`]s it made, so that a renderer that only ever appends
//! need not compare states. Pure: no clock, no terminal.
//!
//! Invariants: steps are numbered from 1 in the order they first started; what two solves both
//! report counts once.

use std::collections::HashMap;
use std::time::Duration;

use super::event::{Event, ImageDone, Log, Message, SolveStatus, Status, Vertex, Warning};
use super::output::{Line, printable, printable_lines};
use super::step::{Phase, Step};

/// Index of a step in a [`State`]; never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId(usize);

/// What an event changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A step is shown for the first time.
    Shown(StepId),
    /// A step that had finished runs again.
    Restarted(StepId),
    /// A transfer, by index, of a step went on or completed.
    Transferred(StepId, usize),
    /// A step wrote a line.
    Wrote(StepId, Line),
    /// A step has a new warning, by index.
    Warned(StepId, usize),
    /// A step reached a final phase or another one.
    Finished(StepId),
    /// gobuild said something.
    Message(Message),
    /// An image is complete.
    Image(ImageDone),
}

/// Steps by where they stand; `total` counts the waiting ones too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Steps announced.
    pub total: usize,
    /// Steps running.
    pub running: usize,
    /// Steps taken from the cache.
    pub cached: usize,
    /// Steps that did their work.
    pub built: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps given up.
    pub canceled: usize,
}

impl Counts {
    /// Returns the number of steps of which nothing more is expected.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.cached + self.built + self.failed + self.canceled
    }
}

/// Everything known so far.
#[derive(Debug, Default)]
pub struct State {
    steps: Vec<Step>,
    by_vertex: HashMap<String, StepId>,
    by_group: HashMap<String, StepId>,
    shown: Vec<StepId>,
    images: Vec<ImageDone>,
}

impl State {
    /// Takes in an event that arrived `at` after the display started.
    pub fn apply(&mut self, event: &Event, at: Duration) -> Vec<Change> {
        match event {
            Event::Solve { reference, status } => self.apply_status(reference, status, at),
            Event::Message(message) => vec![Change::Message(Message {
                text: printable(&message.text),
                ..message.clone()
            })],
            Event::ImageDone(image) => {
                self.images.push(image.clone());
                vec![Change::Image(image.clone())]
            }
        }
    }

    /// Returns a step.
    #[must_use]
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.0]
    }

    /// Returns the steps that have started, in order of their first start.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Step> + ExactSizeIterator {
        self.shown.iter().map(|&id| self.step(id))
    }

    /// Returns the digests of the failed vertices, in order of their steps.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().flat_map(Step::failures)
    }

    /// Returns the finished images in order.
    #[must_use]
    pub fn images(&self) -> &[ImageDone] {
        &self.images
    }

    /// Counts the steps by phase.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in &self.steps {
            counts.total += 1;
            match step.phase {
                Phase::Waiting => {}
                Phase::Running => counts.running += 1,
                Phase::Cached => counts.cached += 1,
                Phase::Done => counts.built += 1,
                Phase::Canceled => counts.canceled += 1,
                Phase::Failed => counts.failed += 1,
            }
        }
        counts
    }

    /// Returns what the vertex with this digest wrote to standard error, or to standard output if
    /// there was nothing; none if the vertex is unknown.
    #[must_use]
    pub fn failure_log(&self, vertex: &str) -> Option<Vec<String>> {
        let step = self.step(*self.by_vertex.get(vertex)?);
        step.members
            .get(vertex)
            .map(|member| member.output.failure())
    }

    fn apply_status(&mut self, solve: &str, status: &SolveStatus, at: Duration) -> Vec<Change> {
        let mut changes = Vec::new();
        // A message lists its vertices in no particular order.
        let mut vertexes: Vec<&Vertex> = status.vertexes.iter().collect();
        vertexes.sort_by_key(|vertex| vertex.started);
        let mut ended = Vec::new();
        for vertex in vertexes {
            ended.extend(self.apply_vertex(solve, vertex, at, &mut changes));
        }
        for status in &status.statuses {
            changes.extend(self.apply_transfer(status));
        }
        for log in &status.logs {
            self.apply_log(log, &mut changes);
        }
        for warning in &status.warnings {
            changes.extend(self.apply_warning(warning));
        }
        // Last, so that nothing a step wrote comes after its end.
        for id in ended {
            self.end(id, &mut changes);
        }
        changes
    }

    /// Returns the step if the vertex ended it.
    fn apply_vertex(
        &mut self,
        solve: &str,
        vertex: &Vertex,
        at: Duration,
        changes: &mut Vec<Change>,
    ) -> Option<StepId> {
        let id = self.step_of(vertex);
        let step = &mut self.steps[id.0];
        let before = step.phase;
        step.upsert(solve, vertex);
        step.phase = step.joint_phase();
        if step.number.is_none() && step.is_visible() {
            self.shown.push(id);
            step.number = Some(self.shown.len());
            changes.push(Change::Shown(id));
        } else if before.is_final() && step.phase == Phase::Running && step.number.is_some() {
            changes.push(Change::Restarted(id));
        }
        if step.phase != Phase::Running {
            step.running_since = None;
        } else if before != Phase::Running {
            step.running_since = Some(at);
        }
        (step.phase.is_final() && step.phase != before).then_some(id)
    }

    fn end(&mut self, id: StepId, changes: &mut Vec<Change>) {
        let step = &mut self.steps[id.0];
        let members = step.members.values_mut();
        let rest: Vec<Line> = members.flat_map(|member| member.output.flush()).collect();
        for line in rest {
            step.push_tail(&line);
            changes.push(Change::Wrote(id, line));
        }
        if step.number.is_some() {
            changes.push(Change::Finished(id));
        }
    }

    fn step_of(&mut self, vertex: &Vertex) -> StepId {
        if let Some(&id) = self.by_vertex.get(&vertex.digest) {
            return id;
        }
        let group = vertex.progress_group.as_ref();
        let known = group.and_then(|group| self.by_group.get(&group.id).copied());
        let id = known.unwrap_or_else(|| {
            let name = group.map_or(&vertex.name, |group| &group.name);
            self.steps.push(Step::new(printable(name)));
            StepId(self.steps.len() - 1)
        });
        if let Some(group) = group {
            self.by_group.insert(group.id.clone(), id);
        }
        self.by_vertex.insert(vertex.digest.clone(), id);
        id
    }

    fn apply_transfer(&mut self, status: &Status) -> Option<Change> {
        let id = *self.by_vertex.get(&status.vertex)?;
        let transfers = &mut self.steps[id.0].transfers;
        let same = |known: &Status| known.id == status.id && known.vertex == status.vertex;
        let index = match transfers.iter().position(same) {
            Some(index) if transfers[index].timestamp > status.timestamp => return None,
            Some(index) if transfers[index] == *status => return None,
            Some(index) => {
                transfers[index] = status.clone();
                index
            }
            None => {
                transfers.push(status.clone());
                transfers.len() - 1
            }
        };
        Some(Change::Transferred(id, index))
    }

    fn apply_log(&mut self, log: &Log, changes: &mut Vec<Change>) {
        let Some(&id) = self.by_vertex.get(&log.vertex) else {
            return;
        };
        let step = &mut self.steps[id.0];
        let Some(member) = step.members.get_mut(&log.vertex) else {
            return;
        };
        for line in member.output.push(log) {
            step.push_tail(&line);
            changes.push(Change::Wrote(id, line));
        }
    }

    fn apply_warning(&mut self, warning: &Warning) -> Option<Change> {
        let id = *self.by_vertex.get(&warning.vertex)?;
        let warning = Warning {
            short: printable_lines(&warning.short),
            ..warning.clone()
        };
        let warnings = &mut self.steps[id.0].warnings;
        if warnings.contains(&warning) {
            return None;
        }
        warnings.push(warning);
        Some(Change::Warned(id, warnings.len() - 1))
    }
}

#[cfg(test)]
mod tests;

//! One line of the display: a vertex, or the vertices of a progress group.
//!
//! Each solve reports a vertex on its own: within one solve the latest report counts, and across
//! solves the best one does, so that a vertex one solve built stays built when a later solve finds
//! it cached. A group is as its least finished member.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::event::{Status, Vertex, Warning};
use super::output::{Line, Output, printable_lines};

/// Lines of output shown below a running step at most.
const TAIL: usize = 8;

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Announced, not started.
    Waiting,
    /// Running.
    Running,
    /// Completed from the cache.
    Cached,
    /// Completed by doing the work.
    Done,
    /// Given up because something else failed or the build was cancelled.
    Canceled,
    /// Failed.
    Failed,
}

impl Phase {
    /// Reports whether nothing more is expected of the step, unless it starts again.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Running)
    }
}

/// What one solve says about a vertex.
#[derive(Debug, Default)]
struct Report {
    cached: bool,
    error: String,
    /// Start → end; a vertex may run several times.
    runs: BTreeMap<Timestamp, Option<Timestamp>>,
}

/// A vertex as all solves report it.
#[derive(Debug, Default)]
pub(super) struct Member {
    reports: BTreeMap<String, Report>,
    weak: bool,
    pub(super) output: Output,
}

/// A line of the display.
#[derive(Debug)]
pub struct Step {
    /// Display name, printable.
    pub name: String,
    /// Position in the order of first starts, from 1; none before the step is to be shown.
    pub number: Option<usize>,
    /// Where it stands.
    pub phase: Phase,
    /// Transfers and phases in order of appearance.
    pub transfers: Vec<Status>,
    /// Warnings without repetitions, printable.
    pub warnings: Vec<Warning>,
    /// When its current run was first seen, since the display started.
    pub running_since: Option<Duration>,
    pub(super) members: BTreeMap<String, Member>,
    tail: VecDeque<String>,
}

impl Step {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            number: None,
            phase: Phase::Waiting,
            transfers: Vec::new(),
            warnings: Vec::new(),
            running_since: None,
            members: BTreeMap::new(),
            tail: VecDeque::new(),
        }
    }

    /// Returns the last lines of output, oldest first.
    pub fn tail(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.tail.iter().map(String::as_str)
    }

    /// Returns the error of the first failed vertex without the command it ran: printable lines.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.members
            .values()
            .flat_map(|member| member.reports.values())
            .find(|report| report.phase() == Phase::Failed)
            .map(|report| without_command(&report.error))
    }

    /// Returns the digests of its failed vertices.
    pub fn failures(&self) -> impl Iterator<Item = &str> {
        let failed = |member: &Member| member.phase() == Phase::Failed;
        let members = self.members.iter();
        members
            .filter(move |(_, member)| failed(member))
            .map(|(digest, _)| digest.as_str())
    }

    /// Returns how long its vertices ran, counting overlapping runs once.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let mut runs: Vec<(Timestamp, Timestamp)> = self
            .runs()
            .filter_map(|(start, end)| end.map(|end| (start, end)))
            .collect();
        runs.sort_unstable();
        let mut total = Duration::ZERO;
        let mut covered = Timestamp::MIN;
        for (start, end) in runs {
            total += since(start.max(covered), end);
            covered = covered.max(end);
        }
        total
    }

    /// Returns how long it has run at `now`, a time since the display started.
    ///
    /// The clocks of the daemon and of this machine may disagree, so a run that has not ended is
    /// timed from when it was first seen.
    #[must_use]
    pub fn elapsed(&self, now: Duration) -> Duration {
        let current = self
            .running_since
            .map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.duration() + current
    }

    /// Returns how long before `timestamp` the step first started.
    #[must_use]
    pub fn offset(&self, timestamp: Timestamp) -> Duration {
        let first = self.runs().map(|(start, _)| start).min();
        first.map_or(Duration::ZERO, |first| since(first, timestamp))
    }

    pub(super) fn push_tail(&mut self, line: &Line) {
        if line.text.trim().is_empty() {
            return;
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.text.clone());
    }

    /// Takes in what the solve `reference` says about one of its vertices.
    pub(super) fn upsert(&mut self, reference: &str, vertex: &Vertex) {
        let member = self.members.entry(vertex.digest.clone()).or_default();
        member.weak = vertex
            .progress_group
            .as_ref()
            .is_some_and(|group| group.weak);
        member
            .reports
            .entry(reference.to_owned())
            .or_default()
            .update(vertex);
    }

    /// Returns where its members stand together.
    pub(super) fn joint_phase(&self) -> Phase {
        let phases: Vec<Phase> = self.members.values().map(Member::phase).collect();
        let any = |wanted| phases.contains(&wanted);
        let all = |wanted| phases.iter().all(|&phase| phase == wanted);
        if all(Phase::Waiting) {
            Phase::Waiting
        } else if any(Phase::Failed) {
            Phase::Failed
        } else if any(Phase::Running) || any(Phase::Waiting) {
            Phase::Running
        } else if any(Phase::Canceled) {
            Phase::Canceled
        } else if all(Phase::Cached) {
            Phase::Cached
        } else {
            Phase::Done
        }
    }

    /// Reports whether a member calls for showing the step.
    pub(super) fn is_visible(&self) -> bool {
        self.members.values().any(|member| match member.phase() {
            Phase::Waiting => false,
            Phase::Failed => true,
            _ => !member.weak,
        })
    }

    fn runs(&self) -> impl Iterator<Item = (Timestamp, Option<Timestamp>)> {
        self.members
            .values()
            .flat_map(|member| member.reports.values())
            .flat_map(|report| report.runs.iter().map(|(&start, &end)| (start, end)))
    }
}

impl Member {
    fn phase(&self) -> Phase {
        // Best first: what one solve achieved, another cannot take back.
        let phases = [
            Phase::Running,
            Phase::Failed,
            Phase::Done,
            Phase::Cached,
            Phase::Canceled,
        ];
        phases
            .into_iter()
            .find(|&phase| {
                let mut reports = self.reports.values();
                reports.any(|report| report.phase() == phase && !self.is_outrun(report))
            })
            .unwrap_or(Phase::Waiting)
    }

    /// Reports whether another solve already told the end of the run `report` has open.
    fn is_outrun(&self, report: &Report) -> bool {
        let Some((start, None)) = report.runs.last_key_value() else {
            return false;
        };
        let mut reports = self.reports.values();
        reports.any(|other| other.runs.get(start).is_some_and(Option::is_some))
    }
}

impl Report {
    fn update(&mut self, vertex: &Vertex) {
        self.cached = vertex.cached;
        self.error = printable_lines(&vertex.error);
        if let Some(start) = vertex.started.or(vertex.completed) {
            let end = self.runs.entry(start).or_default();
            *end = (*end).max(vertex.completed);
        }
    }

    fn phase(&self) -> Phase {
        match self.runs.last_key_value() {
            None => Phase::Waiting,
            Some((_, None)) => Phase::Running,
            Some(_) if self.error.ends_with("context canceled") => Phase::Canceled,
            Some(_) if !self.error.is_empty() => Phase::Failed,
            Some(_) if self.cached => Phase::Cached,
            Some(_) => Phase::Done,
        }
    }
}

/// Returns the time from `start` to `end`, zero if it is negative.
pub(super) fn since(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// Drops the command line that BuildKit quotes in the error of an exec.
///
/// Its form is `process "…" did not complete successfully: exit code: 1` (BuildKit
/// `solver/llbsolver/ops/exec.go`).
fn without_command(error: &str) -> &str {
    match error.find("process \"") {
        Some(start) => error[start..]
            .rsplit_once("\" did not complete successfully: ")
            .map_or(error, |(_, reason)| reason),
        None => error,
    }
}

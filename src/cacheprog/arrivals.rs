//! What a remote is known to have, while it arrives, and who waits for it.
//!
//! Until the index is known every unanswered `get` waits for it. From then on a `get` waits only
//! for an output that the index names and that is under way; all others are misses at once, or
//! are asked of the relay's host cache where there is one. Pure: callers lock it, and send what it
//! returns.

use std::collections::HashMap;
use std::mem;

use super::id::Id;
use super::ledger::{Origin, Place};

/// An output on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Coming,
    Here(Place),
    Lost,
}

/// What is known of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Awaited,
    Known,
}

/// A `get` without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiter {
    id: i64,
    action: Id,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Index,
    Output(Id),
    Host,
}

/// What is to be done about a `get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// There it is.
    Hit {
        output: Id,
        size: u64,
        origin: Origin,
    },
    /// Nobody has it.
    Miss,
}

/// A `get` that can be answered now.
pub(super) type Resolved = (i64, Id, Answer);

/// What an index says of an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    pub(super) action: Id,
    pub(super) output: Id,
    pub(super) size: u64,
    /// Where it is already.
    pub(super) place: Option<Place>,
}

/// The state.
#[derive(Debug)]
pub(super) struct Arrivals {
    phase: Phase,
    named: HashMap<Id, (Id, u64)>,
    outputs: HashMap<Id, (u64, State)>,
    waiting: Vec<Waiter>,
    /// Whether misses are asked of a host cache.
    has_host: bool,
    /// Actions to ask the host cache for.
    questions: Vec<Id>,
}

impl Arrivals {
    /// Returns the state of a run with a remote, or without one.
    pub(super) fn new(has_remote: bool) -> Self {
        Self {
            phase: if has_remote {
                Phase::Awaited
            } else {
                Phase::Known
            },
            named: HashMap::new(),
            outputs: HashMap::new(),
            waiting: Vec::new(),
            has_host: false,
            questions: Vec::new(),
        }
    }

    /// Looks an action up that no tier has; without an answer, one comes later.
    pub(super) fn ask(&mut self, id: i64, action: Id) -> Option<Answer> {
        let cause = match self.judge(&action) {
            Ok(answer) => return Some(answer),
            Err(cause) => cause,
        };
        if cause == Cause::Host {
            self.questions.push(action);
        }
        self.waiting.push(Waiter { id, action, cause });
        None
    }

    /// Returns the actions to ask the host cache for.
    pub(super) fn questions(&mut self) -> Vec<Id> {
        mem::take(&mut self.questions)
    }

    /// The remote said what it has.
    pub(super) fn known(
        &mut self,
        named: impl IntoIterator<Item = Named>,
        has_host: bool,
    ) -> Vec<Resolved> {
        self.phase = Phase::Known;
        self.has_host = has_host;
        for entry in named {
            self.named.insert(entry.action, (entry.output, entry.size));
            let state = entry.place.map_or(State::Coming, State::Here);
            self.outputs
                .entry(entry.output)
                .or_insert((entry.size, state));
        }
        self.review(|_| true)
    }

    /// Returns the size of an output that is awaited.
    pub(super) fn wanted(&self, output: &Id) -> Option<u64> {
        let (size, state) = self.outputs.get(output)?;
        (*state == State::Coming).then_some(*size)
    }

    /// Tells whether an output was to come and did not.
    pub(super) fn is_lost(&self, output: &Id) -> bool {
        let state = self.outputs.get(output);
        state.is_some_and(|(_, state)| *state == State::Lost)
    }

    /// An output is in the local tier.
    pub(super) fn landed(&mut self, output: Id, place: Place) -> Vec<Resolved> {
        if let Some((_, state)) = self.outputs.get_mut(&output) {
            *state = State::Here(place);
        }
        self.review(|cause| cause == Cause::Output(output))
    }

    /// Outputs do not come; those that are here stay.
    pub(super) fn lost<'a>(&mut self, outputs: impl IntoIterator<Item = &'a Id>) -> Vec<Resolved> {
        for output in outputs {
            if let Some((_, state @ State::Coming)) = self.outputs.get_mut(output) {
                *state = State::Lost;
            }
        }
        self.review(|cause| matches!(cause, Cause::Output(_)))
    }

    /// The host cache answered.
    pub(super) fn answered(&mut self, action: Id, answer: Answer) -> Vec<Resolved> {
        let is_it = |waiter: &mut Waiter| waiter.cause == Cause::Host && waiter.action == action;
        let waiters = self.waiting.extract_if(.., is_it);
        waiters.map(|waiter| (waiter.id, action, answer)).collect()
    }

    /// Nothing more comes.
    pub(super) fn closed(&mut self) -> Vec<Resolved> {
        self.phase = Phase::Known;
        self.has_host = false;
        for (_, state) in self.outputs.values_mut() {
            if *state == State::Coming {
                *state = State::Lost;
            }
        }
        self.review(|_| true)
    }

    fn judge(&self, action: &Id) -> Result<Answer, Cause> {
        if self.phase == Phase::Awaited {
            return Err(Cause::Index);
        }
        let named = self.named.get(action);
        let state = named.and_then(|(output, _)| self.outputs.get(output));
        match (named, state) {
            (Some(&(output, size)), Some(&(_, State::Here(place)))) => Ok(Answer::Hit {
                output,
                size,
                origin: Origin::Remote(place),
            }),
            (Some(&(output, _)), Some((_, State::Coming))) => Err(Cause::Output(output)),
            _ if self.has_host => Err(Cause::Host),
            _ => Ok(Answer::Miss),
        }
    }

    /// Judges waiting requests again.
    fn review(&mut self, is_concerned: impl Fn(Cause) -> bool) -> Vec<Resolved> {
        let mut resolved = Vec::new();
        let mut index = 0;
        while let Some(&waiter) = self.waiting.get(index) {
            if !is_concerned(waiter.cause) {
                index += 1;
                continue;
            }
            match self.judge(&waiter.action) {
                Ok(answer) => {
                    self.waiting.swap_remove(index);
                    resolved.push((waiter.id, waiter.action, answer));
                }
                Err(cause) => {
                    if cause == Cause::Host && waiter.cause != Cause::Host {
                        self.questions.push(waiter.action);
                    }
                    self.waiting[index].cause = cause;
                    index += 1;
                }
            }
        }
        resolved
    }
}

#[cfg(test)]
mod tests {
    use super::super::ledger::LOCAL;
    use super::*;

    const HIT: Answer = Answer::Hit {
        output: Id([11; 32]),
        size: 5,
        origin: Origin::Remote(LOCAL),
    };

    fn named(action: u8, output: u8) -> Named {
        Named {
            action: Id([action; 32]),
            output: Id([output; 32]),
            size: 5,
            place: None,
        }
    }

    #[test]
    fn without_a_remote_all_is_a_miss() {
        let mut arrivals = Arrivals::new(false);
        assert_eq!(arrivals.ask(1, Id([1; 32])), Some(Answer::Miss));
    }

    #[test]
    fn a_get_waits_for_the_index_and_then_for_its_output_alone() {
        let mut arrivals = Arrivals::new(true);
        let (one, two) = (Id([1; 32]), Id([2; 32]));
        assert_eq!(arrivals.ask(1, one), None);
        assert_eq!(arrivals.ask(2, two), None);
        let resolved = arrivals.known([named(1, 11), named(3, 13)], false);
        assert_eq!(resolved, [(2, two, Answer::Miss)]);
        assert_eq!(arrivals.wanted(&Id([11; 32])), Some(5));
        assert!(arrivals.landed(Id([13; 32]), LOCAL).is_empty());
        let resolved = arrivals.landed(Id([11; 32]), LOCAL);
        assert_eq!(resolved, [(1, one, HIT)]);
        assert_eq!(arrivals.wanted(&Id([11; 32])), None);
        assert_eq!(arrivals.ask(3, one), Some(HIT));
        // What is here is not lost.
        assert!(arrivals.lost(&[Id([11; 32])]).is_empty());
        assert_eq!(arrivals.ask(4, one), Some(HIT));
    }

    #[test]
    fn what_does_not_come_is_a_miss() {
        let mut arrivals = Arrivals::new(true);
        arrivals.known([named(1, 11), named(2, 12)], false);
        let (one, two) = (Id([1; 32]), Id([2; 32]));
        assert_eq!(arrivals.ask(1, one), None);
        assert_eq!(arrivals.ask(2, two), None);
        let resolved = arrivals.lost(&[Id([11; 32])]);
        assert_eq!(resolved, [(1, one, Answer::Miss)]);
        assert!(arrivals.is_lost(&Id([11; 32])));
        assert_eq!(arrivals.closed(), [(2, two, Answer::Miss)]);
        let mut unknown = Arrivals::new(true);
        assert_eq!(unknown.ask(1, one), None);
        assert_eq!(unknown.closed(), [(1, one, Answer::Miss)]);
    }

    #[test]
    fn the_host_cache_is_asked_for_what_the_index_lacks() {
        let mut arrivals = Arrivals::new(true);
        let (one, two) = (Id([1; 32]), Id([2; 32]));
        assert_eq!(arrivals.ask(1, one), None);
        assert_eq!(arrivals.ask(2, two), None);
        assert!(arrivals.known([named(1, 11)], true).is_empty());
        assert_eq!(arrivals.questions(), [two]);
        assert!(arrivals.lost(&[Id([11; 32])]).is_empty());
        assert_eq!(arrivals.questions(), [one]);
        assert_eq!(
            arrivals.answered(two, Answer::Miss),
            [(2, two, Answer::Miss)]
        );
        assert_eq!(arrivals.closed(), [(1, one, Answer::Miss)]);
        assert!(arrivals.questions().is_empty());
    }
}

//! What a step sends back: the entries it used, then the outputs that the store lacks.
//!
//! Outputs wait in a folder of their own until all are here; each is checked against its id, and
//! the sum has a limit. Then they are written to the store as any other run's are.

use std::collections::HashSet;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::frame::Frame;
use super::serve::{Relay, RelayError, RelayReport, Writer};
use crate::cacheprog::core::said;
use crate::cacheprog::gocache::{Access, Tier};
use crate::cacheprog::id::Id;
use crate::cacheprog::pack::{Index, MAX_OUTPUT};
use crate::cacheprog::remote::publish::publish;
use crate::cacheprog::remote::revise::{Revision, Used, revise};
use crate::cacheprog::remote::store::Scope;
use crate::cacheprog::report::Traffic;

/// Most entries that a step may have used.
const MAX_USED: usize = 250_000;

/// Outputs of a frame.
const NEED_PER_FRAME: usize = 4096;

/// The writing back of one step.
pub(super) struct Gathering<'a> {
    relay: &'a Relay,
    scope: Option<Scope>,
    /// What the store had; `None` if it could not be read.
    index: Option<Index>,
    /// Packs that the store did not deliver.
    pub(super) failed: Arc<Mutex<HashSet<u16>>>,
    pub(super) report: RelayReport,
    used: Vec<Used>,
    open: Option<Open>,
    is_done: bool,
}

/// Outputs on their way.
struct Open {
    revision: Revision,
    awaited: VecDeque<(Id, u64)>,
    body: Vec<u8>,
    spool: Arc<Spool>,
}

/// Where outputs wait; it goes with the value.
struct Spool {
    tier: Tier,
    _folder: tempfile::TempDir,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(
        relay: &'a Relay,
        scope: String,
        place: Option<Scope>,
        index: Option<Index>,
    ) -> Self {
        Self {
            relay,
            scope: place,
            index,
            failed: Arc::default(),
            report: RelayReport {
                scope,
                ..RelayReport::default()
            },
            used: Vec::new(),
            open: None,
            is_done: false,
        }
    }

    /// Takes a frame; returns the answers.
    pub(super) async fn take(&mut self, frame: Frame) -> Result<Vec<Frame>, RelayError> {
        if !self.relay.options.write || self.relay.store.is_none() || self.is_done {
            return Err(RelayError::Order);
        }
        match (frame, &mut self.open) {
            (Frame::Used(used), None) => {
                if self.used.len() + used.len() > MAX_USED {
                    return Err(RelayError::Limit);
                }
                self.used.extend(used);
                Ok(Vec::new())
            }
            (Frame::UsedEnd, None) => {
                let mut answers = self.compare()?;
                // Where the store has every output, none is awaited.
                answers.extend(self.end_if_complete().await?);
                Ok(answers)
            }
            (Frame::Body(part), Some(open)) => {
                let Some(&(output, size)) = open.awaited.front() else {
                    return Err(RelayError::Order);
                };
                let length = open.body.len() as u64 + part.len() as u64;
                if length > size || (part.is_empty() && size > 0) {
                    return Err(RelayError::Limit);
                }
                open.body.extend(part);
                if length < size {
                    return Ok(Vec::new());
                }
                let body = std::mem::take(&mut open.body);
                open.awaited.pop_front();
                let spool = Arc::clone(&open.spool);
                let landed =
                    tokio::task::spawn_blocking(move || spool.tier.land(output, &body)).await;
                match landed {
                    Ok(Ok(())) => self.report.received += 1,
                    // It is not what it claims to be: the rest may be.
                    Ok(Err(error)) if error.kind() == std::io::ErrorKind::InvalidData => {}
                    Ok(Err(error)) => return Err(RelayError::Spool(error)),
                    Err(error) => return Err(RelayError::Spool(std::io::Error::other(error))),
                }
                self.end_if_complete().await
            }
            (Frame::Gone, Some(open)) if open.body.is_empty() => {
                open.awaited.pop_front().ok_or(RelayError::Order)?;
                self.end_if_complete().await
            }
            _ => Err(RelayError::Order),
        }
    }

    /// Compares what was used with what the store has.
    fn compare(&mut self) -> Result<Vec<Frame>, RelayError> {
        let Some(index) = &self.index else {
            return Ok(self.done(false));
        };
        let used: Vec<Used> = std::mem::take(&mut self.used);
        // What the step did not use may have come just a little later.
        let made: HashSet<Id> = used.iter().map(|used| used.output).collect();
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let lost: HashSet<Id> = index
            .entries
            .iter()
            .filter(|entry| failed.contains(&entry.pack) && made.contains(&entry.output))
            .map(|entry| entry.output)
            .collect();
        drop(failed);
        let Some(revision) = revise(index, &used, |output| lost.contains(output)) else {
            return Ok(self.done(false));
        };
        let mut room = self.relay.options.max_upload;
        let fits = |(_, size): &&(Id, u64)| {
            let is_small = *size <= MAX_OUTPUT && *size <= room;
            room -= if is_small { *size } else { 0 };
            is_small
        };
        let awaited: VecDeque<(Id, u64)> = revision.missing.iter().filter(fits).copied().collect();
        let folder = tempfile::Builder::new()
            .prefix("gobuild-relay.")
            .tempdir_in(&self.relay.options.spool)
            .map_err(RelayError::Spool)?;
        let tier = Tier::open(folder.path(), Access::Fill);
        let tier = tier.map_err(|error| RelayError::Spool(std::io::Error::other(error)))?;
        let outputs: Vec<Id> = awaited.iter().map(|(output, _)| *output).collect();
        let chunks = outputs.chunks(NEED_PER_FRAME);
        let mut answers: Vec<Frame> = chunks.map(|part| Frame::Need(part.to_vec())).collect();
        answers.push(Frame::NeedEnd);
        self.open = Some(Open {
            revision,
            awaited,
            body: Vec::new(),
            spool: Arc::new(Spool {
                tier,
                _folder: folder,
            }),
        });
        Ok(answers)
    }

    /// Writes to the store once everything is here.
    async fn end_if_complete(&mut self) -> Result<Vec<Frame>, RelayError> {
        if self
            .open
            .as_ref()
            .is_none_or(|open| !open.awaited.is_empty())
        {
            return Ok(Vec::new());
        }
        let (Some(open), Some(scope)) = (self.open.take(), self.scope.clone()) else {
            return Ok(self.done(false));
        };
        let runtime = tokio::runtime::Handle::current();
        let published = tokio::task::spawn_blocking(move || {
            // Compression fills the cores: it must not keep the runtime's threads busy.
            let read = |output: &Id, size| open.spool.tier.read(output, size);
            let traffic = Traffic::default();
            runtime.block_on(publish(&scope, open.revision, read, &traffic))
        });
        let is_published = match published.await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                let error = said(&error);
                tracing::warn!(error, "the remote cache cannot be written");
                false
            }
            Err(_) => false,
        };
        Ok(self.done(is_published))
    }

    fn done(&mut self, is_published: bool) -> Vec<Frame> {
        self.is_done = true;
        self.report.published = is_published;
        vec![Frame::Done(is_published)]
    }

    /// Ends the stream.
    pub(super) async fn writer_closed<W: AsyncWrite + Unpin>(&self, writer: &Writer<W>) {
        // The step has gone: it does not matter whether it hears that.
        let _ = writer.lock().await.shutdown().await;
    }
}

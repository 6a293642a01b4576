//! Walks a folder in listing order while its directories are read ahead in parallel.

use std::collections::VecDeque;
use std::sync::Arc;
use std::vec;

use buildkit_proto::fsutil::types::Stat;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use super::filter::{Filter, Inherited, Verdict};
use super::source::{Entry, LocalSource, SourceError, join};
use crate::buildkit::session::fsutil::{FileKind, GoMode};

/// How many directories are read at once.
const READERS: usize = 8;

type Listing = AbortOnDropHandle<Result<Vec<Entry>, SourceError>>;

/// A walk under way.
pub(super) struct Walk {
    source: Arc<LocalSource>,
    filter: Filter,
    readers: Arc<Semaphore>,
    /// The directories from the root to the current one.
    chain: Vec<Directory>,
    /// Entries to return before the walk goes on.
    ready: VecDeque<Stat>,
}

/// A directory whose entries are being walked.
struct Directory {
    /// Its own listing, if that waits for an entry to be listed.
    unlisted: Option<Stat>,
    entries: vec::IntoIter<Planned>,
}

/// An entry that is listed, or in which something may be.
struct Planned {
    stat: Stat,
    listed: bool,
    below: Option<(Listing, Inherited)>,
}

impl Walk {
    /// Starts a walk.
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub(super) async fn start(
        source: Arc<LocalSource>,
        filter: Filter,
    ) -> Result<Self, SourceError> {
        let mut walk = Self {
            source,
            filter,
            readers: Arc::new(Semaphore::new(READERS)),
            chain: Vec::new(),
            ready: VecDeque::new(),
        };
        let root = finished(walk.read(String::new())).await?;
        walk.chain.push(Directory {
            unlisted: None,
            entries: walk.plan("", root, &Inherited::default())?,
        });
        Ok(walk)
    }

    /// Returns the next entry, `None` after the last one.
    ///
    /// # Errors
    /// A directory cannot be read, or a name cannot be sent.
    pub(super) async fn next(&mut self) -> Result<Option<Stat>, SourceError> {
        loop {
            if let Some(stat) = self.ready.pop_front() {
                return Ok(Some(stat));
            }
            let Some(directory) = self.chain.last_mut() else {
                return Ok(None);
            };
            let Some(planned) = directory.entries.next() else {
                self.chain.pop();
                continue;
            };
            if planned.listed {
                let parents = self.chain.iter_mut();
                self.ready
                    .extend(parents.filter_map(|directory| directory.unlisted.take()));
                self.ready.push_back(planned.stat.clone());
            }
            if let Some((listing, inherited)) = planned.below {
                let entries = finished(listing).await?;
                self.chain.push(Directory {
                    entries: self.plan(&planned.stat.path, entries, &inherited)?,
                    unlisted: (!planned.listed).then_some(planned.stat),
                });
            }
        }
    }

    /// Judges a directory's entries, and starts to read the directories among them.
    fn plan(
        &self,
        directory: &str,
        entries: Vec<Entry>,
        inherited: &Inherited,
    ) -> Result<vec::IntoIter<Planned>, SourceError> {
        let mut planned = Vec::with_capacity(entries.len());
        for entry in entries {
            let path = join(directory, &entry.name);
            let Verdict {
                listed,
                descend,
                inherited,
            } = self.filter.judge(&path, inherited);
            let descend = descend && entry.mode.kind() == FileKind::Directory;
            if !listed && !descend {
                continue;
            }
            if !entry.is_text {
                return Err(SourceError::NotText { path });
            }
            let below = descend.then(|| (self.read(path.clone()), inherited));
            planned.push(Planned {
                stat: stat(path, entry),
                listed,
                below,
            });
        }
        Ok(planned.into_iter())
    }

    fn read(&self, path: String) -> Listing {
        let source = Arc::clone(&self.source);
        let readers = Arc::clone(&self.readers);
        AbortOnDropHandle::new(tokio::spawn(async move {
            // The semaphore is never closed; without a permit reading would still be right.
            let _permit = readers.acquire().await;
            let listing = tokio::task::spawn_blocking(move || source.list(&path));
            finished(AbortOnDropHandle::new(listing)).await
        }))
    }
}

/// Returns a task's result; its panic goes on here.
async fn finished<T>(task: AbortOnDropHandle<T>) -> T {
    match task.await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only the drop of its handle cancels a task, and the handle was in here.
            Err(_) => std::future::pending().await,
        },
    }
}

fn stat(path: String, entry: Entry) -> Stat {
    let GoMode(mode) = entry.mode;
    Stat {
        path,
        mode,
        size: entry.size,
        mod_time: entry.modified,
        linkname: entry.target,
        devmajor: entry.device.0.into(),
        devminor: entry.device.1.into(),
        uid: entry.owner.0,
        gid: entry.owner.1,
        ..Stat::default()
    }
}

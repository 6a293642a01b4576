//! Unfinished writes of a [`LayoutStore`](super::LayoutStore).
//!
//! A write has a name. While a stream holds it nobody else can; a stream that breaks leaves it
//! behind with its bytes and its running hash, and the next stream of that name goes on there.
//! Writes do not outlive the store.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use crate::buildkit::proto::content as wire;

/// The bytes of one unfinished write.
#[derive(Debug)]
pub(super) struct Ingest {
    file: NamedTempFile,
    hash: Sha256,
    pub(super) offset: u64,
    pub(super) total: i64,
    pub(super) expected: String,
    pub(super) started: SystemTime,
    pub(super) updated: SystemTime,
}

impl Ingest {
    /// Begins a write into `file`.
    pub(super) fn new(file: NamedTempFile) -> Self {
        let now = SystemTime::now();
        Self {
            file,
            hash: Sha256::new(),
            offset: 0,
            total: 0,
            expected: String::new(),
            started: now,
            updated: now,
        }
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(data)?;
        self.hash.update(data);
        self.offset += data.len() as u64;
        self.updated = SystemTime::now();
        Ok(())
    }

    /// Returns the digest of the bytes so far.
    pub(super) fn digest(&self) -> String {
        let hash = self.hash.clone().finalize();
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    }

    /// Returns the file, with all of its bytes on the disk.
    pub(super) fn into_file(self) -> io::Result<NamedTempFile> {
        File::sync_data(self.file.as_file())?;
        Ok(self.file)
    }

    fn status(&self, name: &str) -> wire::Status {
        wire::Status {
            started_at: Some(self.started.into()),
            updated_at: Some(self.updated.into()),
            r#ref: name.to_owned(),
            offset: i64::try_from(self.offset).unwrap_or(i64::MAX),
            total: self.total,
            expected: self.expected.clone(),
        }
    }
}

/// All unfinished writes of a store.
#[derive(Debug, Default)]
pub(super) struct Ingests {
    writes: Mutex<BTreeMap<String, Slot>>,
}

/// A write is here, or with the stream that holds it.
#[derive(Debug)]
enum Slot {
    Held(wire::Status),
    Waiting(Box<Ingest>),
}

/// Somebody else holds a write.
#[derive(Debug)]
pub(super) struct Busy;

impl Ingests {
    /// Takes hold of a write that may have begun already; none if it is new.
    pub(super) fn take(&self, name: &str) -> Result<Option<Ingest>, Busy> {
        let mut writes = self.lock();
        match writes.remove(name) {
            Some(held @ Slot::Held(_)) => {
                writes.insert(name.to_owned(), held);
                Err(Busy)
            }
            Some(Slot::Waiting(ingest)) => {
                writes.insert(name.to_owned(), Slot::Held(ingest.status(name)));
                Ok(Some(*ingest))
            }
            None => {
                let new = wire::Status {
                    r#ref: name.to_owned(),
                    ..wire::Status::default()
                };
                writes.insert(name.to_owned(), Slot::Held(new));
                Ok(None)
            }
        }
    }

    /// Leaves a held write behind for the next stream.
    pub(super) fn leave(&self, name: &str, ingest: Ingest) {
        self.lock()
            .insert(name.to_owned(), Slot::Waiting(Box::new(ingest)));
    }

    /// Forgets a write and removes its bytes; tells whether there was one.
    pub(super) fn forget(&self, name: &str) -> bool {
        self.lock().remove(name).is_some()
    }

    /// Describes a write.
    pub(super) fn status(&self, name: &str) -> Option<wire::Status> {
        self.lock().get(name).map(|slot| slot.status(name))
    }

    /// Describes all writes.
    pub(super) fn statuses(&self) -> Vec<wire::Status> {
        self.lock()
            .iter()
            .map(|(name, slot)| slot.status(name))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Slot>> {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn status(&self, name: &str) -> wire::Status {
        match self {
            Self::Held(status) => status.clone(),
            Self::Waiting(ingest) => ingest.status(name),
        }
    }
}

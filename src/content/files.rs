//! Source files read once for all the layers of a build.
//!
//! What enters is a path on disk, what leaves a [`Segment`]: the bytes while there is room, a
//! stamped reference to the file otherwise. A file that fifty closures share is read once, and
//! all fifty hold the same bytes even if the file is edited meanwhile. The same holds for the time
//! that follows from a file's content.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::blob::{Blob as _, DiskFile, FileChanged, Segment, SegmentBlob, Stamp};
use super::builder::LayerError;
use super::layer::digest;

/// Larger files are streamed from disk instead of kept.
const FILE_LIMIT: u64 = 1 << 20;

/// Keeps small files' bytes up to a total, for as long as one build runs.
#[derive(Debug)]
pub struct FileCache {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    room: u64,
    segments: HashMap<Arc<Path>, Segment>,
    times: HashMap<Arc<Path>, u32>,
}

impl FileCache {
    /// Returns a cache that holds at most `limit` bytes of file contents.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self {
            state: Mutex::new(State {
                room: limit,
                segments: HashMap::new(),
                times: HashMap::new(),
            }),
        }
    }

    /// Returns a cache that leaves every file on disk.
    #[must_use]
    pub fn disabled() -> Self {
        Self::new(0)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The map stays consistent whatever a panicking holder was doing: each update is one call.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the contents of a regular file.
    pub(super) fn segment(&self, path: &Arc<Path>) -> Result<Segment, LayerError> {
        if let Some(segment) = self.lock().segments.get(path) {
            return Ok(segment.clone());
        }
        let segment = self.load(path)?;
        // Whoever comes second takes what the first stored, so that all layers agree.
        let mut state = self.lock();
        let stored = state.segments.entry(Arc::clone(path)).or_insert(segment);
        Ok(stored.clone())
    }

    /// Returns the contents of a regular file, and their [`content_time`].
    pub(super) fn dated(&self, path: &Arc<Path>) -> Result<(Segment, u32), LayerError> {
        let segment = self.segment(path)?;
        if let Some(time) = self.lock().times.get(path) {
            return Ok((segment, *time));
        }
        let time = time_of(&segment).map_err(|source| LayerError::Read {
            path: path.to_path_buf(),
            source,
        })?;
        self.lock().times.insert(Arc::clone(path), time);
        Ok((segment, time))
    }

    fn load(&self, path: &Arc<Path>) -> Result<Segment, LayerError> {
        let failed = |source| LayerError::Read {
            path: path.to_path_buf(),
            source,
        };
        // Opening a fifo or a device could block or have effects; look before opening.
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            return Err(LayerError::NotAFile {
                path: path.to_path_buf(),
            });
        }
        if !self.reserve(metadata.len()) {
            let stamp = Stamp::of(&metadata);
            return Ok(Segment::Disk(DiskFile::new(Arc::clone(path), stamp)));
        }
        read_stable(path, metadata.len()).map_err(failed)
    }

    fn reserve(&self, length: u64) -> bool {
        let mut state = self.lock();
        let fits = length <= FILE_LIMIT && length <= state.room;
        if fits {
            state.room -= length;
        }
        fits
    }
}

/// Returns the time that stands for a content.
fn time_of(segment: &Segment) -> std::io::Result<u32> {
    content_time(SegmentBlob::new(vec![segment.clone()]).open(0)?)
}

/// Returns a time in seconds since the epoch that follows from a content: the first 30 bits of its
/// digest. It is before 2004, since programs mistrust times that are just past.
///
/// # Errors
/// The content cannot be read.
pub fn content_time(content: impl Read) -> std::io::Result<u32> {
    let digest = digest(content)?;
    let first = digest.digest().get(..8).unwrap_or_default();
    let first = u32::from_str_radix(first, 16).map_err(std::io::Error::other)?;
    Ok(first >> 2)
}

/// Reads a file whole; one that is being written meanwhile is an error.
fn read_stable(path: &Path, expected: u64) -> std::io::Result<Segment> {
    let mut file = File::open(path)?;
    let before = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
    file.read_to_end(&mut bytes)?;
    if Stamp::of(&file.metadata()?) != before || bytes.len() as u64 != expected {
        return Err(std::io::Error::other(FileChanged {
            path: path.to_path_buf(),
        }));
    }
    Ok(Segment::Memory(Bytes::from(bytes)))
}

//! Blobs that can be read again from any offset.
//!
//! A blob is a list of segments: bytes in memory (headers, padding, small files) and whole
//! files on disk. It is hashed once by reading it and read again when the daemon asks. A file
//! that is no longer what was hashed is an error that names the file, not a digest mismatch
//! on the far side.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

/// Immutable bytes of a known length.
pub trait Blob: Send + Sync {
    /// Returns the length in bytes.
    fn size(&self) -> u64;

    /// Returns a reader of the bytes from `offset` on; empty at or past the end.
    ///
    /// # Errors
    /// The bytes are not in memory and cannot be opened.
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>>;
}

/// A source file was written to between hashing and reading.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} changed during the build", path.display())]
pub struct FileChanged {
    /// The file on disk.
    pub path: PathBuf,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// A whole file on disk in the state it had when the blob was assembled.
#[derive(Clone, Debug)]
pub(super) struct DiskFile {
    path: Arc<Path>,
    stamp: Stamp,
}

impl DiskFile {
    pub(super) fn new(path: Arc<Path>, stamp: Stamp) -> Self {
        Self { path, stamp }
    }

    pub(super) fn length(&self) -> u64 {
        self.stamp.length
    }

    fn changed(&self) -> io::Error {
        io::Error::other(FileChanged {
            path: self.path.to_path_buf(),
        })
    }

    fn verify(&self, file: &File) -> io::Result<()> {
        if Stamp::of(&file.metadata()?) == self.stamp {
            Ok(())
        } else {
            Err(self.changed())
        }
    }

    fn open(&self, offset: u64) -> io::Result<File> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(self.changed()),
            opened => opened.map_err(|error| named(&self.path, &error))?,
        };
        self.verify(&file)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    }
}

/// Adds the path that the operating system's message lacks.
fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// One run of a blob's bytes.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    Memory(Bytes),
    Disk(DiskFile),
}

impl Segment {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Disk(file) => file.length(),
        }
    }
}

/// A blob made of bytes in memory and files on disk.
#[derive(Clone, Debug)]
pub struct SegmentBlob {
    segments: Arc<[Segment]>,
    /// Offset of each segment's first byte; strictly increasing.
    starts: Arc<[u64]>,
    size: u64,
}

impl SegmentBlob {
    pub(super) fn new(segments: Vec<Segment>) -> Self {
        let segments: Arc<[Segment]> = segments.into_iter().filter(|s| s.length() > 0).collect();
        let mut size = 0;
        let starts = segments
            .iter()
            .map(|segment| {
                let start = size;
                size += segment.length();
                start
            })
            .collect();
        Self {
            segments,
            starts,
            size,
        }
    }

    /// Returns a blob of bytes held in memory.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self::new(vec![Segment::Memory(bytes)])
    }
}

impl Blob for SegmentBlob {
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let offset = offset.min(self.size);
        let index = self.starts.partition_point(|&start| start <= offset);
        let index = index.saturating_sub(1);
        let start = self.starts.get(index).copied().unwrap_or_default();
        Ok(Box::new(SegmentReader {
            segments: Arc::clone(&self.segments),
            index,
            within: offset - start,
            file: None,
        }))
    }
}

/// Reads segments one after the other, with at most one file open.
struct SegmentReader {
    segments: Arc<[Segment]>,
    index: usize,
    within: u64,
    file: Option<File>,
}

impl SegmentReader {
    fn next_segment(&mut self) {
        self.index += 1;
        self.within = 0;
        self.file = None;
    }

    fn read_disk(&mut self, disk: &DiskFile, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => disk.open(self.within)?,
        };
        // A file that grew must not be read past the length its header announced.
        let left = disk.length() - self.within;
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = file
            .read(&mut buffer[..wanted])
            .map_err(|error| named(&disk.path, &error))?;
        if count == 0 {
            return Err(disk.changed());
        }
        self.within += count as u64;
        if self.within == disk.length() {
            disk.verify(&file)?;
            self.next_segment();
        } else {
            self.file = Some(file);
        }
        Ok(count)
    }
}

impl Read for SegmentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let segments = Arc::clone(&self.segments);
        while let Some(segment) = segments.get(self.index) {
            if self.within >= segment.length() {
                self.next_segment();
                continue;
            }
            return match segment {
                Segment::Memory(bytes) => {
                    let from = usize::try_from(self.within).map_err(io::Error::other)?;
                    let count = (bytes.len() - from).min(buffer.len());
                    buffer[..count].copy_from_slice(&bytes[from..from + count]);
                    self.within += count as u64;
                    Ok(count)
                }
                Segment::Disk(disk) => self.read_disk(disk, buffer),
            };
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(path: &Path) -> Segment {
        let stamp = Stamp::of(&std::fs::metadata(path).unwrap());
        Segment::Disk(DiskFile::new(Arc::from(path), stamp))
    }

    fn all(blob: &SegmentBlob, offset: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        blob.open(offset)?.read_to_end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_offset_reads_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        std::fs::write(&path, b"on disk").unwrap();
        let blob = SegmentBlob::new(vec![
            Segment::Memory(Bytes::from_static(b"head")),
            Segment::Memory(Bytes::new()),
            disk(&path),
            Segment::Memory(Bytes::from_static(b"tail")),
        ]);
        let whole = b"headon disktail";
        assert_eq!(blob.size(), whole.len() as u64);
        for offset in 0..whole.len() + 2 {
            let rest = &whole[offset.min(whole.len())..];
            assert_eq!(all(&blob, offset as u64).unwrap(), rest, "from {offset}");
        }
    }

    #[test]
    fn a_changed_or_removed_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.go");
        std::fs::write(&path, b"package main").unwrap();
        let blob = SegmentBlob::new(vec![disk(&path)]);
        std::fs::write(&path, b"package main // edited").unwrap();
        let error = all(&blob, 3).unwrap_err();
        let changed: &FileChanged = error.get_ref().unwrap().downcast_ref().unwrap();
        assert_eq!(changed.path, path);
        std::fs::remove_file(&path).unwrap();
        let message = all(&blob, 0).unwrap_err().to_string();
        assert!(
            message.ends_with("main.go changed during the build"),
            "{message}"
        );
    }

    #[test]
    fn a_file_cut_while_it_is_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("main.go");
        std::fs::write(&path, b"package main").unwrap();
        let blob = SegmentBlob::new(vec![disk(&path)]);
        let mut reader = blob.open(0).unwrap();
        let mut first = [0; 4];
        reader.read_exact(&mut first).unwrap();
        std::fs::write(&path, b"x").unwrap();
        let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("changed during the build"));
    }
}

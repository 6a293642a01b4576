//! One packed layer: its blob and the two digests that name it.

use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest};
use sha2::{Digest as _, Sha256};

use super::blob::{Blob, SegmentBlob};
use super::compression::Compression;

/// Bytes read at a time.
pub(super) const CHUNK: usize = 128 << 10;

/// A layer that a manifest can name.
#[derive(Clone)]
pub struct Layer {
    descriptor: Descriptor,
    diff_id: Digest,
    blob: Arc<dyn Blob>,
}

impl Layer {
    /// Hashes `tar`, compressing it first into memory unless it is to stay as it is.
    pub(super) fn new(tar: SegmentBlob, compression: Compression) -> io::Result<Self> {
        let diff_id = digest(tar.open(0)?)?;
        let (blob, digest) = if compression == Compression::None {
            (tar, diff_id.clone())
        } else {
            let bytes = compression.compress(tar.open(0)?)?;
            let digest = digest_of(&bytes)?;
            (SegmentBlob::from_bytes(Bytes::from(bytes)), digest)
        };
        Ok(Self {
            descriptor: Descriptor::new(compression.media_type(), blob.size(), digest),
            diff_id,
            blob: Arc::new(blob),
        })
    }

    /// Returns a layer packed earlier, whose bytes `blob` promises to give when asked.
    #[must_use]
    pub fn known(descriptor: Descriptor, diff_id: Digest, blob: Arc<dyn Blob>) -> Self {
        Self {
            descriptor,
            diff_id,
            blob,
        }
    }

    /// Returns the blob's media type, size and digest.
    #[must_use]
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Returns the digest of the uncompressed tar.
    #[must_use]
    pub fn diff_id(&self) -> &Digest {
        &self.diff_id
    }

    /// Returns the bytes that the descriptor names.
    #[must_use]
    pub fn blob(&self) -> &Arc<dyn Blob> {
        &self.blob
    }
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Layer")
            .field("descriptor", &self.descriptor)
            .field("diff_id", &self.diff_id)
            .finish_non_exhaustive()
    }
}

/// Forms a digest of bytes that come in pieces.
#[derive(Default)]
pub(super) struct Hasher(Sha256);

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> io::Result<Digest> {
        let mut text = String::from("sha256:");
        for byte in self.0.finalize() {
            text.push_str(&format!("{byte:02x}"));
        }
        text.parse().map_err(io::Error::other)
    }
}

/// Returns the digest of bytes in memory.
pub(super) fn digest_of(bytes: &[u8]) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish()
}

/// Returns the digest of everything `reader` gives.
///
/// # Errors
/// It cannot be read.
pub fn digest(mut reader: impl Read) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut chunk = vec![0; CHUNK];
    while let Some(piece) = next_piece(&mut reader, &mut chunk)? {
        hasher.update(piece);
    }
    hasher.finish()
}

/// Returns the next bytes of `reader`, read into `chunk`; none at its end.
pub(super) fn next_piece<'a>(
    reader: &mut impl Read,
    chunk: &'a mut [u8],
) -> io::Result<Option<&'a [u8]>> {
    loop {
        match reader.read(chunk) {
            Ok(0) => return Ok(None),
            Ok(count) => return Ok(Some(&chunk[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

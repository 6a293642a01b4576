//! A directory in the form of an OCI image layout, written blob by blob.
//!
//! Blobs arrive in temporary files and are renamed into `blobs/sha256/` once their digest is
//! verified, so a blob that is there is whole. `index.json` is the client's to write after a
//! solve ([`LayoutIndex`](super::LayoutIndex)); the daemon only writes blobs.
//!
//! Spec: OCI image-spec `image-layout.md`.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::ingest::{Ingest, Ingests};
use crate::content::BlobSource;

/// An OCI layout directory that blobs can be read from and written to.
#[derive(Debug)]
pub struct LayoutStore {
    root: PathBuf,
    ingests: Ingests,
    labels: Mutex<BTreeMap<String, HashMap<String, String>>>,
}

impl LayoutStore {
    /// Opens a layout for reading and writing; the directory need not exist before a write.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            ingests: Ingests::default(),
            labels: Mutex::default(),
        }
    }

    pub(super) fn ingests(&self) -> &Ingests {
        &self.ingests
    }

    /// Begins a write.
    pub(super) fn begin(&self) -> io::Result<Ingest> {
        let dir = self.ingest_dir();
        fs::create_dir_all(&dir)?;
        let file = tempfile::Builder::new().prefix("blob-").tempfile_in(dir)?;
        Ok(Ingest::new(file))
    }

    /// Turns a write into a blob.
    ///
    /// # Errors
    /// The bytes are not the expected ones, or they cannot be stored.
    pub(super) fn commit(&self, ingest: Ingest) -> io::Result<()> {
        let digest = ingest.digest();
        if !ingest.expected.is_empty() && ingest.expected != digest {
            return Err(mismatch("digest", &digest, &ingest.expected));
        }
        if ingest.total > 0 && u64::try_from(ingest.total) != Ok(ingest.offset) {
            return Err(mismatch("size", &ingest.offset, &ingest.total));
        }
        let path = self.path(&digest)?;
        fs::create_dir_all(self.root.join("blobs/sha256"))?;
        let file = ingest.into_file()?;
        make_readable(file.as_file())?;
        file.persist(path)?;
        Ok(())
    }

    /// Stores a blob that this side has made.
    ///
    /// # Errors
    /// It cannot be stored.
    pub fn add(&self, bytes: &[u8]) -> io::Result<()> {
        let mut ingest = self.begin()?;
        ingest.append(bytes)?;
        self.commit(ingest)
    }

    /// Returns a blob that fits into memory.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, digest: &str) -> io::Result<Vec<u8>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no blob {digest}"));
        let mut bytes = Vec::new();
        let mut blob = self.open(digest, 0)?.ok_or_else(missing)?;
        blob.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Stores a copy of a blob of another layout, unless it is there already.
    ///
    /// # Errors
    /// The other layout does not hold it, or it cannot be stored.
    pub fn copy(&self, from: &Self, digest: &str) -> io::Result<()> {
        if self.size(digest)?.is_some() {
            return Ok(());
        }
        let mut blob = from
            .open(digest, 0)?
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut ingest = self.begin()?;
        digest.clone_into(&mut ingest.expected);
        let mut piece = vec![0; 1 << 20];
        loop {
            match blob.read(&mut piece)? {
                0 => return self.commit(ingest),
                length => ingest.append(&piece[..length])?,
            }
        }
    }

    /// Returns digests and sizes of all blobs.
    pub(super) fn blobs(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(self.root.join("blobs/sha256")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut blobs = Vec::new();
        for entry in entries {
            let entry = entry?;
            let digest = format!("sha256:{}", entry.file_name().display());
            if is_digest(&digest) {
                blobs.push((digest, entry.metadata()?.len()));
            }
        }
        blobs.sort_unstable();
        Ok(blobs)
    }

    /// Returns a blob's labels, which are not kept beyond the store's life.
    pub(super) fn labels(&self, digest: &str) -> HashMap<String, String> {
        let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        labels.get(digest).cloned().unwrap_or_default()
    }

    /// Sets a blob's labels: all of them, or those that a mask names as `labels.<name>`.
    pub(super) fn set_labels(
        &self,
        digest: &str,
        given: HashMap<String, String>,
        mask: Option<&[String]>,
    ) {
        let mut labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let own = labels.entry(digest.to_owned()).or_default();
        let named = |mask: &[String]| -> Vec<String> {
            let names = mask.iter().filter_map(|path| path.strip_prefix("labels."));
            names.map(str::to_owned).collect()
        };
        match mask.map(named) {
            Some(names) if !names.is_empty() => {
                for name in names {
                    match given.get(&name) {
                        Some(value) if !value.is_empty() => {
                            own.insert(name, value.clone());
                        }
                        _ => {
                            own.remove(&name);
                        }
                    }
                }
            }
            _ => *own = given,
        }
    }

    /// Returns where a blob is kept; only a whole, plain digest names a file.
    fn path(&self, digest: &str) -> io::Result<PathBuf> {
        match digest.split_once(':') {
            Some((algorithm, hex)) if is_digest(digest) => {
                Ok(self.root.join("blobs").join(algorithm).join(hex))
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{digest:?} is not a sha256 digest"),
            )),
        }
    }

    fn ingest_dir(&self) -> PathBuf {
        self.root.join("ingest")
    }
}

impl Drop for LayoutStore {
    fn drop(&mut self) {
        // Only an empty directory goes: another process may be writing into the same layout.
        if let Err(error) = fs::remove_dir(self.ingest_dir()) {
            tracing::trace!(%error, "ingest directory stays");
        }
    }
}

impl BlobSource for LayoutStore {
    fn size(&self, digest: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.path(digest)?) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn open(&self, digest: &str, offset: u64) -> io::Result<Option<Box<dyn Read + Send>>> {
        let mut file = match File::open(self.path(digest)?) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        Ok(Some(Box::new(file)))
    }
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn mismatch(what: &str, is: &dyn std::fmt::Display, expected: &dyn std::fmt::Display) -> io::Error {
    let text = format!("the blob's {what} is {is}, expected {expected}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Gives a blob the mode of an ordinary file; temporary ones are private.
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

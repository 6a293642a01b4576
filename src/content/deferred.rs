//! Layers whose digests are known from an earlier run, and whose bytes are packed when asked for.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use oci_spec::image::{Descriptor, Digest};

use super::blob::Blob;
use super::builder::LayerBuilder;
use super::compression::Compression;
use super::files::FileCache;
use super::layer::Layer;

/// What is now there is not what was packed then.
#[derive(Debug, thiserror::Error)]
#[error("the project's files changed while they were sent; build again")]
struct Changed;

/// Bytes that are made when they are first asked for.
struct Deferred<F> {
    size: u64,
    make: F,
    made: Mutex<Option<Arc<dyn Blob>>>,
}

impl Layer {
    /// Returns a layer packed earlier, whose bytes `make` packs again when they are first asked for.
    pub fn deferred<F>(descriptor: Descriptor, diff_id: Digest, make: F) -> Self
    where
        F: Fn() -> io::Result<Arc<dyn Blob>> + Send + Sync + 'static,
    {
        let blob = Deferred {
            size: descriptor.size(),
            make,
            made: Mutex::new(None),
        };
        Self::known(descriptor, diff_id, Arc::new(blob))
    }
}

impl LayerBuilder {
    /// Returns the uncompressed layer that these entries were packed as before.
    #[must_use]
    pub fn known(self, descriptor: Descriptor, diff_id: Digest) -> Layer {
        let (digest, size) = (descriptor.digest().clone(), descriptor.size());
        Layer::deferred(descriptor, diff_id, move || {
            let layer = self.pack(&FileCache::new(size), Compression::None);
            let layer = layer.map_err(io::Error::other)?;
            if *layer.descriptor().digest() != digest {
                return Err(io::Error::other(Changed));
            }
            Ok(Arc::clone(layer.blob()))
        })
    }
}

impl<F> Blob for Deferred<F>
where
    F: Fn() -> io::Result<Arc<dyn Blob>> + Send + Sync,
{
    fn size(&self) -> u64 {
        self.size
    }

    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        // The daemon may read several ranges at once; the first one makes them for all.
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let blob = match &*made {
            Some(blob) => Arc::clone(blob),
            None => Arc::clone(made.insert((self.make)()?)),
        };
        drop(made);
        blob.open(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Attributes;

    #[test]
    fn bytes_are_those_of_then_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("main.go");
        std::fs::write(&file, "package main\n").unwrap();
        let mut builder = LayerBuilder::new();
        builder
            .source_file("main.go", file.as_path(), Attributes::FILE)
            .unwrap();
        let packed = builder
            .pack(&FileCache::disabled(), Compression::None)
            .unwrap();
        let known = || {
            let (descriptor, diff_id) = (packed.descriptor().clone(), packed.diff_id().clone());
            builder.clone().known(descriptor, diff_id)
        };
        let read = |layer: &Layer, offset| {
            let mut bytes = Vec::new();
            layer.blob().open(offset)?.read_to_end(&mut bytes)?;
            io::Result::Ok(bytes)
        };
        let (before, after) = (known(), known());
        for offset in [0, 600] {
            assert_eq!(
                read(&before, offset).unwrap(),
                read(&packed, offset).unwrap()
            );
        }
        std::fs::write(&file, "package other\n").unwrap();
        let error = read(&after, 0).unwrap_err();
        assert!(error.to_string().contains("build again"), "{error}");
    }
}

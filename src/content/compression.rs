//! How a layer's bytes are stored.
//!
//! Layers that only feed a build step stay uncompressed: the daemon is near and the tar can be
//! read straight from the source files. Layers that end in an image are small and are
//! compressed in memory, with fixed levels and no time stamps, so equal tars give equal bytes.

use std::io::{self, Read, Write};

use flate2::GzBuilder;
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};

/// zstd's own default; the layers compressed here are too small for more to pay.
const ZSTD_LEVEL: i32 = 3;

/// Compression of a layer blob.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// A plain tar.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// Returns the OCI media type of a layer stored this way.
    #[must_use]
    pub fn media_type(self) -> MediaType {
        match self {
            Self::None => MediaType::ImageLayer,
            Self::Gzip => MediaType::ImageLayerGzip,
            Self::Zstd => MediaType::ImageLayerZstd,
        }
    }

    /// Returns all of `tar` in this form.
    pub(super) fn compress(self, mut tar: impl Read) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        match self {
            Self::None => {
                tar.read_to_end(&mut out)?;
            }
            Self::Gzip => {
                let level = flate2::Compression::default();
                let mut encoder = GzBuilder::new().mtime(0).write(out, level);
                io::copy(&mut tar, &mut encoder)?;
                out = encoder.finish()?;
            }
            Self::Zstd => {
                let mut encoder = zstd::Encoder::new(out, ZSTD_LEVEL)?;
                encoder.include_checksum(true)?;
                io::copy(&mut tar, &mut encoder)?;
                out = encoder.finish()?;
            }
        }
        out.flush()?;
        Ok(out)
    }
}

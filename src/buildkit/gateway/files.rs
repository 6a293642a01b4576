//! Files of a reference. Reading one builds the reference first.

use buildkit_proto::fsutil::types::Stat;
use buildkit_proto::moby::buildkit::v1::frontend as wire;

use super::{Gateway, Reference};
use crate::buildkit::error::Error;

/// Bytes asked for at a time: an answer must fit into one message.
const RANGE: i64 = 8 << 20;

/// What is known of a file without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStat {
    /// Base name.
    pub path: String,
    /// Permissions and type as Go's `fs.FileMode` has them.
    pub mode: u32,
    /// Length in bytes; 0 for directories.
    pub size: u64,
    /// Target of a symbolic link.
    pub link: String,
}

const GO_MODE_DIRECTORY: u32 = 1 << 31;
const GO_MODE_SYMLINK: u32 = 1 << 27;

impl FileStat {
    /// Tells whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & GO_MODE_DIRECTORY != 0
    }

    /// Tells whether it is a symbolic link.
    #[must_use]
    pub fn is_symlink(&self) -> bool {
        self.mode & GO_MODE_SYMLINK != 0
    }
}

impl From<Stat> for FileStat {
    fn from(stat: Stat) -> Self {
        Self {
            path: stat.path,
            mode: stat.mode,
            size: u64::try_from(stat.size).unwrap_or_default(),
            link: stat.linkname,
        }
    }
}

impl Gateway {
    /// Reads a regular file, however large.
    ///
    /// # Errors
    /// Building the reference fails, or it has no such regular file.
    pub async fn read_file(&self, reference: &Reference, path: &str) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        loop {
            let request = self.request(wire::ReadFileRequest {
                r#ref: reference.id.clone(),
                file_path: path.to_owned(),
                range: Some(wire::FileRange {
                    offset: i64::try_from(content.len()).unwrap_or(i64::MAX),
                    length: RANGE,
                }),
                mount_index: 0,
            });
            let answer = self.bridge().read_file(request).await;
            let piece = self.answer(answer).await?.data;
            content.extend_from_slice(&piece);
            if i64::try_from(piece.len()).is_ok_and(|length| length < RANGE) {
                return Ok(content);
            }
        }
    }

    /// Lists a directory, one level deep; `pattern` narrows it if it is not empty.
    ///
    /// # Errors
    /// Building the reference fails, or it has no such directory.
    pub async fn read_dir(
        &self,
        reference: &Reference,
        path: &str,
        pattern: &str,
    ) -> Result<Vec<FileStat>, Error> {
        let request = self.request(wire::ReadDirRequest {
            r#ref: reference.id.clone(),
            dir_path: path.to_owned(),
            include_pattern: pattern.to_owned(),
            mount_index: 0,
        });
        let answer = self.bridge().read_dir(request).await;
        let entries = self.answer(answer).await?.entries.into_iter();
        Ok(entries.map(FileStat::from).collect())
    }

    /// Looks at a file without following a symbolic link.
    ///
    /// # Errors
    /// Building the reference fails, or it has no such file.
    pub async fn stat_file(&self, reference: &Reference, path: &str) -> Result<FileStat, Error> {
        let request = self.request(wire::StatFileRequest {
            r#ref: reference.id.clone(),
            path: path.to_owned(),
            mount_index: 0,
        });
        let answer = self.bridge().stat_file(request).await;
        let stat = self.answer(answer).await?.stat;
        stat.map(FileStat::from).ok_or(Error::Incomplete {
            call: "LLBBridge.StatFile",
            missing: "stat",
        })
    }
}

//! Copies sets of project files, each into a folder of its own.
//!
//! Links are followed as long as they stay in the project, modes say only who may execute, and
//! times follow from contents, so that equal contents are equal folders and `go` never takes one
//! content for another of the same size.

use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::content::content_time;

/// Which files go into which folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSets {
    /// Every file of some set, relative to the project.
    pub paths: Vec<String>,
    /// Positions in `paths`; the first set's folder is `0`.
    pub sets: Vec<Vec<usize>>,
}

/// Why sets cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The list is none.
    #[error("cannot read the list of files")]
    List(#[source] io::Error),
    /// A set has a file that the list does not name.
    #[error("set {set} has a file that is not listed")]
    Unlisted {
        /// The set.
        set: usize,
    },
    /// A link leads out of the project.
    #[error("{path} is a link that leads out of the project")]
    Escapes {
        /// The link.
        path: String,
    },
    /// A file cannot be copied.
    #[error("cannot copy {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
}

/// Copies the sets that the file `list` names (JSON of [`FileSets`]) out of `project`, to `output`.
///
/// # Errors
/// See [`FilesError`].
pub fn copy(list: &Path, project: &Path, output: &Path) -> Result<(), FilesError> {
    let read = fs::read(list).and_then(|json| Ok(serde_json::from_slice::<FileSets>(&json)?));
    let list = read.map_err(FilesError::List)?;
    let project = fs::canonicalize(project).map_err(|source| FilesError::Copy {
        path: project.to_owned(),
        source,
    })?;
    for (index, set) in list.sets.iter().enumerate() {
        let folder = output.join(index.to_string());
        make(&folder)?;
        for position in set {
            let unlisted = FilesError::Unlisted { set: index };
            let path = list.paths.get(*position).ok_or(unlisted)?;
            copy_file(path, &project, &folder.join(path))?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), FilesError> {
    fs::create_dir_all(folder).map_err(|source| FilesError::Copy {
        path: folder.to_owned(),
        source,
    })
}

fn copy_file(path: &str, project: &Path, to: &Path) -> Result<(), FilesError> {
    let failed = |source| FilesError::Copy {
        path: path.into(),
        source,
    };
    let from = fs::canonicalize(project.join(path)).map_err(failed)?;
    if !from.starts_with(project) {
        return Err(FilesError::Escapes {
            path: path.to_owned(),
        });
    }
    if let Some(folder) = to.parent() {
        make(folder)?;
    }
    fs::copy(&from, to).map_err(failed)?;
    let finished = fs::metadata(to).and_then(|metadata| {
        let executable = metadata.permissions().mode() & 0o111 != 0;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(to, Permissions::from_mode(mode))?;
        let time = Duration::from_secs(content_time(File::open(to)?)?.into());
        let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + time);
        File::options().write(true).open(to)?.set_times(times)
    });
    finished.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets(folder: &Path, paths: &[&str], sets: &[&[usize]]) -> Result<(), FilesError> {
        let list = FileSets {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            sets: sets.iter().map(|set| set.to_vec()).collect(),
        };
        let file = folder.join("list.json");
        fs::write(&file, serde_json::to_vec(&list).unwrap()).unwrap();
        copy(&file, &folder.join("project"), &folder.join("out"))
    }

    #[test]
    fn sets_are_copied_with_links_followed_and_modes_evened() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("project");
        fs::create_dir_all(project.join("a")).unwrap();
        fs::write(project.join("a/x"), "x").unwrap();
        fs::set_permissions(project.join("a/x"), Permissions::from_mode(0o664)).unwrap();
        fs::write(project.join("tool"), "t").unwrap();
        fs::set_permissions(project.join("tool"), Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("a/x", project.join("link")).unwrap();
        sets(
            folder.path(),
            &["a/x", "link", "tool"],
            &[&[0], &[1, 2], &[]],
        )
        .unwrap();
        let out = folder.path().join("out");
        let mode = |path: &str| {
            let metadata = fs::symlink_metadata(out.join(path)).unwrap();
            metadata.permissions().mode()
        };
        assert_eq!(mode("0/a/x"), 0o100_644);
        assert_eq!(mode("1/link"), 0o100_644);
        assert_eq!(mode("1/tool"), 0o100_755);
        assert!(out.join("2").is_dir());
    }

    #[test]
    fn links_out_of_the_project_and_unknown_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("project")).unwrap();
        fs::write(folder.path().join("secret"), "s").unwrap();
        std::os::unix::fs::symlink("../secret", folder.path().join("project/out")).unwrap();
        let escape = sets(folder.path(), &["out"], &[&[0]]);
        assert!(matches!(escape, Err(FilesError::Escapes { .. })));
        let unlisted = sets(folder.path(), &[], &[&[0]]);
        assert!(matches!(unlisted, Err(FilesError::Unlisted { set: 0 })));
    }
}

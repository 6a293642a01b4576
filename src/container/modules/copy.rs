//! The copy into the output, alike wherever and whenever it is made.

use std::collections::BTreeSet;
use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use super::ModulesError;

/// Copies at a time. Files are small: most of a copy is waiting for the file system.
const WORKERS: usize = 4;

/// Copies files of `cache`, with the same relative paths, to `output`, and makes `folders` there.
///
/// Times and modes are fixed: they are no part of a module.
pub(super) fn all(
    files: &BTreeSet<PathBuf>,
    folders: &[PathBuf],
    cache: &Path,
    output: &Path,
) -> Result<(), ModulesError> {
    let folders: BTreeSet<&Path> = files
        .iter()
        .flat_map(|file| file.ancestors().skip(1))
        .chain(folders.iter().flat_map(|folder| folder.ancestors()))
        .collect();
    let failed = |path: &Path, source| ModulesError::Copy {
        path: path.to_owned(),
        source,
    };
    for folder in &folders {
        let path = output.join(folder);
        fs::create_dir_all(&path).map_err(|source| failed(&path, source))?;
    }
    let files: Vec<&PathBuf> = files.iter().collect();
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), ModulesError> {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            copy(&cache.join(file), &output.join(file)).map_err(|source| failed(file, source))?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| {
            let died = |_| failed(output, io::Error::other("a copying thread died"));
            worker.join().map_err(died)?
        })
    })?;
    // Last, since every new entry changes its folder's time.
    for folder in folders.iter().rev() {
        let path = output.join(folder);
        File::open(&path)
            .and_then(|folder| folder.set_times(times()))
            .map_err(|source| failed(&path, source))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    // The copy has the mode of the original, which the module cache keeps from being written.
    fs::set_permissions(to, Permissions::from_mode(0o644))?;
    File::options().write(true).open(to)?.set_times(times())
}

fn times() -> FileTimes {
    FileTimes::new()
        .set_accessed(SystemTime::UNIX_EPOCH)
        .set_modified(SystemTime::UNIX_EPOCH)
}

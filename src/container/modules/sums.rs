//! What a build reads of modules that provide none of its packages, as far as the cache has it.
//!
//! With `-mod=readonly` a `go.mod` that takes part is named in a `go.sum`, as `MODULE VERSION/go.mod
//! HASH`. Which of them a build loads depends on its imports; the listing has loaded the same.
//!
//! A module that could provide a package by its path, since its own is the beginning of it, has to
//! be there before `go` believes that another one does (`cmd/go/internal/modload`,
//! `importFromModules`): its folder, though with nothing in it, and the hash of its archive. Such a
//! module is named as `MODULE VERSION HASH`.

use std::path::{Path, PathBuf};

use super::ModulesError;

/// What module caches hold of the modules that sum files name, relative to the cache.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// `VERSION.mod` and `VERSION.ziphash`.
    pub(super) files: Vec<PathBuf>,
    /// Where their archives are extracted.
    pub(super) folders: Vec<PathBuf>,
}

/// Returns what the cache has.
pub(super) fn named(cache: &Path, sources: &Path) -> Result<Named, ModulesError> {
    let mut found = Named::default();
    for sums in sum_files(sources)? {
        let text = std::fs::read_to_string(&sums).map_err(|source| ModulesError::Copy {
            path: sums.clone(),
            source,
        })?;
        let files = text.lines().filter_map(module_file);
        found
            .files
            .extend(files.filter(|file| cache.join(file).is_file()));
        for (folder, hash) in text.lines().filter_map(archive) {
            if cache.join(&folder).is_dir() && cache.join(&hash).is_file() {
                found.folders.push(folder);
                found.files.push(hash);
            }
        }
    }
    Ok(found)
}

/// Returns every `go.sum` and `go.work.sum`.
fn sum_files(sources: &Path) -> Result<Vec<PathBuf>, ModulesError> {
    let mut open = vec![sources.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        let failed = |source| ModulesError::Copy {
            path: folder.clone(),
            source,
        };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push(entry.path());
            } else if name == "go.sum" || name == "go.work.sum" {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// Returns the file of a line `MODULE VERSION/go.mod HASH`.
pub(super) fn module_file(line: &str) -> Option<PathBuf> {
    let (module, version) = fields(line)?;
    let (module, version) = escaped_pair(module, version.strip_suffix("/go.mod")?)?;
    Some(PathBuf::from(format!(
        "cache/download/{module}/@v/{version}.mod"
    )))
}

/// Returns the folder and the hash's file of a line `MODULE VERSION HASH`.
pub(super) fn archive(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (module, version) = fields(line)?;
    let (module, version) = escaped_pair(module, version)?;
    let hash = format!("cache/download/{module}/@v/{version}.ziphash");
    Some((format!("{module}@{version}").into(), hash.into()))
}

fn fields(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.split_ascii_whitespace();
    Some((fields.next()?, fields.next()?))
}

/// Returns both as they are written in paths; none if they would lead elsewhere.
fn escaped_pair(module: &str, version: &str) -> Option<(String, String)> {
    let plain = |text: &str| {
        let parts = || text.split('/');
        !text.contains('\\') && parts().all(|part| !matches!(part, "" | "." | ".."))
    };
    let safe = plain(module) && plain(version) && !version.contains('/');
    safe.then(|| (escaped(module), escaped(version)))
}

/// Writes capitals as `!` and the small letter, for file systems that do not tell them apart.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
    }
    escaped
}

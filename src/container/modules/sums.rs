//! The `go.mod` files of the build list, as far as the module cache has them.
//!
//! With `-mod=readonly` a `go.mod` that takes part is named in a `go.sum`, as `MODULE VERSION/go.mod
//! HASH`. Which of them a build loads depends on its imports; the listing has loaded the same.

use std::path::{Path, PathBuf};

use super::ModulesError;

/// Returns their files, relative to the module cache.
pub(super) fn module_files(cache: &Path, sources: &Path) -> Result<Vec<PathBuf>, ModulesError> {
    let mut files = Vec::new();
    for sums in sum_files(sources)? {
        let text = std::fs::read_to_string(&sums).map_err(|source| ModulesError::Copy {
            path: sums.clone(),
            source,
        })?;
        let named = text.lines().filter_map(module_file);
        files.extend(named.filter(|file| cache.join(file).is_file()));
    }
    Ok(files)
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
    let mut fields = line.split_ascii_whitespace();
    let (module, version) = (fields.next()?, fields.next()?);
    let version = version.strip_suffix("/go.mod")?;
    let plain = |text: &str| {
        let parts = || text.split('/');
        !text.contains('\\') && parts().all(|part| !matches!(part, "" | "." | ".."))
    };
    if !plain(module) || !plain(version) || version.contains('/') {
        return None;
    }
    let (module, version) = (escaped(module), escaped(version));
    Some(PathBuf::from(format!(
        "cache/download/{module}/@v/{version}.mod"
    )))
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

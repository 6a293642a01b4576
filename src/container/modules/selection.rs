//! Which files of the module cache one package needs.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::ModulesError;
use super::listing::{Module, Package};

/// Folder that `go` never builds from.
const TEST_DATA: &str = "testdata";

/// Returns the files that compiling a package reads, relative to the module cache. None if the
/// package is not of a downloaded module.
pub(super) fn files(package: &Package, cache: &Path) -> Result<Vec<PathBuf>, ModulesError> {
    let Some(module) = package.module.as_ref().filter(|_| !package.standard) else {
        return Ok(Vec::new());
    };
    if !package.dir.starts_with(cache) {
        return Ok(Vec::new());
    }
    let mut found = match package.is_foreign() || includes_others(package)? {
        true => below(&module.dir)?,
        false => directly_in(&package.dir)?,
    };
    found.extend(
        package
            .embed_files
            .iter()
            .map(|file| package.dir.join(file)),
    );
    found.extend(trusted(module));
    let relative = |path: PathBuf| path.strip_prefix(cache).map(Path::to_owned).ok();
    Ok(found.into_iter().filter_map(relative).collect())
}

/// Returns what `go` reads before it uses a module's folder: the hash of the archive it was
/// extracted from, and its `go.mod`.
fn trusted(module: &Module) -> [PathBuf; 2] {
    [
        module.go_mod.with_extension("ziphash"),
        module.go_mod.clone(),
    ]
}

/// Tells whether some file includes one of another folder.
fn includes_others(package: &Package) -> Result<bool, ModulesError> {
    for file in package.including() {
        let path = package.dir.join(file);
        let text = std::fs::read(&path).map_err(|source| ModulesError::Copy { path, source })?;
        if text.split(|byte| *byte == b'\n').any(reaches_out) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells whether a line is `#include "folder/file"`.
fn reaches_out(line: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii_start().strip_prefix(b"#") else {
        return false;
    };
    let Some(name) = rest.trim_ascii_start().strip_prefix(b"include") else {
        return false;
    };
    name.contains(&b'/')
}

/// Returns the files of a folder that are no tests.
fn directly_in(folder: &Path) -> Result<Vec<PathBuf>, ModulesError> {
    let entries = list(folder)?.into_iter();
    let files = entries.filter(|(path, is_folder)| !is_folder && !is_test(path));
    Ok(files.map(|(path, _)| path).collect())
}

/// Returns the files of a folder and those below it that are no tests.
fn below(folder: &Path) -> Result<Vec<PathBuf>, ModulesError> {
    let mut open = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for (path, is_folder) in list(&folder)? {
            if !is_folder && !is_test(&path) {
                files.push(path);
            } else if is_folder && path.file_name() != Some(OsStr::new(TEST_DATA)) {
                open.push(path);
            }
        }
    }
    Ok(files)
}

fn list(folder: &Path) -> Result<Vec<(PathBuf, bool)>, ModulesError> {
    let read = |folder: &Path| -> io::Result<Vec<(PathBuf, bool)>> {
        let entries = std::fs::read_dir(folder)?;
        let entries = entries.map(|entry| {
            let entry = entry?;
            Ok((entry.path(), entry.file_type()?.is_dir()))
        });
        entries.collect()
    };
    read(folder).map_err(|source| ModulesError::Copy {
        path: folder.to_owned(),
        source,
    })
}

fn is_test(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().ends_with(b"_test.go")
}

#[cfg(test)]
mod tests {
    use super::reaches_out;

    #[test]
    fn includes_of_other_folders_are_seen() {
        for line in [
            "#include \"../x.h\"",
            "  # include <deep/x.h>",
            "#include \"a/b.inc\"",
        ] {
            assert!(reaches_out(line.as_bytes()), "{line}");
        }
        for line in [
            "#include \"textflag.h\"",
            "// a/b",
            "#define include a/b",
            "include a/b",
        ] {
            assert!(!reaches_out(line.as_bytes()), "{line}");
        }
    }
}

//! Layers of this machine's own Debian packages: a C compiler, a C library.

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::tool;

/// Names that in an image lead to where a merged `/usr` has the files.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// What no compilation reads, by the start of its path.
const UNREAD: [&str; 5] = [
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
];

/// Packs packages and all that they depend on.
pub(crate) fn pack(packages: &[&str], archive: &Path) {
    let mut archive = tar::Builder::new(File::create(archive).unwrap());
    archive.follow_symlinks(false);
    let files: BTreeSet<PathBuf> = closure(packages)
        .iter()
        .flat_map(|name| files(name))
        .collect();
    for file in files.iter().filter(|file| is_read(file)) {
        let from = Path::new("/").join(file);
        archive.append_path_with_name(from, file).unwrap();
    }
    for name in MERGED {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        let target = Path::new("usr").join(name);
        archive.append_link(&mut header, name, target).unwrap();
    }
    archive.finish().unwrap();
}

/// Returns the names of packages and of all that they depend on, of alternatives the installed one.
fn closure(packages: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut queue: VecDeque<String> = packages.iter().map(ToString::to_string).collect();
    while let Some(name) = queue.pop_front() {
        if let Some(depends) = depends(&name)
            && found.insert(name)
        {
            let names = depends.split([',', '|']).filter_map(|one| {
                let name = one.split_whitespace().next()?;
                Some(name.split(':').next()?.to_owned())
            });
            queue.extend(names);
        }
    }
    for name in packages {
        assert!(found.contains(*name), "the package {name} is not installed");
    }
    found
}

/// Returns what a package depends on; nothing if it is not installed.
fn depends(name: &str) -> Option<String> {
    let format = "--showformat=${Depends},${Pre-Depends}";
    let output = std::process::Command::new("dpkg-query")
        .args(["--show", format, name])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then_some(text)
}

/// Returns a package's files, without a leading slash and by their real folders.
fn files(package: &str) -> Vec<PathBuf> {
    let listed = tool::run("dpkg-query", &["--listfiles", package]);
    let files = listed.lines().filter_map(|line| {
        let path = Path::new(line);
        // A package may list files that were left out when it was installed.
        let kind = fs::symlink_metadata(path).ok()?.file_type();
        let real = fs::canonicalize(path.parent()?)
            .ok()?
            .join(path.file_name()?);
        let relative = real.strip_prefix("/").ok()?.to_owned();
        (kind.is_file() || kind.is_symlink()).then_some(relative)
    });
    files.collect()
}

fn is_read(file: &Path) -> bool {
    let merged = MERGED.iter().any(|name| file == Path::new(name));
    let unread = UNREAD.iter().any(|folder| file.starts_with(folder));
    let name = file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    // Link-time optimisation and sanitizers of C are half of a compiler.
    let part = name == "lto1" || name.contains("san.") || name.contains("san_");
    !merged && !unread && !part
}

//! This very program, as a layout for steps that run it in their container.
//!
//! A static binary is all there is to it. A binary that loads shared libraries comes with those
//! that are loaded now and with its dynamic linker, which starts it there: the containers' roots
//! have no C library, or another one.
//!
//! Source: proc(5), `/proc/pid/maps`; ld.so(8), `--library-path`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::memo::Memo;
use super::program::library_name;
use super::{Host, ToolchainError};
use crate::content::{Attributes, Compression, FileCache, Layer, LayerBuilder, Layout};
use crate::oci::Platform;

/// Name of the layout in `oci-layout://` sources.
const NAME: &str = "gobuild/helper";

/// File name of the program in the layout.
const PROGRAM: &str = "gobuild";

/// This program and all that it needs to run elsewhere, by file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    files: BTreeMap<String, PathBuf>,
    /// File name of the dynamic linker; none if the program is static.
    linker: Option<String>,
}

impl Helper {
    /// Returns the helper for steps that run on `platform`; none if this program cannot run there.
    #[must_use]
    pub fn of_this_process(platform: &Platform) -> Option<Self> {
        let here = Platform::linux(std::env::consts::ARCH);
        if std::env::consts::OS != "linux"
            || (&here.os, &here.architecture) != (&platform.os, &platform.architecture)
        {
            return None;
        }
        let program = fs::read_link("/proc/self/exe").ok()?;
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        let helper = Self::of(program, &maps, library_name);
        let whole = helper.files.values().all(|path| path.is_file());
        whole.then_some(helper)
    }

    /// Returns the helper that is a static program for `platform`.
    ///
    /// # Errors
    /// The file cannot be read, or is something else.
    pub fn of_program(program: PathBuf, platform: &Platform) -> Result<Self, ToolchainError> {
        super::program::check(&program, platform)?;
        Ok(Self::of(program, "", |_| None))
    }

    /// Returns the program and what `maps` names; `asked_for` is the name that a library is loaded by,
    /// if that is another one than its file's.
    fn of(program: PathBuf, maps: &str, asked_for: impl Fn(&Path) -> Option<String>) -> Self {
        let mut files = BTreeMap::new();
        let mut linker = None;
        // address perms offset dev inode path
        let mapped = maps.lines().filter_map(|line| {
            let path = line.splitn(6, ' ').nth(5)?.trim_start();
            path.starts_with('/').then(|| Path::new(path))
        });
        for path in mapped {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            // Most libraries are mapped in several parts.
            let is_known = files.values().any(|known: &PathBuf| known == path);
            if path == program || is_known || !name.contains(".so") {
                continue;
            }
            let name = asked_for(path).unwrap_or_else(|| name.to_owned());
            if name.starts_with("ld-") {
                linker = Some(name.clone());
            }
            files.insert(name, path.to_owned());
        }
        files.insert(PROGRAM.to_owned(), program);
        Self { files, linker }
    }

    /// Returns the command that is this program where the layout is mounted at `folder`.
    #[must_use]
    pub fn command(&self, folder: &str) -> Vec<String> {
        let program = format!("{folder}/{PROGRAM}");
        match &self.linker {
            None => vec![program],
            Some(linker) => vec![
                format!("{folder}/{linker}"),
                "--library-path".to_owned(),
                folder.to_owned(),
                program,
            ],
        }
    }

    /// Returns the layout. Its digest is remembered for as long as no file changes.
    ///
    /// # Errors
    /// A file cannot be read, or the memo not be written.
    pub fn layout(&self, platform: &Platform, host: &Host) -> Result<Layout, ToolchainError> {
        let fingerprint = self.fingerprint()?;
        let memo_path = host.memo_path(&format!("helper-{}", &fingerprint[..16]));
        let builder = self.layer()?;
        let layer = match Memo::read(&memo_path, Some(&fingerprint)) {
            Some(memo) => Layer::known(
                memo.layer().clone(),
                memo.diff_id().clone(),
                builder.blob(&FileCache::disabled())?,
            ),
            None => {
                let layer = builder.pack(&FileCache::disabled(), Compression::None)?;
                Memo::of(&layer, Some(fingerprint)).write(&memo_path)?;
                layer
            }
        };
        Ok(Layout::new(NAME, platform, &[layer])?)
    }

    /// Returns the file name of the dynamic linker; none if the program is static.
    #[must_use]
    pub fn linker(&self) -> Option<&str> {
        self.linker.as_deref()
    }

    /// Returns the entries of the layout's layer.
    ///
    /// # Errors
    /// Two files have one name.
    pub fn layer(&self) -> Result<LayerBuilder, ToolchainError> {
        let mut layer = LayerBuilder::new();
        for (name, path) in &self.files {
            layer.disk_file(name, path.as_path(), Attributes::EXECUTABLE)?;
        }
        Ok(layer)
    }

    /// Names the state of all files.
    fn fingerprint(&self) -> Result<String, ToolchainError> {
        let mut hash = Sha256::new();
        for (name, path) in &self.files {
            let metadata = fs::metadata(path).map_err(|source| ToolchainError::Helper {
                path: path.clone(),
                source,
            })?;
            let state = format!(
                "{name} {} {} {} {} {}\n",
                path.display(),
                metadata.ino(),
                metadata.size(),
                metadata.mtime(),
                metadata.mtime_nsec()
            );
            hash.update(state);
        }
        let digest = hash.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0c0000000-55d0c0001000 r--p 00000000 fe:00 11 /opt/my programs/gobuild
7f0000000000-7f0000001000 r-xp 00000000 fe:00 12                     /lib/x86_64-linux-gnu/libc.so.6
7f0000002000-7f0000003000 r-xp 00000000 fe:00 13                     /lib/x86_64-linux-gnu/ld-linux-x86-64.so.2
7f0000004000-7f0000005000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0                      [vdso]
";

    #[test]
    fn a_dynamic_program_is_started_by_its_own_linker() {
        let program = PathBuf::from("/opt/my programs/gobuild");
        let helper = Helper::of(program, MAPS, |_| None);
        let names: Vec<&str> = helper.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["gobuild", "ld-linux-x86-64.so.2", "libc.so.6"]);
        assert_eq!(
            helper.command("/run/x"),
            [
                "/run/x/ld-linux-x86-64.so.2",
                "--library-path",
                "/run/x",
                "/run/x/gobuild"
            ]
        );
    }

    #[test]
    fn libraries_have_the_names_by_which_they_are_asked_for() {
        let maps = MAPS
            .replace("libc.so.6", "libc-2.31.so")
            .replace("ld-linux-x86-64.so.2", "ld-2.31.so");
        let helper = Helper::of(PathBuf::from("/opt/my programs/gobuild"), &maps, |path| {
            Some(match path.to_str()? {
                "/lib/x86_64-linux-gnu/ld-2.31.so" => "ld-linux-x86-64.so.2".to_owned(),
                _ => "libc.so.6".to_owned(),
            })
        });
        let names: Vec<&str> = helper.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["gobuild", "ld-linux-x86-64.so.2", "libc.so.6"]);
        assert_eq!(helper.linker(), Some("ld-linux-x86-64.so.2"));
        assert!(helper.files["libc.so.6"].ends_with("libc-2.31.so"));
        // Of this test's own libraries, those of Debian are called as their files.
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let libc = maps.lines().find_map(|line| {
            let path = Path::new(line.splitn(6, ' ').nth(5)?.trim_start());
            let name = path.file_name()?.to_str()?;
            name.starts_with("libc").then(|| path.to_owned())
        });
        let libc = libc.and_then(|path| library_name(&path));
        assert!(libc.is_none_or(|name| name.starts_with("libc.")));
    }

    #[test]
    fn a_static_program_is_all_there_is() {
        let helper = Helper::of(
            PathBuf::from("/usr/bin/gobuild"),
            MAPS.lines().next().unwrap(),
            |_| None,
        );
        assert_eq!(helper.command("/run/x"), ["/run/x/gobuild"]);
        assert_eq!(helper.files.len(), 1);
    }

    #[test]
    fn a_layout_that_is_remembered_has_the_same_digest_and_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        fs::write(&program, "bytes").unwrap();
        let helper = Helper::of(program.clone(), "", |_| None);
        let host = Host::new(folder.path().join("cache"));
        let platform = Platform::linux("amd64");
        let first = helper.layout(&platform, &host).unwrap();
        let second = helper.layout(&platform, &host).unwrap();
        assert_eq!(first.digest(), second.digest());
        fs::write(&program, "other bytes").unwrap();
        let third = helper.layout(&platform, &host).unwrap();
        assert_ne!(first.digest(), third.digest());
    }

    #[test]
    fn steps_on_another_architecture_have_none() {
        let foreign = match std::env::consts::ARCH {
            "x86_64" => "arm64",
            _ => "amd64",
        };
        assert!(Helper::of_this_process(&Platform::linux(foreign)).is_none());
        assert!(Helper::of_this_process(&Platform::linux(std::env::consts::ARCH)).is_some());
    }
}

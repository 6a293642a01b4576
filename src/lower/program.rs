//! Steps that run gobuild and nothing else, and a toolchain that one of them unpacks.

use super::by_definition;
use crate::llb::{self, Bind, Exec, Http, Metadata, Network, Output, Tmpfs};
use crate::oci::Platform;
use crate::plan::paths;
use crate::project::lock::LockedToolchain;

/// Folder of a toolchain's archive in the step that unpacks it.
const ARCHIVES: &str = "/run/gobuild/archive";
/// Name of the archive there.
const ARCHIVE: &str = "toolchain.zip";

/// gobuild as steps run it.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is mounted at [`paths::HELPER`].
    pub image: Output,
    /// The command that is gobuild there.
    pub command: Vec<String>,
    /// The platform that it runs on.
    pub platform: Platform,
}

impl Program {
    /// Returns a step that runs `gobuild step` with these words, without a network. Its root is empty
    /// and gobuild is mounted into it, for the reason that toolchains are (`lower::Toolchain`).
    pub fn step(&self, name: String, words: &[&str]) -> Exec {
        let mut args = self.command.clone();
        args.push("step".to_owned());
        args.extend(words.iter().map(|word| (*word).to_owned()));
        let root = Bind::writable(&Output::scratch());
        Exec::new(root, self.platform.clone(), args)
            .network(Network::None)
            .bind(paths::HELPER, by_definition(&self.image))
            .bind(paths::OUTPUT, Bind::writable(&Output::scratch()))
            .tmpfs(paths::TEMPORARY, Tmpfs::default())
            .metadata(Metadata::named(name))
    }

    /// Returns a toolchain whose archive the daemon downloads from `url`, and compares with the digest
    /// that is locked.
    ///
    /// # Errors
    /// The URL is none.
    pub fn unpacked(&self, locked: &LockedToolchain, url: &str) -> Result<Output, llb::Error> {
        let version = locked.version.as_str();
        let archive = Http::new(url)
            .checksum(locked.digest.as_ref())
            .filename(ARCHIVE)
            .metadata(Metadata::named(format!("download go {version}")))
            .build()?;
        let file = format!("{ARCHIVES}/{ARCHIVE}");
        let words = [
            "toolchain",
            "--go",
            version,
            "--archive",
            &file,
            "--output",
            paths::OUTPUT,
        ];
        self.step(format!("go {version}"), &words)
            .bind(ARCHIVES, Bind::read_only(&archive))
            .build()?
            .output(paths::OUTPUT)
    }
}

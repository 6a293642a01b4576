//! `go list -json`: a stream of objects, one per package.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

use super::{ModulesError, Query};

/// A listed package, as far as it matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Package {
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Whether it is of the standard library.
    pub(super) standard: bool,
    /// The module that provides it.
    pub(super) module: Option<Module>,
    /// Embedded files, relative to the folder.
    pub(super) embed_files: Vec<PathBuf>,
    cgo_files: Vec<PathBuf>,
    swig_files: Vec<PathBuf>,
    #[serde(rename = "SwigCXXFiles")]
    swig_cxx_files: Vec<PathBuf>,
    c_files: Vec<PathBuf>,
    #[serde(rename = "CXXFiles")]
    cxx_files: Vec<PathBuf>,
    m_files: Vec<PathBuf>,
    h_files: Vec<PathBuf>,
    f_files: Vec<PathBuf>,
    s_files: Vec<PathBuf>,
}

/// The module of a package.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Module {
    /// Its folder.
    pub(super) dir: PathBuf,
    /// Its `go.mod`: for a downloaded module `VERSION.mod` in the download cache.
    pub(super) go_mod: PathBuf,
}

impl Package {
    /// Tells whether a C compiler takes part, which may be told to look anywhere.
    pub(super) fn is_foreign(&self) -> bool {
        let foreign = [
            &self.cgo_files,
            &self.swig_files,
            &self.swig_cxx_files,
            &self.c_files,
            &self.cxx_files,
            &self.m_files,
            &self.f_files,
        ];
        foreign.iter().any(|files| !files.is_empty())
    }

    /// Returns the files that may include others: assembly and headers.
    pub(super) fn including(&self) -> impl Iterator<Item = &PathBuf> {
        self.s_files.iter().chain(&self.h_files)
    }
}

/// Runs a query; what the go command says on standard error goes to this process's own.
pub(super) fn run(query: &Query) -> Result<Vec<Package>, ModulesError> {
    let (program, args) = query.command.split_first().ok_or(ModulesError::Start {
        program: String::new(),
        source: io::ErrorKind::InvalidInput.into(),
    })?;
    let started = Command::new(program)
        .args(args)
        .envs(query.env.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let failed = |source| ModulesError::Start {
        program: program.clone(),
        source,
    };
    let output = started.and_then(std::process::Child::wait_with_output);
    let output = output.map_err(failed)?;
    if !output.status.success() {
        let code = output.status.code();
        return Err(ModulesError::Failed { code });
    }
    parse(&output.stdout)
}

pub(super) fn parse(json: &[u8]) -> Result<Vec<Package>, ModulesError> {
    let packages = serde_json::Deserializer::from_slice(json).into_iter();
    packages
        .collect::<Result<_, _>>()
        .map_err(|error| ModulesError::Listing(error.into()))
}

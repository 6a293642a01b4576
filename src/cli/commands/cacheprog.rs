//! `gobuild cacheprog`

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;

use crate::cacheprog::{self, Options, Remote, Report};
use crate::cli::output::Output;
use crate::cli::{Outcome, gocache, settings};
use crate::error::{Error, Kind};

/// Serve the go command as its build cache (GOCACHEPROG, Go 1.24 and later)
///
/// The go command starts it:
///
///   GOCACHEPROG="gobuild cacheprog --remote s3://bucket/cache" go build ./...
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// Cache folder to read and write, shared with plain go [env: GOBUILD_CACHEPROG_DIR, GOCACHE]
    /// [default: go-build in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Remove what was not used for longest when the folder is larger, such as 10GB; 0 is no limit
    #[arg(long, value_name = "SIZE", env = "GOBUILD_CACHEPROG_MAX_SIZE", hide_env_values = true,
        value_parser = cacheprog::size::parse, default_value = "0")]
    max_size: u64,
    /// Cache folder to read only; repeatable
    #[arg(
        long,
        value_name = "DIR",
        env = "GOBUILD_CACHEPROG_SEED",
        hide_env_values = true,
        value_delimiter = ':'
    )]
    seed: Vec<OsString>,
    /// The same, of entries that the next build gets otherwise: they are not sent to the remote
    #[arg(
        long,
        value_name = "DIR",
        env = "GOBUILD_CACHEPROG_SEED_SHIPPED",
        hide_env_values = true,
        value_delimiter = ':'
    )]
    seed_shipped: Vec<OsString>,
    /// Copy the entries that the build used into a cache folder
    #[arg(
        long,
        value_name = "DIR",
        env = "GOBUILD_CACHEPROG_COLLECT",
        hide_env_values = true
    )]
    collect: Option<OsString>,
    /// Shared cache: s3://BUCKET/PREFIX (with AWS_* variables), https://, http://, file://, or the
    /// socket of a relay, unix://PATH
    #[arg(
        long,
        value_name = "URL",
        env = "GOBUILD_CACHEPROG_REMOTE",
        hide_env_values = true
    )]
    remote: Option<String>,
    /// Whether new entries are written to the shared cache
    #[arg(long, value_enum, env = "GOBUILD_CACHEPROG_REMOTE_MODE", hide_env_values = true,
        default_value_t = RemoteMode::Read)]
    remote_mode: RemoteMode,
    /// Seconds that the build waits for the shared cache to answer
    #[arg(
        long,
        value_name = "SECONDS",
        env = "GOBUILD_CACHEPROG_REMOTE_TIMEOUT",
        hide_env_values = true,
        default_value_t = 5
    )]
    remote_timeout: u64,
    /// What is built: main package, platform, toolchain, flags. The entries that the last builds of
    /// the same scope used are fetched
    #[arg(
        long,
        value_name = "NAME",
        env = "GOBUILD_CACHEPROG_SCOPE",
        hide_env_values = true,
        default_value = "default"
    )]
    scope: String,
    /// Write a report (JSON) to a file
    #[arg(
        long,
        value_name = "FILE",
        env = "GOBUILD_CACHEPROG_STATS",
        hide_env_values = true
    )]
    stats: Option<OsString>,
    /// Print one line about hits, misses and bytes to standard error
    #[arg(
        long,
        env = "GOBUILD_CACHEPROG_SUMMARY",
        hide_env_values = true,
        value_parser = FalseyValueParser::new()
    )]
    summary: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RemoteMode {
    /// Read only
    Read,
    /// Read, and write what is new
    ReadWrite,
}

pub(crate) fn run(args: Args, output: &Output) -> Outcome {
    let options = args.options()?;
    let (input, answers) = settings::pipes()?;
    let ran = cacheprog::run(&options, input, Box::new(answers), Output::say);
    let report = ran.map_err(|error| Error::of(Kind::Other, &error))?;
    if args.summary {
        output.note(&report.summary());
    }
    match named(args.stats.as_ref()) {
        Some(file) => write(&report, &file),
        None => Ok(()),
    }
}

/// Returns a path; an empty variable names none.
fn named(path: Option<&OsString>) -> Option<PathBuf> {
    path.filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn write(report: &Report, file: &Path) -> Outcome {
    let failed = |error: std::io::Error| {
        let message = format!("cannot write {}", file.display());
        Error::of(Kind::Other, &error).under(&message)
    };
    let target = File::create(file).map_err(failed)?;
    serde_json::to_writer_pretty(target, report).map_err(|error| failed(error.into()))
}

impl Args {
    fn options(&self) -> Result<Options, Error> {
        let seeds = self.seed.iter().map(|path| (path.into(), false));
        let shipped = self.seed_shipped.iter().map(|path| (path.into(), true));
        let seeds = seeds.chain(shipped);
        let remote = self.remote.clone().filter(|url| !url.is_empty());
        Ok(Options {
            dir: match &self.dir {
                Some(dir) => dir.clone(),
                None => gocache::own()?,
            },
            max_size: (self.max_size > 0).then_some(self.max_size),
            seeds: seeds
                .filter(|(path, _): &(PathBuf, bool)| !path.as_os_str().is_empty())
                .collect(),
            collect: named(self.collect.as_ref()),
            remote: remote.map(|url| Remote {
                url,
                write: self.remote_mode == RemoteMode::ReadWrite,
                patience: Duration::from_secs(self.remote_timeout),
                token: settings::remote_token(),
            }),
            scope: self.scope.clone(),
        })
    }
}

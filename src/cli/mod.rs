//! The command line: what was typed → settings → run → exit code.
//!
//! clap's types stop here; everything below takes `settings`. Each command is one file of
//! `commands`: its arguments, whose doc comments are the help, and one thin function.

#![expect(
    clippy::disallowed_methods,
    reason = "the edge that reads the command line and the environment, and writes to the terminal"
)]

mod annotations;
mod attestations;
mod builder;
mod caches;
mod commands;
mod failure;
mod gocache;
#[cfg(test)]
mod help;
mod load;
mod managed;
mod nodes;
mod output;
mod progress;
mod rendering;
mod settings;
mod signals;

use std::ffi::OsStr;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::{EXIT_OK, EXIT_USAGE, Error};
use output::Output;

/// Build container images from Go projects with BuildKit, without a Dockerfile
#[derive(Debug, Parser)]
#[command(
    name = "gobuild",
    version,
    propagate_version = true,
    max_term_width = 100,
    // The last one counts, so that scripts and aliases can be added to.
    args_override_self = true
)]
#[command(after_long_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What the help text ends with.
const AFTER_HELP: &str = "\
Exit codes:
  0    Done
  1    Other error
  2    Wrong command line
  3    Wrong project: manifest, modules, sources, toolchain
  4    No builder, or builder lost
  5    A step of the build failed
  6    A registry refused
  130  Cancelled

Environment:
  BUILDX_BUILDER           Builder of docker buildx, after --builder and --addr
  BUILDKIT_HOST            Address of the builder, after BUILDX_BUILDER
  BUILDX_CONFIG            Builders of docker buildx [default: buildx/ in DOCKER_CONFIG]
  DOCKER_HOST, DOCKER_CONTEXT, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH
                           As for docker: which engine builds or is loaded into, which builder of
                           docker buildx is the current one
  CONTAINER_HOST, KIND_CLUSTER_NAME
                           As for podman and ko: where --load=podman and --load=kind load
  SOURCE_DATE_EPOCH        Time of everything in the image [default: 0]
  DOCKER_CONFIG            Docker's folder: registry credentials, builders [default: ~/.docker]
  XDG_CACHE_HOME           Digests of toolchains and sources, what was pushed [default: ~/.cache]
  XDG_DATA_HOME            Managed builder [default: ~/.local/share]
  GOWORK, GOPROXY, NETRC   As for go; so are GOPRIVATE, GOAUTH and go env -w
  GITHUB_ACTIONS           true: errors and findings as workflow commands, too
  GOBUILD_BUILDER_IDLE     Time without a build after which the managed builder stops, such as 2h;
                           0: never [default: 30m]
  GOBUILD_LOG              Traces on standard error, such as debug";

#[derive(Debug, Subcommand)]
enum Command {
    Image(Box<commands::image::Args>),
    Resolve(Box<commands::resolve::Args>),
    Plan(commands::plan::Args),
    Check(commands::check::Args),
    Affected(commands::affected::Args),
    Lock(commands::lock::Args),
    Llb(commands::llb::Args),
    Builder(commands::builder::Args),
    Cacheprog(commands::cacheprog::Args),
    Frontend(commands::frontend::Args),
    Completions(commands::completions::Args),
    #[command(hide = true)]
    Step(commands::step::Args),
}

/// Runs the command line of this process; returns its exit code.
#[must_use]
pub fn main() -> u8 {
    let cli = match typed() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no mistakes. If even this cannot be written, nobody listens.
            let _ = error.print();
            return if error.use_stderr() {
                EXIT_USAGE
            } else {
                EXIT_OK
            };
        }
    };
    start_tracing();
    let output = Output::new();
    let outcome = match cli.command {
        Command::Image(args) => commands::image::run(&args, &output),
        Command::Resolve(args) => commands::resolve::run(*args, &output),
        Command::Plan(args) => commands::plan::run(args, &output),
        Command::Check(args) => commands::check::run(args, &output),
        Command::Affected(args) => commands::affected::run(&args, &output),
        Command::Lock(args) => commands::lock::run(&args, &output),
        Command::Llb(args) => commands::llb::run(args, &output),
        Command::Builder(args) => commands::builder::run(args, &output),
        Command::Cacheprog(args) => commands::cacheprog::run(args, &output),
        Command::Frontend(args) => commands::frontend::run(args, &output),
        Command::Completions(args) => commands::completions::run(&args, &output),
        Command::Step(args) => commands::step::run(args),
    };
    match outcome {
        Ok(()) => EXIT_OK,
        Err(error) => {
            output.error(&error);
            error.kind.exit_code()
        }
    }
}

/// Reads what was typed, and the environment of flags.
fn typed() -> Result<Cli, clap::Error> {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    let mut command = without_empty(Cli::command(), &is_empty);
    let matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Has a command take variables that are empty for ones that are not set, as CI systems mean them.
fn without_empty(command: clap::Command, is_empty: &dyn Fn(&OsStr) -> bool) -> clap::Command {
    let command = command.mut_args(|argument| match argument.get_env().is_some_and(is_empty) {
        true => argument.env(None::<&str>),
        false => argument,
    });
    command.mut_subcommands(|command| without_empty(command, is_empty))
}

/// Sends the program's own traces to standard error if `GOBUILD_LOG` asks for them.
fn start_tracing() {
    use tracing_subscriber::EnvFilter;
    if let Ok(filter) = EnvFilter::try_from_env("GOBUILD_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}

/// What a command returns.
type Outcome = Result<(), Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_variable_that_is_empty_is_not_set() {
        const EMPTY: &str = "GOBUILD_COMPILE_CACHE_MODE";
        fn read(command: &clap::Command) -> Vec<&OsStr> {
            let own = command.get_arguments().filter_map(clap::Arg::get_env);
            own.chain(command.get_subcommands().flat_map(read))
                .collect()
        }
        let all = Cli::command();
        let set = without_empty(Cli::command(), &|name| name == EMPTY);
        assert!(read(&all).contains(&OsStr::new(EMPTY)));
        let rest = read(&all).into_iter().filter(|name| *name != EMPTY);
        assert_eq!(read(&set), rest.collect::<Vec<_>>());
    }
}

//! `gobuild completions`

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::output::Output;
use crate::cli::{Cli, Outcome};

/// Print a shell's completion script
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Shell to complete for
    shell: Shell,
}

pub(crate) fn run(args: &Args, output: &Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gobuild", &mut script);
    output.data(&script)
}

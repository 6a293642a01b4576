//! The `gobuild` command: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(gobuild::cli::main())
}

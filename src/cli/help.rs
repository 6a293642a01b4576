//! The whole `--help` of every command, kept in `help.txt` so that a change of it is seen.
//!
//! `make snapshots` writes the file anew.

use clap::{Command, CommandFactory as _};

use super::Cli;

/// Columns of the terminal that the file is written for.
const WIDTH: usize = 100;

#[test]
fn help_snapshot_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/help.txt");
    let mut text = String::new();
    let mut cli = Cli::command().term_width(WIDTH);
    cli.build();
    collect(&mut cli, &mut text);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == text,
        "{path} is stale: run make snapshots and look at the difference\n{text}"
    );
}

/// Appends the help of a command and of all below it.
fn collect(command: &mut Command, text: &mut String) {
    // Values of the machine's environment are no part of the snapshot.
    *command = command
        .clone()
        .mut_args(|argument| argument.hide_env_values(true));
    let name = command
        .get_bin_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!(
        "$ {name} --help\n{}\n\n",
        lines.join("\n").trim_end()
    ));
    for subcommand in command.get_subcommands_mut() {
        if subcommand.get_name() != "help" && !subcommand.is_hide_set() {
            collect(subcommand, text);
        }
    }
}

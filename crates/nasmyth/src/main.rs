//! The command line.

mod bars;
mod commands;

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match commands::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match std::panic::catch_unwind(|| cli.run()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            complain(&nasmyth::explanation(&error));
            ExitCode::from(nasmyth::exit_code(&error))
        }
        Err(_) => {
            complain("this is a bug in Nasmyth; please report it with the message above");
            ExitCode::from(1)
        }
    }
}

/// Writes an error; whoever closed standard error does not want it.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "error: {text}");
}

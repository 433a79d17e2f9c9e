//! Measures networks on this machine: a job in JSON in, JSON lines out. Exit code 2 where there is no job that it understands.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match nasmyth_runner::serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nasmyth-runner: {error}");
            ExitCode::from(2)
        }
    }
}

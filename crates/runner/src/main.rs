//! Measures networks on this machine: a job in JSON in, JSON lines out. A job that it does not understand is refused with an exit code of
//! its own.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    match nasmyth_runner::serve(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nasmyth-runner: {error}");
            ExitCode::from(nasmyth_runner::REFUSED)
        }
    }
}

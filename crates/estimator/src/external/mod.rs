//! Any program as an estimator.
//!
//! The program gets one line of JSON for each trial on its standard input and answers with one line of JSON on its
//! standard output:
//!
//! ```text
//! {"trial": 3, "architecture": "graph net\nx = input(...", "onnx": "/tmp/.../trial-3.onnx",
//!  "fidelity": {"rung": 0, "epochs": 4.0}, "previous": null, "seed": 17, "hash": "00..", "data": "digits.csv"}
//! {"value": 0.91, "metrics": {"loss": 0.3}}      or      {"error": "did not converge"}
//! ```
//!
//! It may stay and wait for the next line, or exit after its answer: then it is started again for the next trial. What
//! it writes to standard error, and lines on standard output that are not JSON objects, are kept for when it fails.

mod answer;
mod process;
mod tail;

use crate::{Estimate, EstimateError, Estimator, Job};
use answer::Answer;
use nasmyth_graph::VerifiedGraph;
use process::{Ended, Process};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use thiserror::Error;

/// Writes a network with initial weights drawn from the seed as ONNX to the path.
pub type WriteOnnx = dyn Fn(&VerifiedGraph, u64, &Path) -> Result<(), String> + Send + Sync;

/// A command that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExternalError {
    /// Quotes do not match, or there is nothing.
    #[error(
        "estimator command `{command}`: expected a program and its arguments with matching quotes, such as `python train.py`"
    )]
    Command {
        /// What was given.
        command: String,
    },
    /// There is no such program.
    #[error("estimator program `{program}`: no such file{}; check its name", if program.contains('/') { "" } else { " on the path" })]
    Program {
        /// The first word of the command.
        program: String,
    },
}

/// An estimator that runs a program of the user's.
pub struct External {
    command: Vec<String>,
    data: Option<String>,
    timeout: Option<Duration>,
    onnx: Option<(PathBuf, Box<WriteOnnx>)>,
    idle: Mutex<Vec<Process>>,
}

impl External {
    /// Splits the command as a shell would (quotes and backslashes, nothing else).
    ///
    /// # Errors
    /// When quotes do not match or there is no program.
    pub fn new(command: &str) -> Result<Self, ExternalError> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let command = words.ok_or_else(|| ExternalError::Command { command: command.to_owned() })?;
        Ok(Self { command, data: None, timeout: None, onnx: None, idle: Mutex::default() })
    }

    /// The same, if there is such a program: so that a slip is found before a search begins.
    ///
    /// # Errors
    /// When the program is neither a file nor on the path.
    pub fn found(self) -> Result<Self, ExternalError> {
        let program = &self.command[0];
        let on_path = |folder: PathBuf| {
            let file = folder.join(program);
            file.is_file() || file.with_extension(std::env::consts::EXE_EXTENSION).is_file()
        };
        let mut folders =
            std::env::var_os("PATH").into_iter().flat_map(|p| std::env::split_paths(&p).collect::<Vec<_>>());
        let found = !program.is_empty()
            && (Path::new(program).is_file() || !program.contains('/') && folders.any(on_path));
        if found { Ok(self) } else { Err(ExternalError::Program { program: program.clone() }) }
    }

    /// What the program is told under `data`: a path, usually.
    pub fn data(mut self, data: impl Into<String>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// The longest that one trial may take; without it a program may take for ever.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Writes each network to a file in `folder` before the program is asked. The file is removed after the answer.
    pub fn onnx(mut self, folder: impl Into<PathBuf>, write: Box<WriteOnnx>) -> Self {
        self.onnx = Some((folder.into(), write));
        self
    }

    fn request(&self, job: &Job<'_>, onnx: Option<&Path>) -> String {
        let request = json!({
            "trial": job.trial,
            "hash": format!("{:032x}", job.hash),
            "architecture": job.arch.to_text(),
            "onnx": onnx,
            "fidelity": job.fidelity,
            "previous": job.previous,
            "seed": job.seed,
            "data": self.data,
        });
        format!("{request}\n")
    }

    fn written(&self, job: &Job<'_>) -> Result<Option<TemporaryFile>, EstimateError> {
        let Some((folder, write)) = &self.onnx else { return Ok(None) };
        let file = TemporaryFile(folder.join(format!("trial-{}.onnx", job.trial)));
        let failed = |reason| EstimateError::failed(format!("writing {}: {reason}", file.0.display()));
        write(job.arch, job.seed, &file.0).map_err(failed)?;
        Ok(Some(file))
    }

    fn idle_process(&self) -> Option<Process> {
        self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).pop()
    }

    fn start(&self) -> Result<Process, EstimateError> {
        Process::start(&self.command).map_err(|error| {
            let reason =
                format!("cannot start `{}`: {error}; check the path of the program", self.command[0]);
            EstimateError::failed(reason)
        })
    }

    /// Asks a waiting process; one that left after its last answer is replaced.
    fn ask(&self, job: &Job<'_>, request: &str) -> Result<(Process, String), EstimateError> {
        let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
        if let Some(mut process) = self.idle_process() {
            match process.ask(request, job.stop, deadline) {
                Ok(line) => return Ok((process, line)),
                Err(Ended::Exited(status)) if status.success() => {}
                Err(ended) => return Err(self.failure(process, ended)),
            }
        }
        let mut process = self.start()?;
        match process.ask(request, job.stop, deadline) {
            Ok(line) => Ok((process, line)),
            Err(ended) => Err(self.failure(process, ended)),
        }
    }

    fn failure(&self, mut process: Process, ended: Ended) -> EstimateError {
        process.kill();
        let reason = match ended {
            Ended::Stopped => return EstimateError::Interrupted,
            Ended::TimedOut => {
                format!("the program gave no answer within {:?}", self.timeout.unwrap_or_default())
            }
            Ended::Exited(status) => format!("the program ended without an answer ({status})"),
        };
        EstimateError::Failed { reason, output: process.output() }
    }
}

impl Estimator for External {
    fn estimate(&self, job: &Job<'_>) -> Result<Estimate, EstimateError> {
        let start = Instant::now();
        let onnx = self.written(job)?;
        let request = self.request(job, onnx.as_ref().map(|file| file.0.as_path()));
        let (mut process, line) = self.ask(job, &request)?;
        match Answer::parse(&line, job.trial) {
            Answer::Value(value, metrics) => {
                process.forget_output();
                self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(process);
                Ok(Estimate { value, metrics, seconds: start.elapsed().as_secs_f64() })
            }
            Answer::Error(reason) => {
                let output = process.output();
                process.forget_output();
                self.idle.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(process);
                Err(EstimateError::Failed { reason, output })
            }
            Answer::Nonsense(reason) => {
                process.kill();
                Err(EstimateError::Failed { reason, output: process.output() })
            }
        }
    }
}

struct TemporaryFile(PathBuf);

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

//! A running program: asked a line, answers a line.

use super::tail::Tail;
use crate::StopFlag;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How often the stop flag, the deadline and the program's life are looked at.
const POLL: Duration = Duration::from_millis(20);
/// How long to wait for the last lines of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long a program may take to leave when its input is closed.
const FAREWELL: Duration = Duration::from_millis(500);
/// The longest line that is read as one.
const LONGEST_LINE: u64 = 16 << 20;

/// Why there was no answer.
#[derive(Debug)]
pub(super) enum Ended {
    /// The stop flag was raised.
    Stopped,
    /// The deadline passed.
    TimedOut,
    /// The program ended.
    Exited(ExitStatus),
}

/// A program with threads that feed and read it, so that no full pipe can block the search.
pub(super) struct Process {
    child: Child,
    requests: Option<Sender<String>>,
    answers: Receiver<String>,
    asked_before: bool,
    tail: Tail,
}

impl Process {
    /// Starts the program in a process group of its own.
    pub(super) fn start(command: &[String]) -> io::Result<Self> {
        let mut child = grouped(Command::new(&command[0]).args(&command[1..]))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let tail = Tail::default();
        let (requests, to_write) = channel();
        let (answered, answers) = channel();
        if let (Some(input), Some(output), Some(errors)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        {
            thread::spawn(move || feed(input, &to_write));
            let kept = tail.clone();
            thread::spawn(move || read_answers(output, &answered, &kept));
            let kept = tail.clone();
            thread::spawn(move || keep(errors, &kept));
        }
        Ok(Self { child, requests: Some(requests), answers, asked_before: false, tail })
    }

    /// Sends a line and waits for the answer.
    pub(super) fn ask(
        &mut self,
        request: &str,
        stop: &StopFlag,
        deadline: Option<Instant>,
    ) -> Result<String, Ended> {
        self.forget_stale_answers();
        if let Some(requests) = &self.requests {
            let _ = requests.send(request.to_owned()); // a writer that is gone shows as an ended program
        }
        loop {
            match self.answers.recv_timeout(POLL) {
                Ok(line) => return Ok(line),
                Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL / 4),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if stop.stopped() {
                return Err(Ended::Stopped);
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(Ended::TimedOut);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return self.answers.recv_timeout(LAST_WORDS).map_err(|_| Ended::Exited(status));
            }
        }
    }

    /// Whatever was said since the last answer is no answer to the next request. (A new program may answer before it is
    /// asked: one that does not read its input.)
    fn forget_stale_answers(&mut self) {
        while self.asked_before
            && let Ok(stale) = self.answers.try_recv()
        {
            self.tail.push(stale.as_bytes());
        }
        self.asked_before = true;
    }

    /// The last output, if there was any.
    pub(super) fn output(&self) -> Option<String> {
        self.tail.text()
    }

    /// Forgets the output of a trial that is over.
    pub(super) fn forget_output(&self) {
        self.tail.clear();
    }

    /// Ends the program and everything that it started.
    pub(super) fn kill(&mut self) {
        self.requests = None;
        kill_group(&mut self.child);
        let _ = self.child.wait();
    }

    fn leaves_by_itself(&mut self) -> bool {
        self.requests = None; // closes its input
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.leaves_by_itself() {
            self.kill();
        }
    }
}

#[cfg(unix)]
fn grouped(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    command.process_group(0)
}

#[cfg(not(unix))]
fn grouped(command: &mut Command) -> &mut Command {
    command
}

#[cfg(unix)]
fn kill_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::KILL); // fails when all of it has ended
    }
}

#[cfg(not(unix))]
fn kill_group(child: &mut Child) {
    let _ = child.kill();
}

fn feed(mut input: impl Write, requests: &Receiver<String>) {
    for request in requests {
        if input.write_all(request.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// Lines that begin as a JSON object does are answers; the others are kept as output.
fn read_answers(output: impl Read, answers: &Sender<String>, tail: &Tail) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(output.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
        let text = String::from_utf8_lossy(&line);
        if !looks_like_answer(&text) {
            tail.push(&line);
        } else if answers.send(text.into_owned()).is_err() {
            return;
        }
        line.clear();
    }
}

fn looks_like_answer(line: &str) -> bool {
    let inside = line.trim_start().strip_prefix('{').map(str::trim_start);
    inside.is_some_and(|inside| inside.starts_with(['"', '}']))
}

fn keep(mut errors: impl Read, tail: &Tail) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = errors.read(&mut buffer) {
        tail.push(&buffer[..read]);
    }
}

//! A record of answers, which makes a computation with them repeatable.

use crate::{Chat, ChatError, Request};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Answers from a file where it has them, and from somebody else, whose answers go into the file, where it has none.
///
/// The file has one JSON object a line, `{"request": HASH, "reply": TEXT}` or `{"request": HASH, "failure": TEXT}`, and is only
/// ever appended to. That there was no answer is recorded too, so that it repeats as well; but not before somebody has
/// answered in this process: until then something is set up wrongly, and the request is an error.
pub struct Transcript<C> {
    chat: C,
    path: Option<PathBuf>,
    /// None before the first request.
    lines: Option<HashMap<String, Line>>,
    file: Option<File>,
    /// Whether there has been an answer in this process.
    answered: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    request: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Reply(String),
    Failure(String),
}

impl<C: Chat> Transcript<C> {
    /// Answers of `chat`, kept in the file at `path`, which need not exist, or in memory only. The file is opened at the first
    /// request.
    pub fn new(chat: C, path: Option<PathBuf>) -> Self {
        Self { chat, path, lines: None, file: None, answered: false }
    }

    fn lines(&mut self) -> Result<&mut HashMap<String, Line>, ChatError> {
        let lines = match (self.lines.take(), &self.path) {
            (Some(lines), _) => lines,
            (None, None) => HashMap::new(),
            (None, Some(path)) => read(path)?,
        };
        Ok(self.lines.insert(lines))
    }

    fn record(&mut self, line: &Line) -> Result<(), ChatError> {
        self.lines()?.insert(line.request.clone(), line.clone());
        let Some(path) = &self.path else { return Ok(()) };
        let file = match self.file.take() {
            Some(file) => Ok(file),
            None => OpenOptions::new().create(true).append(true).open(path),
        };
        let written = file.and_then(|mut file| {
            let text = serde_json::to_string(line)? + "\n";
            file.write_all(text.as_bytes())?;
            file.sync_data()?;
            Ok(file)
        });
        self.file = Some(written.map_err(|e| wrong(path, format!("cannot be written: {e}")))?);
        Ok(())
    }
}

impl<C: Chat> Chat for Transcript<C> {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        let hash = request.hash();
        let outcome = match self.lines()?.get(&hash) {
            Some(line) => line.outcome.clone(),
            None => {
                let outcome = match self.chat.complete(request) {
                    Ok(reply) => Outcome::Reply(reply),
                    Err(error) if self.answered => Outcome::Failure(error.to_string()),
                    Err(error) => return Err(error),
                };
                self.answered = true;
                self.record(&Line { request: hash, outcome: outcome.clone() })?;
                outcome
            }
        };
        match outcome {
            Outcome::Reply(reply) => Ok(reply),
            Outcome::Failure(reason) => Err(ChatError::Passing(reason)),
        }
    }
}

/// The whole lines of a file; a last line that a killed process did not finish is cut off.
fn read(path: &Path) -> Result<HashMap<String, Line>, ChatError> {
    let text = match std::fs::read_to_string(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(HashMap::new()),
        other => other.map_err(|e| wrong(path, format!("cannot be read: {e}")))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        let cut = OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(whole as u64));
        cut.map_err(|e| wrong(path, format!("cannot be written: {e}")))?;
    }
    let mut lines = HashMap::new();
    for (number, line) in text[..whole].lines().enumerate() {
        let line: Line = serde_json::from_str(line).map_err(|_| {
            let expected = "expected {\"request\": ..., \"reply\" or \"failure\": ...}";
            wrong(
                path,
                format!("line {}: {expected}; take the line out to have the model asked again", number + 1),
            )
        })?;
        lines.entry(line.request.clone()).or_insert(line);
    }
    Ok(lines)
}

fn wrong(path: &Path, cause: String) -> ChatError {
    ChatError::Transcript { path: path.to_owned(), cause }
}

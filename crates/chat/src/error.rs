//! Why there is no answer.

use std::path::PathBuf;
use thiserror::Error;

/// A request without an answer. No message holds the key.
#[derive(Debug, Error)]
pub enum ChatError {
    /// The environment variable with the key is empty, missing or no key.
    #[error(
        "environment variable `{variable}`: expected the key of the server, got {got}; set it and try again"
    )]
    Key {
        /// Name of the variable.
        variable: String,
        /// What is wrong with it.
        got: &'static str,
    },
    /// This build has no TLS.
    #[error(
        "{url}: this build speaks http only; build with `--features https`, or give the address of a server that speaks http"
    )]
    Https {
        /// Address.
        url: String,
    },
    /// Nobody listens there.
    #[error("{url}: cannot reach the server ({cause}); start it, or check the setting `url`")]
    Unreachable {
        /// Address.
        url: String,
        /// What the system said.
        cause: String,
    },
    /// The server took too long.
    #[error("{url}: no answer within {seconds} s; the setting `timeout` allows more")]
    Late {
        /// Address.
        url: String,
        /// How long it had.
        seconds: f64,
    },
    /// The server refuses.
    #[error("{url}: expected status 200, got {status}{}", hint(*status))]
    Status {
        /// Address.
        url: String,
        /// Status of the answer.
        status: u16,
        /// Seconds that the server asks to wait.
        wait: Option<u64>,
    },
    /// Not what a server of this protocol answers.
    #[error("{url}: expected JSON with choices[0].message.content, got {got}")]
    Answer {
        /// Address.
        url: String,
        /// The beginning of the answer.
        got: String,
    },
    /// The file with the recorded answers.
    #[error("transcript {}: {cause}", path.display())]
    Transcript {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// There was no answer, as an earlier request showed that there can be; this is recorded in place of an answer.
    #[error("{0}")]
    Passing(String),
}

impl ChatError {
    /// Whether it is worth going on without this answer.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }

    /// Whether the same request may succeed in a moment.
    pub(crate) fn is_brief(&self) -> bool {
        matches!(self, Self::Status { status: 408 | 429 | 500..=599, .. })
    }
}

fn hint(status: u16) -> &'static str {
    match status {
        300..=399 => " (it has moved): give its new address as the setting `url`",
        401 | 403 => ": check the key in the environment variable that the setting `key` names",
        404 => ": check the settings `url` and `model`",
        429 => " (too many requests, or the quota is used up)",
        _ => "",
    }
}

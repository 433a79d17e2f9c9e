//! A question and who answers it.

use crate::ChatError;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The rules of the conversation.
    System,
    /// Who asks.
    User,
    /// The model.
    Assistant,
}

/// One part of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// What is said.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into() }
    }
}

/// A conversation that the model is to go on with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    /// Name of the model, as the server knows it.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// How freely words are drawn: 0 takes the most likely one.
    pub temperature: f64,
    /// Of the server's own randomness. Requests that differ in it alone are different requests.
    pub seed: u32,
}

impl Request {
    /// Identity of the request: 32 hexadecimal digits.
    pub fn hash(&self) -> String {
        // Strings and finite numbers always have a JSON form.
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:032x}", xxh3_128(text.as_bytes()))
    }
}

/// Who answers: a server, a recorded transcript, or a program of the caller's.
pub trait Chat: Send {
    /// The model's next message.
    ///
    /// # Errors
    /// No answer. After a [passing](ChatError::is_passing) error later requests may succeed.
    fn complete(&mut self, request: &Request) -> Result<String, ChatError>;
}

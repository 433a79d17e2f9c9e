//! Text from a language model: what is asked ([`Request`]), who answers ([`Chat`]), and a record of the answers ([`Transcript`]).
//!
//! [`Server`] speaks the protocol of OpenAI's chat completions, which llama.cpp, Ollama, vLLM and most hosted models speak too.
//! Answers are data from outside: a [`Transcript`] keeps them, so that what was computed with them can be computed again.

mod address;
mod chat;
mod error;
mod server;
mod transcript;

pub use address::{is_address, is_variable};
pub use chat::{Chat, Message, Request, Role};
pub use error::ChatError;
pub use server::{Server, ServerOptions};
pub use transcript::Transcript;

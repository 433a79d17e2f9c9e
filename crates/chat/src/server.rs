//! A server that speaks the protocol of OpenAI's chat completions.

use crate::address::is_local;
use crate::{Chat, ChatError, Message, Request};
use serde::{Deserialize, Serialize};
use std::thread::sleep;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Response;

/// Longest answer, in bytes.
const LONGEST: u64 = 4 << 20;
/// Wait before the first retry; each further one waits twice as long.
const WAIT: Duration = Duration::from_millis(500);
/// Longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Characters of a wrong answer that an error shows.
const SHOWN: usize = 200;

/// Where a server is and how it is spoken to.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerOptions {
    /// Address, without `/chat/completions`.
    pub url: String,
    /// Environment variable with the key; none for servers that ask for none.
    pub key: Option<String>,
    /// Longest time for one answer.
    pub timeout: Duration,
    /// Times that a request is repeated when the server is overloaded or has failed, after 0.5, 1, 2, ... seconds or what it asks for.
    pub retries: u32,
    /// Whether the server is sent the seed; some do not know it.
    pub seeded: bool,
}

/// A server over HTTP. The key is read from the environment for each request, and is in no error and no answer.
pub struct Server {
    agent: Agent,
    options: ServerOptions,
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: &'a [Message],
    temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u32>,
    stream: bool,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Content,
}

#[derive(Deserialize)]
struct Content {
    content: String,
}

impl Server {
    /// A server that is not spoken to yet.
    pub fn new(options: ServerOptions) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false);
        let config = if is_local(&options.url) { config.proxy(None) } else { config };
        Self { agent: config.build().new_agent(), options }
    }

    fn url(&self) -> String {
        format!("{}/chat/completions", self.options.url.trim_end_matches('/'))
    }

    fn key(&self) -> Result<Option<String>, ChatError> {
        let Some(variable) = &self.options.key else { return Ok(None) };
        let wrong = |got| Err(ChatError::Key { variable: variable.clone(), got });
        match std::env::var(variable) {
            Ok(key) if key.trim().is_empty() => wrong("an empty one"),
            Ok(key) if key.trim().bytes().all(|b| b.is_ascii_graphic()) => Ok(Some(key.trim().to_owned())),
            Err(std::env::VarError::NotPresent) => wrong("none"),
            _ => wrong("one with characters that no key has"),
        }
    }

    fn ask(&self, request: &Request, key: Option<&str>) -> Result<String, ChatError> {
        let body = Body {
            model: &request.model,
            messages: &request.messages,
            temperature: request.temperature,
            seed: self.options.seeded.then_some(request.seed),
            stream: false,
        };
        let body = serde_json::to_string(&body).map_err(|e| self.answer(&e.to_string()))?;
        let post = self.agent.post(self.url()).header("content-type", "application/json");
        let post = match key {
            Some(key) => post.header("authorization", format!("Bearer {key}")),
            None => post,
        };
        let mut response = post.send(body).map_err(|e| self.failed(&e))?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(ChatError::Status { url: self.url(), status, wait: wait(&response) });
        }
        let text = response.body_mut().with_config().limit(LONGEST).read_to_string();
        let text = text.map_err(|e| self.failed(&e))?;
        let answer: Answer = serde_json::from_str(&text).map_err(|_| self.answer(&text))?;
        let first = answer.choices.into_iter().next().ok_or_else(|| self.answer(&text))?;
        Ok(first.message.content)
    }

    fn failed(&self, error: &ureq::Error) -> ChatError {
        let url = self.url();
        match error {
            ureq::Error::Timeout(_) => ChatError::Late { url, seconds: self.options.timeout.as_secs_f64() },
            ureq::Error::BodyExceedsLimit(_) => {
                ChatError::Answer { url, got: format!("more than {LONGEST} bytes") }
            }
            other => ChatError::Unreachable { url, cause: other.to_string() },
        }
    }

    fn answer(&self, got: &str) -> ChatError {
        let start: String = got.chars().take(SHOWN).collect();
        ChatError::Answer { url: self.url(), got: format!("`{start}`") }
    }
}

impl Chat for Server {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        if self.options.url.starts_with("https:") && !cfg!(feature = "https") {
            return Err(ChatError::Https { url: self.url() });
        }
        let key = self.key()?;
        let mut pause = WAIT;
        for _ in 0..self.options.retries {
            match self.ask(request, key.as_deref()) {
                Err(ChatError::Status { status, wait, url }) => {
                    let error = ChatError::Status { status, wait, url };
                    if !error.is_brief() {
                        return Err(error);
                    }
                    sleep(wait.map_or(pause, Duration::from_secs).min(LONGEST_WAIT));
                    pause *= 2;
                }
                other => return hidden(other, key.as_deref()),
            }
        }
        hidden(self.ask(request, key.as_deref()), key.as_deref())
    }
}

/// Without the key, in case that the server repeats it.
fn hidden(answer: Result<String, ChatError>, key: Option<&str>) -> Result<String, ChatError> {
    let Some(key) = key else { return answer };
    match answer {
        Ok(text) => Ok(text.replace(key, "***")),
        Err(ChatError::Answer { url, got }) => Err(ChatError::Answer { url, got: got.replace(key, "***") }),
        other => other,
    }
}

fn wait<B>(response: &Response<B>) -> Option<u64> {
    response.headers().get("retry-after")?.to_str().ok()?.parse().ok()
}

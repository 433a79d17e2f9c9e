//! The client against servers that answer well, badly, late and not at all.

mod stub;

use nasmyth_chat::{Chat, ChatError, Message, Request, Role, Server, ServerOptions, Transcript};
use std::time::{Duration, Instant};
use stub::{Reply, Stub};

fn options(url: &str) -> ServerOptions {
    ServerOptions {
        url: url.to_owned(),
        key: None,
        timeout: Duration::from_secs(5),
        retries: 1,
        seeded: true,
    }
}

fn server(stub: &Stub) -> Server {
    Server::new(options(&stub.url))
}

fn request(seed: u32) -> Request {
    let messages = vec![Message::new(Role::System, "Be brief."), Message::new(Role::User, "2 + 2?")];
    Request { model: "small".to_owned(), messages, temperature: 0.5, seed }
}

fn says(text: &str) -> Reply {
    Reply::Says(text.to_owned())
}

#[test]
fn the_request_is_that_of_the_protocol() {
    let stub = Stub::new(|_, _| says("4"));
    let mut without_seed = Server::new(ServerOptions { seeded: false, ..options(&stub.url) });
    assert_eq!(server(&stub).complete(&request(7)).unwrap(), "4");
    assert_eq!(without_seed.complete(&request(7)).unwrap(), "4");
    let heard = stub.heard.lock().unwrap();
    assert!(heard[0].0.starts_with("POST /v1/chat/completions HTTP/1.1"), "{}", heard[0].0);
    let body = serde_json::json!({
        "model": "small", "temperature": 0.5, "seed": 7, "stream": false,
        "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "2 + 2?" }],
    });
    assert_eq!(heard[0].1, body);
    assert!(heard[1].1.get("seed").is_none());
}

#[test]
fn an_overloaded_server_is_asked_again_and_any_other_refusal_is_an_error() {
    let stub = Stub::new(|i, _| match i {
        0 => Reply::Status(429, "retry-after: 0\r\n", String::new()),
        1 => says("4"),
        2 | 3 => Reply::Status(500, "", "oops".to_owned()),
        4 => Reply::Status(401, "", "who are you?".to_owned()),
        _ => Reply::Status(301, "location: http://localhost/\r\n", String::new()),
    });
    let mut server = server(&stub);
    assert_eq!(server.complete(&request(0)).unwrap(), "4");
    assert_eq!(stub.requests(), 2);
    for (status, requests) in [(500, 4), (401, 5), (301, 6)] {
        let error = server.complete(&request(0)).unwrap_err();
        assert!(error.to_string().contains(&format!("got {status}")), "{error}");
        assert_eq!(stub.requests(), requests);
    }
}

#[test]
fn silence_closed_connections_and_nonsense_are_told_apart() {
    let stub = Stub::new(|i, _| match i {
        0 => Reply::Hang,
        1 => Reply::Close,
        2 => Reply::Status(200, "", "<html>".to_owned()),
        3 => Reply::Status(200, "", "{\"choices\": []}".to_owned()),
        _ => Reply::Status(200, "", "{\"choices\": [{\"message\": {\"content\": null}}]}".to_owned()),
    });
    let mut server = Server::new(ServerOptions { timeout: Duration::from_millis(300), ..options(&stub.url) });
    let mut error = || server.complete(&request(0)).unwrap_err();
    let begun = Instant::now();
    assert!(matches!(error(), ChatError::Late { .. }));
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert!(matches!(error(), ChatError::Unreachable { .. }));
    for _ in 2..5 {
        assert!(matches!(error(), ChatError::Answer { .. }));
    }
}

#[test]
fn where_nobody_listens_the_error_says_where_and_what_to_do() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/v1");
    let error = Server::new(options(&url)).complete(&request(0)).unwrap_err().to_string();
    assert!(error.contains(&url) && error.contains("start it"), "{error}");
    #[cfg(not(feature = "https"))]
    assert!(matches!(
        Server::new(options("https://localhost")).complete(&request(0)),
        Err(ChatError::Https { .. })
    ));
}

#[test]
fn the_key_goes_to_the_server_and_nowhere_else() {
    // The test runner sets this variable, and no key is in it; any text serves.
    let (variable, key) = ("CARGO_PKG_NAME", std::env::var("CARGO_PKG_NAME").unwrap());
    let echo = key.clone();
    let stub = Stub::new(move |i, _| match i {
        0 => Reply::Says(format!("your key is {echo}")),
        _ => Reply::Status(200, "", format!("wrong key {echo}")),
    });
    let with = |variable: &str| ServerOptions { key: Some(variable.to_owned()), ..options(&stub.url) };
    let mut server = Server::new(with(variable));
    assert_eq!(server.complete(&request(0)).unwrap(), "your key is ***");
    let error = server.complete(&request(0)).unwrap_err().to_string();
    assert!(error.contains("wrong key ***"), "{error}");
    assert!(stub.heard.lock().unwrap()[0].0.contains(&format!("authorization: Bearer {key}")));
    let missing = Server::new(with("NO_SUCH_VARIABLE_HERE")).complete(&request(0)).unwrap_err().to_string();
    assert!(missing.contains("NO_SUCH_VARIABLE_HERE"), "{missing}");
}

/// Answers with a counter, and fails where the seed is odd.
struct Counter(usize);

impl Chat for Counter {
    fn complete(&mut self, request: &Request) -> Result<String, ChatError> {
        self.0 += 1;
        match request.seed % 2 {
            0 => Ok(format!("answer {}", self.0)),
            _ => Err(ChatError::Late { url: "there".to_owned(), seconds: 1.0 }),
        }
    }
}

#[test]
fn a_transcript_repeats_answers_and_failures_across_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transcript.jsonl");
    let open = || Transcript::new(Counter(0), Some(path.clone()));
    let mut first = open();
    assert!(!first.complete(&request(1)).unwrap_err().is_passing(), "nobody has answered before");
    assert_eq!(first.complete(&request(2)).unwrap(), "answer 2");
    assert!(first.complete(&request(1)).unwrap_err().is_passing());
    assert_eq!(first.complete(&request(2)).unwrap(), "answer 2");
    // A line that was being written when the process was killed.
    let whole = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{whole}{{\"request\": \"12")).unwrap();
    let mut second = open();
    assert!(second.complete(&request(1)).unwrap_err().is_passing());
    assert_eq!(second.complete(&request(2)).unwrap(), "answer 2");
    assert_eq!(second.complete(&request(4)).unwrap(), "answer 1");
    assert_eq!(open().complete(&request(4)).unwrap(), "answer 1");
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    std::fs::write(&path, "nonsense\n").unwrap();
    let error = open().complete(&request(4)).unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
}

//! A server on this machine that answers as a script says.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How one request is answered.
pub enum Reply {
    /// The model says this.
    Says(String),
    /// This status, with further lines of the header, and this body.
    Status(u16, &'static str, String),
    /// Nothing, and the connection stays open.
    Hang,
    /// Nothing, and the connection is closed.
    Close,
}

/// Answers until the process ends.
pub struct Stub {
    pub url: String,
    /// Header and body of each request, in order.
    pub heard: Arc<Mutex<Vec<(String, serde_json::Value)>>>,
}

impl Stub {
    /// `script` gets the number of the request, from 0, and its body.
    pub fn new(script: impl Fn(usize, &serde_json::Value) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((header, body)) = hear(&stream) else { continue };
                let reply = script(hears.lock().unwrap().len(), &body);
                hears.lock().unwrap().push((header, body));
                match reply {
                    Reply::Hang => hanging.push(stream),
                    reply => drop(stream.write_all(text(reply).as_bytes())),
                }
            }
        });
        Self { url, heard }
    }

    pub fn requests(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

fn hear(stream: &TcpStream) -> Option<(String, serde_json::Value)> {
    let mut reader = BufReader::new(stream);
    let (mut header, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        header.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((header, serde_json::from_slice(&body).ok()?))
}

fn text(reply: Reply) -> String {
    let (status, lines, body) = match reply {
        Reply::Says(content) => {
            let message = serde_json::json!({ "role": "assistant", "content": content });
            (200, "", serde_json::json!({ "choices": [{ "message": message }] }).to_string())
        }
        Reply::Status(status, lines, body) => (status, lines, body),
        Reply::Hang | Reply::Close => return String::new(),
    };
    format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{lines}content-length: {}\r\n\r\n{body}", body.len())
}

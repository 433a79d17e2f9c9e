//! One script that runs on a machine.

use super::{Address, RemoteError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout};
use std::thread::JoinHandle;

/// What `ssh` ends with when it is not the script's own exit code.
const SSH_FAILED: i32 = 255;
/// As much of what is said on standard error is kept.
const ERROR_BYTES: u64 = 16 << 10;

/// A running script. Dropping it ends the connection.
pub(crate) struct Session {
    child: Child,
    address: Address,
    out: Option<BufReader<ChildStdout>>,
    err: Option<JoinHandle<String>>,
}

impl Session {
    pub fn new(mut child: Child, address: Address) -> Self {
        let out = child.stdout.take().map(BufReader::new);
        let err = child.stderr.take().map(|err| std::thread::spawn(move || complaints(err)));
        Self { child, address, out, err }
    }

    /// Writes all of it and closes the standard input. A script that does not want it all says why at its end.
    pub fn send(&mut self, input: &[u8]) {
        let _ = self.child.stdin.take().map(|mut stdin| stdin.write_all(input));
    }

    /// The next line without its end; a last one that was cut off is none.
    pub fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.out.as_mut()?.read_until(b'\n', &mut line).ok()?;
        line.pop_if(|&mut last| last == b'\n').map(|_| String::from_utf8_lossy(&line).into_owned())
    }

    /// Exit code of the script, and what it said on standard error.
    ///
    /// # Errors
    /// `ssh` itself failed.
    pub fn finish(mut self) -> Result<(i32, String), RemoteError> {
        drop(self.child.stdin.take());
        let _ = self.out.take().map(|mut out| io::copy(&mut out, &mut io::sink()));
        let code = self.child.wait().ok().and_then(|status| status.code()).unwrap_or(SSH_FAILED);
        let err = self.err.take().and_then(|thread| thread.join().ok()).unwrap_or_default();
        if code == SSH_FAILED { Err(RemoteError::of_ssh(&self.address, err)) } else { Ok((code, err)) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Fails where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// On one line, without what would move the cursor of a terminal.
fn complaints(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.by_ref().take(ERROR_BYTES).read_to_end(&mut bytes);
    // The other side must not wait for a reader.
    let _ = io::copy(&mut from, &mut io::sink());
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(|line| line.replace(char::is_control, " "));
    let lines: Vec<String> = lines.map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
    lines.join("; ")
}

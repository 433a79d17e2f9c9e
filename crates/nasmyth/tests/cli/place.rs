//! A folder with small data, and the program run in it.

use nasmyth::study::{State, Study};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Longest that any command may take.
const PATIENCE: Duration = Duration::from_secs(100);

/// A temporary folder that commands run in.
pub struct Place(TempDir);

/// What a command left.
pub struct Told {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Told {
    pub fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!told.err.contains("panicked") && told.code != Some(101), "a panic: {}", told.err);
        told
    }

    /// Checks the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// Checks that the error says this.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.err.contains(text), "expected `{text}` in: {}", self.err);
        self
    }
}

/// Numbers that look random, the same each time.
pub fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(747_796_405) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f64::from(state) / f64::from(u32::MAX)
    }
}

impl Place {
    /// With `table.csv` (two classes), `numbers.csv` (regression) and the series `Waves`, and `fast.toml` with small efforts.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("table.csv", table(240));
        place.write("numbers.csv", numbers(240));
        place.write("Waves/Waves_TRAIN.tsv", waves(80, 1));
        place.write("Waves/Waves_TEST.tsv", waves(60, 2));
        place.write("fast.toml", "[search]\nepochs = 2.0\nfinal_epochs = 3.0\n");
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&self.read(name)).unwrap()
    }

    pub fn state(&self, run: &str) -> State {
        Study::load(&self.path(run)).unwrap()
    }

    /// The program with these arguments, separated by spaces.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nasmyth"));
        command.current_dir(self.0.path()).args(arguments.split_whitespace());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn start(&self, arguments: &str) -> Child {
        self.command(arguments).spawn().unwrap()
    }

    pub fn run(&self, arguments: &str) -> Told {
        wait(self.start(arguments))
    }

    /// A search with small efforts.
    pub fn search(&self, arguments: &str) -> Told {
        self.run(&format!("search --config fast.toml {arguments}"))
    }

    /// A finished run `run` on `table.csv`.
    pub fn with_run() -> Self {
        let place = Self::new();
        place.search("--data table.csv --trials 3 --out run").exits(0);
        place
    }
}

/// Waits for the end, not for ever.
pub fn wait(mut child: Child) -> Told {
    let pid = child.id();
    let begun = Instant::now();
    let out = child.stdout.take().map(drain);
    let err = child.stderr.take().map(drain);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("process {pid} does not end");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| reader.unwrap().join().unwrap();
    Told::of(Output { status, stdout: text(out), stderr: text(err) })
}

fn drain(mut from: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        bytes
    })
}

/// Sends a signal by its name.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(sent.unwrap().success());
}

/// Until `done` says so.
#[track_caller]
pub fn until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "this does not happen");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Rows of two numbers, a category and a class.
pub fn table(rows: usize) -> String {
    let mut next = noise(3);
    let mut text = "a,b,c,y\n".to_owned();
    for i in 0..rows {
        let (a, b) = (next(), next());
        let class = if a + b > 1.0 { "pos" } else { "neg" };
        writeln!(text, "{a:.4},{b:.4},{},{class}", ["x", "y", "z"][i % 3]).unwrap();
    }
    text
}

/// Rows of two numbers and a number to predict.
pub fn numbers(rows: usize) -> String {
    let mut next = noise(5);
    let mut text = "a,b,y\n".to_owned();
    for _ in 0..rows {
        let (a, b) = (next(), next());
        writeln!(text, "{a:.4},{b:.4},{:.5}", 3.0 * a - b + 0.01 * next()).unwrap();
    }
    text
}

/// Series of 32 steps with two classes.
pub fn waves(count: usize, seed: u32) -> String {
    let mut next = noise(seed);
    let mut text = String::new();
    for i in 0..count {
        write!(text, "{}", i % 2 + 1).unwrap();
        for step in 0..32 {
            write!(text, "\t{:.4}", (step * (i % 2 + 1) % 7) as f64 / 7.0 + 0.1 * next()).unwrap();
        }
        text.push('\n');
    }
    text
}

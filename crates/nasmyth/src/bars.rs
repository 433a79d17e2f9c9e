//! Progress bars on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use nasmyth::{Lines, Notice, Observer};
use std::io;

/// Steps of the bar for the search.
const PARTS: u64 = 1000;

/// A bar for the search, then one for the final training; what is worth a line goes above it.
pub struct Bars {
    bar: ProgressBar,
    length: u64,
}

impl Bars {
    /// A bar that is not there yet.
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden(), length: 0 }
    }

    /// Shows `at` of `length` with a message; a new length is a new bar.
    fn show(&mut self, title: &'static str, at: u64, length: u64, message: String) {
        if self.length != length {
            self.bar.finish_and_clear();
            self.bar = ProgressBar::new(length);
            let style = ProgressStyle::with_template(
                "{prefix} [{elapsed_precise}] {bar:40} {percent}% eta {eta} {msg}",
            );
            if let Ok(style) = style {
                self.bar.set_style(style);
            }
            self.bar.set_prefix(title);
            self.length = length;
        }
        self.bar.set_position(at);
        self.bar.set_message(message);
    }
}

impl Observer for Bars {
    fn notice(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::SearchProgress { share } => {
                self.show("search", (share * PARTS as f64) as u64, PARTS, String::new())
            }
            Notice::Training { step, steps, loss } => {
                self.show("train ", *step, *steps, format!("loss {loss:.4}"))
            }
            other => {
                if matches!(other, Notice::Done { .. }) {
                    self.bar.finish_and_clear();
                }
                self.bar.suspend(|| Lines::new(io::stderr()).notice(other));
            }
        }
    }
}

//! What a run tells while it goes on.

use nasmyth_device::{DeviceCost, format_quantity};
use nasmyth_study::Event;
use serde::Serialize;
use std::io::Write;

/// Something worth telling.
///
/// ```
/// use nasmyth::Notice;
///
/// let notice = Notice::Training { step: 10, steps: 100, loss: 0.5 };
/// let json = serde_json::to_string(&notice)?;
/// assert_eq!(json, r#"{"notice":"training","step":10,"steps":100,"loss":0.5}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "notice", rename_all = "kebab-case")]
pub enum Notice<'a> {
    /// A remark.
    Remark {
        /// In words.
        text: String,
    },
    /// The search goes on.
    Search {
        /// What happened.
        event: &'a Event,
    },
    /// The search, as a share of its budget.
    SearchProgress {
        /// From 0 to 1.
        share: f64,
    },
    /// The final training goes on.
    Training {
        /// Steps done.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Mean loss.
        loss: f64,
    },
    /// The run is over.
    Done {
        /// Its folder.
        run: String,
        /// Metrics of the network on the test part.
        test: &'a std::collections::BTreeMap<String, f64>,
        /// Costs of the network.
        costs: &'a nasmyth_device::Costs,
    },
}

/// Somebody who listens to a run.
///
/// ```
/// use nasmyth::{Notice, Observer};
///
/// struct Counter(usize);
///
/// impl Observer for Counter {
///     fn notice(&mut self, notice: &Notice<'_>) {
///         self.0 += usize::from(matches!(notice, Notice::Search { .. }));
///     }
/// }
/// ```
pub trait Observer {
    /// Hears a notice.
    fn notice(&mut self, notice: &Notice<'_>);
}

/// Tells nobody.
///
/// ```
/// use nasmyth::{Notice, Observer, Silent};
///
/// Silent.notice(&Notice::SearchProgress { share: 0.5 });
/// ```
pub struct Silent;

impl Observer for Silent {
    fn notice(&mut self, _: &Notice<'_>) {}
}

/// One JSON object a line.
///
/// ```
/// use nasmyth::{Json, Notice, Observer};
///
/// let mut json = Json(Vec::new());
/// json.notice(&Notice::SearchProgress { share: 0.5 });
/// assert_eq!(json.0, b"{\"notice\":\"search-progress\",\"share\":0.5}\n");
/// ```
pub struct Json<W>(pub W);

impl<W: Write> Observer for Json<W> {
    fn notice(&mut self, notice: &Notice<'_>) {
        if let Ok(line) = serde_json::to_string(notice) {
            let _ = writeln!(self.0, "{line}"); // a reader that has gone away must not end the run
        }
    }
}

/// Plain lines, few enough to read.
///
/// ```
/// use nasmyth::{Lines, Notice, Observer};
///
/// let mut text = Vec::new();
/// Lines::new(&mut text).notice(&Notice::Remark { text: "hello".to_owned() });
/// assert_eq!(text, b"hello\n");
/// ```
pub struct Lines<W> {
    out: W,
    told: u64,
}

impl<W: Write> Lines<W> {
    /// To `out`.
    pub fn new(out: W) -> Self {
        Self { out, told: 0 }
    }
}

impl<W: Write> Observer for Lines<W> {
    fn notice(&mut self, notice: &Notice<'_>) {
        /// Lines that a training gets.
        const PARTS: u64 = 10;
        if let Notice::Training { step, steps, .. } = notice {
            let part = step * PARTS / (*steps).max(1);
            if part == std::mem::replace(&mut self.told, part) {
                return;
            }
        }
        if let Some(line) = line(notice) {
            let _ = writeln!(self.out, "{line}");
        }
    }
}

/// A notice in words, if it is worth a line.
pub fn line(notice: &Notice<'_>) -> Option<String> {
    Some(match notice {
        Notice::Remark { text } => text.clone(),
        Notice::Search { event } => return event_line(event),
        Notice::SearchProgress { .. } => return None,
        Notice::Training { step, steps, loss } => format!("final training {step}/{steps}  loss {loss:.4}"),
        Notice::Done { run, test, costs } => {
            let figures = |(name, value): (&String, &f64)| format!("{name} {value:.4}");
            let test: Vec<String> = test.iter().map(figures).collect();
            let costs: Vec<String> =
                costs.0.iter().map(|(n, v)| format!("{n} {}", readable(n, *v))).collect();
            format!("done: test {}\n      {}\n      {run}", test.join(", "), costs.join(", "))
        }
    })
}

/// A cost on a device with its unit; counts are plain.
fn readable(name: &str, value: u64) -> String {
    let on_device = DeviceCost::ALL.into_iter().find(|cost| name.starts_with(&format!("{}@", cost.name())));
    on_device.map_or(value.to_string(), |cost| format_quantity(value, cost.unit()))
}

fn event_line(event: &Event) -> Option<String> {
    match event {
        Event::Completed { trial, estimate } => {
            let seconds = estimate.seconds;
            Some(format!("trial {trial:4}  value {:.4}  ({seconds:.1} s)", estimate.value))
        }
        Event::Failed { trial, reason, .. } => Some(format!("trial {trial:4}  failed: {reason}")),
        Event::Cached { trial, from } => Some(format!("trial {trial:4}  same network as trial {from}")),
        Event::Remark { text } => Some(format!("note      {text}")),
        _ => None,
    }
}

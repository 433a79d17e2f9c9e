//! Proof that a network keeps its limits and computes the same elsewhere.

use anyhow::{Context, Result};
use nasmyth_data::{Dataset, Subset, Task};
use nasmyth_device::{Costs, Limits};
use nasmyth_export::{Session, channels_first};
use nasmyth_graph::VerifiedGraph;
use serde::{Deserialize, Serialize};

/// Samples that are compared.
const SAMPLES: usize = 256;

/// One limit, checked.
///
/// ```no_run
/// # let certificate: nasmyth::Certificate = serde_json::from_str("")?;
/// for verdict in &certificate.limits {
///     println!("{}: {} ({}), holds: {}", verdict.limit, verdict.value, verdict.how, verdict.holds);
/// }
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// As the user wrote it, e.g. `params<=100k`.
    pub limit: String,
    /// Name of the cost.
    pub cost: String,
    /// Largest value allowed.
    pub bound: u64,
    /// Value of the network.
    pub value: u64,
    /// How the value was determined.
    pub how: String,
    /// Whether the limit holds.
    pub holds: bool,
}

/// Our outputs against those of an independent runtime on the exported file.
///
/// ```
/// let check: nasmyth::RuntimeCheck = serde_json::from_str(
///     r#"{"runtime": "rten", "samples": 256, "largest_difference": 4.3e-6, "same_answers": 1.0}"#,
/// )?;
/// assert!(check.largest_difference <= 1e-4);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuntimeCheck {
    /// Name of the runtime.
    pub runtime: String,
    /// Test samples compared.
    pub samples: usize,
    /// Largest absolute difference of any output (for regression in standard deviations of the target).
    pub largest_difference: f64,
    /// Share of samples that both answer alike (classification).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_answers: Option<f64>,
}

/// What is certified about a network.
///
/// ```no_run
/// use nasmyth::Certificate;
///
/// let text = std::fs::read_to_string("runs/mnist1d/best/certificate.json")?;
/// let certificate: Certificate = serde_json::from_str(&text)?;
/// assert!(certificate.limits.iter().all(|verdict| verdict.holds));
/// println!("{} parameters", certificate.costs.get("params").unwrap_or(0));
/// # Ok::<(), anyhow::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Canonical hash of the architecture.
    pub architecture: String,
    /// Every limit.
    pub limits: Vec<Verdict>,
    /// Every cost, with and without limit.
    pub costs: Costs,
    /// Comparison with an independent runtime.
    pub runtime: RuntimeCheck,
}

impl Certificate {
    /// Counts the costs again, and runs the exported file in `rten` beside our own `outputs` for the test samples.
    pub fn issue(
        graph: &VerifiedGraph,
        limits: &Limits,
        onnx: &[u8],
        data: &Dataset,
        outputs: &[f32],
    ) -> Result<Self> {
        let costs = Costs::of(graph);
        let verdict = |limit: &nasmyth_device::Limit| {
            let value = (limit.cost.count)(graph);
            Verdict {
                limit: limit.to_string(),
                cost: limit.cost.name.to_owned(),
                bound: limit.bound,
                value,
                how: limit.cost.how.to_owned(),
                holds: value <= limit.bound,
            }
        };
        Ok(Self {
            architecture: format!("{:032x}", graph.canonical_hash()),
            limits: limits.0.iter().map(verdict).collect(),
            costs,
            runtime: compare(onnx, data, outputs)?,
        })
    }
}

fn compare(onnx: &[u8], data: &Dataset, outputs: &[f32]) -> Result<RuntimeCheck> {
    let session =
        Session::load(onnx).context("the exported network does not load in the independent runtime")?;
    let samples = SAMPLES.min(data.len(Subset::Test));
    let mut x = vec![0.0; samples * data.features().len()];
    for (i, x) in x.chunks_exact_mut(data.features().len()).enumerate() {
        data.read(Subset::Test, i, x);
    }
    let theirs = session.run(&channels_first(&data.features().shape(), &x), samples)?;
    let ours = &outputs[..theirs.len().min(outputs.len())];
    let unit = f64::from(data.statistics().target_std);
    let difference = |(a, b): (&f32, &f32)| f64::from((a - b).abs()) / unit;
    let largest = ours.iter().zip(&theirs).map(difference).fold(0.0, f64::max);
    let same_answers = matches!(data.task(), Task::Classification { .. }).then(|| {
        let width = data.task().outputs();
        let rows = || ours.chunks_exact(width).zip(theirs.chunks_exact(width));
        rows().filter(|(a, b)| answer(a) == answer(b)).count() as f64 / samples as f64
    });
    Ok(RuntimeCheck { runtime: "rten".to_owned(), samples, largest_difference: largest, same_answers })
}

/// Index of the largest output; the first of several.
pub(crate) fn answer(row: &[f32]) -> usize {
    (0..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

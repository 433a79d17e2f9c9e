//! What a report tells, as plain data.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a page shows. Numbers that are not finite are taken as missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Title of the page.
    pub title: String,
    /// What was learned from.
    pub data: Data,
    /// The command line.
    pub command: String,
    /// The configuration, as text.
    pub config: String,
    /// Seed of all randomness.
    pub seed: u64,
    /// Seconds that the run took.
    pub elapsed: f64,
    /// Name of the search strategy.
    pub strategy: String,
    /// Name of the search space.
    pub space: String,
    /// What trials are judged by.
    pub metric: Metric,
    /// Hard limits.
    pub limits: Vec<Limit>,
    /// Costs that trials report, in the order of the charts.
    pub costs: Vec<Cost>,
    /// All trials in order.
    pub trials: Vec<Trial>,
    /// Number of the trial that found the network.
    pub best: Option<u64>,
    /// Metrics of the finished network.
    pub metrics: FinalMetrics,
    /// The limits, checked on the finished network.
    pub certificate: Vec<CertificateRow>,
    /// Largest difference between the engine and an independent runtime on the exported file.
    pub runtime_difference: Option<f64>,
    /// A drawing of the network: an SVG element, taken over as it is, so it must come from a trusted writer.
    pub network_svg: Option<String>,
    /// Classification: what was taken for what, on the test part.
    pub confusion: Option<Confusion>,
    /// Regression: pairs (truth, prediction) on the test part.
    pub residuals: Vec<(f64, f64)>,
    /// Where there are several objectives, the networks that were trained to the end; the first one is the found network.
    pub front: Vec<FrontNetwork>,
    /// Layers of the found network in their order.
    pub layers: Vec<Layer>,
    /// Patterns of layers, the most useful first.
    pub patterns: Vec<Pattern>,
    /// The differentiable search that came before the trials, if there was one.
    #[serde(default)]
    pub relaxed: Option<Relaxed>,
    /// Remarks for the reader.
    pub notes: Vec<String>,
}

/// A differentiable search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Relaxed {
    /// Name of the method.
    pub method: String,
    /// Its choices.
    pub choices: Vec<RelaxedChoice>,
    /// Value of the super-network on the validation part, and of the decided network with its weights.
    pub accuracy: [f64; 2],
    /// Reasons not to believe it.
    pub warnings: Vec<String>,
    /// Whether it was ended early because it collapses.
    pub given_up: bool,
}

/// A choice of a differentiable search.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RelaxedChoice {
    /// The gene.
    pub name: String,
    /// Names of its options.
    pub options: Vec<String>,
    /// Probability of each option after each epoch.
    pub probabilities: Vec<Vec<f64>>,
    /// The option that was decided for, and after how many epochs; nothing for a choice that is drawn.
    pub decided: Option<(usize, usize)>,
}

/// A data set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// Name or path.
    pub name: String,
    /// Kind of task, e.g. "image classification".
    pub task: String,
    /// File format.
    pub format: String,
    /// Shape of one sample, e.g. "28×28×1".
    pub shape: String,
    /// Samples for training.
    pub train: usize,
    /// Samples for choosing.
    pub valid: usize,
    /// Samples for the final judgement.
    pub test: usize,
}

/// What a value means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metric {
    /// Name, e.g. "accuracy".
    pub name: String,
    /// Whether more is better.
    pub higher_is_better: bool,
    /// Whether 1 is shown as 100 %.
    pub percent: bool,
}

impl Default for Metric {
    fn default() -> Self {
        Self { name: "accuracy".to_owned(), higher_is_better: true, percent: true }
    }
}

impl Metric {
    /// Whether `a` is better than `b`.
    pub fn better(&self, a: f64, b: f64) -> bool {
        if self.higher_is_better { a > b } else { a < b }
    }
}

/// A cost of a network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Name; the key in [`Trial::costs`].
    pub name: String,
    /// Unit: "B" is shown in KiB and MiB, "ns" and "nJ" in larger units, an empty one in k and M.
    pub unit: String,
}

/// A hard bound on a cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// Name of the cost.
    pub cost: String,
    /// Largest value allowed.
    pub bound: f64,
    /// Unit, as in [`Cost::unit`].
    pub unit: String,
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// With a value.
    #[default]
    Ok,
    /// Without one.
    Failed,
    /// With the value of an equal trial.
    Cached,
}

impl Status {
    /// Name, for people and for CSS.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Cached => "cached",
        }
    }
}

/// One candidate, evaluated once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trial {
    /// Number, from 0.
    pub trial: u64,
    /// How it ended.
    pub status: Status,
    /// Level of fidelity.
    pub rung: usize,
    /// Epochs of training: trials compare only at equal rung and epochs.
    pub epochs: f64,
    /// The metric.
    pub value: Option<f64>,
    /// Further metrics.
    pub metrics: BTreeMap<String, f64>,
    /// Costs by name.
    pub costs: BTreeMap<String, f64>,
    /// The candidate; equal text is an equal candidate.
    pub genotype: String,
    /// Seconds that it took.
    pub seconds: f64,
    /// Seconds from the start of the run to its end.
    pub finished_at: f64,
    /// Where the candidate came from: "random" marks what chance alone would propose.
    pub origin: String,
    /// Why it failed.
    pub reason: String,
}

impl Trial {
    /// The value, if the trial has one that is finite.
    pub fn finite_value(&self) -> Option<f64> {
        self.value.filter(|v| v.is_finite() && self.status != Status::Failed)
    }

    /// A cost, if it is known and finite.
    pub fn cost(&self, name: &str) -> Option<f64> {
        self.costs.get(name).copied().filter(|v| v.is_finite())
    }
}

/// Metrics of the finished network on each part of the data, by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FinalMetrics {
    /// On the part it was trained on.
    pub train: BTreeMap<String, f64>,
    /// On the part it was chosen by.
    pub valid: BTreeMap<String, f64>,
    /// On the part that nothing else has seen.
    pub test: BTreeMap<String, f64>,
}

/// One limit, checked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateRow {
    /// The limit in words, e.g. "parameters <= 100 k".
    pub limit: String,
    /// The value that was found, in words.
    pub value: String,
    /// How it was determined: counted, planned, measured ...
    pub how: String,
    /// Whether the limit holds.
    pub holds: bool,
}

/// A pattern of layers and what it goes along with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pattern {
    /// The pattern in words.
    pub text: String,
    /// What one occurrence more adds to the expected value, in standard deviations.
    pub gradient: f64,
    /// Networks that have it.
    pub networks: usize,
    /// Networks that were looked at.
    pub of: usize,
}

/// A network of a front.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FrontNetwork {
    /// Where it lies.
    pub name: String,
    /// The metric in the search, on the validation part.
    pub valid: Option<f64>,
    /// The metric on the test part after the final training.
    pub test: Option<f64>,
    /// Costs by name.
    pub costs: BTreeMap<String, f64>,
}

/// How often which class was taken for which.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Confusion {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `counts[truth][prediction]`.
    pub counts: Vec<Vec<u64>>,
}

/// A layer of the found network, and its part in what the network costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Layer {
    /// Its name in the network.
    pub name: String,
    /// What it is.
    pub operator: String,
    /// Parts in the costs of the network by name, each from 0 to 1.
    pub shares: BTreeMap<String, f64>,
}

impl Report {
    /// The trial that found the network, at its longest training.
    pub fn best_trial(&self) -> Option<&Trial> {
        let best = self.best?;
        let found = self.trials.iter().filter(|t| t.trial == best && t.finite_value().is_some());
        found.max_by(|a, b| a.epochs.total_cmp(&b.epochs))
    }

    /// The highest fidelity (rung, epochs) that a trial finished at.
    pub fn full_fidelity(&self) -> Option<(usize, f64)> {
        let done = self.trials.iter().filter(|t| t.finite_value().is_some());
        done.map(|t| (t.rung, t.epochs)).max_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)))
    }

    /// Trials with a value at the highest fidelity.
    pub fn full_trials(&self) -> impl Iterator<Item = &Trial> {
        let full = self.full_fidelity();
        self.trials.iter().filter(move |t| t.finite_value().is_some() && Some((t.rung, t.epochs)) == full)
    }

    /// The bound on a cost, if there is one.
    pub fn limit(&self, cost: &str) -> Option<&Limit> {
        self.limits.iter().find(|l| l.cost == cost && l.bound.is_finite())
    }
}

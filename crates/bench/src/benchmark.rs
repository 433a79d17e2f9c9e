//! What a benchmark is.

use nasmyth_space::{Genotype, Space};

/// Networks whose quality is known: a strategy asks for signals, the report alone for scores.
pub trait Benchmark: Sync {
    /// Name, for reports.
    fn name(&self) -> String;

    /// What a strategy may propose.
    fn space(&self) -> &Space;

    /// Epochs of each effort, lowest first; the last is the full one.
    fn efforts(&self) -> Vec<f64> {
        vec![1.0]
    }

    /// What an evaluation at this effort tells: higher is better; `None` where nothing was recorded. The same seed gives the same
    /// answer.
    fn signal(&self, genotype: &Genotype, effort: usize, seed: u64) -> Option<f64>;

    /// The true quality.
    fn score(&self, genotype: &Genotype) -> Option<f64>;

    /// Simulated seconds of an evaluation.
    fn seconds(&self, _genotype: &Genotype, _effort: usize) -> f64 {
        1.0
    }

    /// Networks of one class compute the same.
    fn class(&self, genotype: &Genotype) -> Option<u64>;

    /// Score of the best network.
    fn best(&self) -> f64;
}

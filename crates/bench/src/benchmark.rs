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

    /// Further objectives, all to be small, which need no evaluation; as many for every network.
    fn costs(&self, _genotype: &Genotype) -> Vec<f64> {
        Vec::new()
    }

    /// The true quality of what a search recommends: the score of one network where that is the only objective, else a number
    /// for all of them.
    fn quality(&self, recommended: &[&Genotype]) -> Option<f64> {
        self.score(recommended.first()?)
    }

    /// Simulated seconds of an evaluation.
    fn seconds(&self, _genotype: &Genotype, _effort: usize) -> f64 {
        1.0
    }

    /// Networks of one class compute the same.
    fn class(&self, genotype: &Genotype) -> Option<u64>;

    /// Quality of the best there is.
    fn best(&self) -> f64;
}

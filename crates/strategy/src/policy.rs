//! Independent softmax distributions over the values of each gene.

use crate::cells::{cells, gene};
use crate::{Problem, Rng};
use nasmyth_space::{Genotype, Scale};
use rand::RngExt;

/// For each place a logit for each cell; genes of a range share the cells that [`crate::cells`] makes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub scales: Vec<Scale>,
    pub logits: Vec<Vec<f64>>,
}

impl Policy {
    /// All cells of a place are equally likely.
    pub fn uniform(scales: Vec<Scale>) -> Self {
        let logits = scales.iter().map(|&scale| vec![0.0; cells(scale) as usize]).collect();
        Self { scales, logits }
    }

    /// Zero for each cell of each place.
    pub fn zeros(&self) -> Vec<Vec<f64>> {
        self.logits.iter().map(|logits| vec![0.0; logits.len()]).collect()
    }

    /// How likely each cell of a place is.
    pub fn probabilities(&self, place: usize) -> Vec<f64> {
        softmax(&self.logits[place])
    }

    /// A genotype of genes drawn place by place.
    pub fn sample(&self, problem: &Problem<'_>, rng: &mut Rng) -> Genotype {
        problem.space.compose(|place| {
            let cell = draw(&self.probabilities(place), rng);
            gene(self.scales[place], cell as u32, rng)
        })
    }
}

/// Shares proportional to the exponentials.
pub(crate) fn softmax(logits: &[f64]) -> Vec<f64> {
    let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// An index, each as likely as its share; the last where rounding leaves a gap.
pub(crate) fn draw(shares: &[f64], rng: &mut Rng) -> usize {
    let mut at = rng.random::<f64>();
    let chosen = shares.iter().position(|share| {
        at -= share;
        at < 0.0
    });
    chosen.unwrap_or(shares.len() - 1)
}

//! Independent softmax distributions over the values of each gene, and their policy gradients.

use crate::Rng;
use crate::cells::{cell, cells, gene};
use nasmyth_space::{Gene, Genotype, Scale, Space};
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// For each place a logit for each of its cells: a cell is a value, or an interval of a range with more than 128 of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The places. There may be more than a space has, for choices beside the network.
    pub scales: Vec<Scale>,
    /// For each place the logit of each cell.
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

    /// A gene for a place.
    pub fn draw(&self, place: usize, rng: &mut Rng) -> Gene {
        gene(self.scales[place], draw(&self.probabilities(place), rng) as u32, rng)
    }

    /// A gene of the likeliest cell of a place, the first of those.
    pub fn likeliest(&self, place: usize, rng: &mut Rng) -> Gene {
        let logits = &self.logits[place];
        let best =
            (0..logits.len()).fold(0, |best, cell| if logits[cell] > logits[best] { cell } else { best });
        gene(self.scales[place], best as u32, rng)
    }

    /// A genotype of genes drawn place by place.
    pub fn sample(&self, space: &Space, rng: &mut Rng) -> Genotype {
        space.compose(|place| self.draw(place, rng))
    }

    /// The logarithm of the probability of the cells of these genes; a place without a gene counts for nothing.
    pub fn log_probability(&self, genes: &[Option<Gene>]) -> f64 {
        let places = genes.iter().enumerate().filter_map(|(place, gene)| Some((place, (*gene)?)));
        let chance = |(place, gene)| self.probabilities(place)[cell(self.scales[place], gene) as usize];
        places.map(|at| chance(at).ln()).sum()
    }

    /// Adds `weight` times the gradient of [`log_probability`](Self::log_probability) by the logits to `gradient`.
    pub fn add_gradient(&self, genes: &[Option<Gene>], weight: f64, gradient: &mut [Vec<f64>]) {
        for (place, its) in genes.iter().enumerate() {
            let Some(its) = its else { continue };
            let probabilities = self.probabilities(place);
            gradient[place].iter_mut().zip(probabilities).for_each(|(g, p)| *g -= weight * p);
            gradient[place][cell(self.scales[place], *its) as usize] += weight;
        }
    }

    /// Monte-Carlo estimate of the gradient of `log P(V)`, the probability of feasible genotypes: of `grad log P(z)`, the mean over
    /// feasible draws minus that over all, which is zero in expectation and makes the estimate exactly zero where everything is feasible.
    pub fn feasibility_gradient(
        &self,
        space: &Space,
        feasible: &dyn Fn(&Genotype) -> bool,
        draws: usize,
        rng: &mut Rng,
    ) -> Vec<Vec<f64>> {
        let mut gradient = self.zeros();
        let drawn: Vec<(Genotype, bool)> = (0..draws)
            .map(|_| {
                let genotype = self.sample(space, rng);
                let feasible = feasible(&genotype);
                (genotype, feasible)
            })
            .collect();
        let feasible = drawn.iter().filter(|(_, feasible)| *feasible).count() as f64;
        if feasible > 0.0 && feasible < draws as f64 {
            for (genotype, is_feasible) in &drawn {
                let weight = if *is_feasible { 1.0 / feasible } else { 0.0 } - 1.0 / draws as f64;
                self.add_gradient(&space.by_place(genotype), weight, &mut gradient);
            }
        }
        gradient
    }

    /// Moves the logits along a gradient.
    pub fn climb(&mut self, gradient: &[Vec<f64>], step: f64) {
        for (logits, gradient) in self.logits.iter_mut().zip(gradient) {
            logits.iter_mut().zip(gradient).for_each(|(logit, g)| *logit += step * g);
        }
    }
}

/// Running mean and variance of rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    mean: f64,
    variance: f64,
    worst: f64,
    rewards: u64,
}

impl Baseline {
    /// The reward in standard deviations above the mean so far, both of which it then moves; 0 for the first one.
    pub fn advantage(&mut self, reward: f64, momentum: f64) -> f64 {
        if self.rewards == 0 {
            (self.mean, self.worst) = (reward, reward);
        }
        self.rewards += 1;
        self.worst = self.worst.min(reward);
        // The plain mean until there are enough rewards for the momentum to make a difference.
        let weight = (1.0 - momentum).max(1.0 / self.rewards as f64);
        let distance = reward - self.mean;
        self.variance = (1.0 - weight) * (self.variance + weight * distance * distance);
        self.mean += weight * distance;
        if self.variance > 0.0 { (distance / self.variance.sqrt()).clamp(-3.0, 3.0) } else { 0.0 }
    }

    /// The smallest reward so far.
    pub fn worst(&self) -> f64 {
        self.worst
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

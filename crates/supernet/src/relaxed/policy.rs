//! Choices that no mixture can stand for.

use super::adam::{Adam, AdamSettings};
use super::regulariser::Probabilities;
use super::relaxation::{largest, softmax};
use super::space::Drawn;
use nasmyth_space::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Weight of the newest loss in the baseline.
const NEWEST: f64 = 0.1;

/// A distribution over the options of each drawn choice that learns from the losses of what it drew (REINFORCE: Williams 1992, with the mean
/// of recent losses as the baseline). Where some draws are rejected, the mean over the accepted ones as the baseline also stands in for the
/// gradient of the probability that a draw is accepted: the covariance of loss and score is the same.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    logits: Vec<Vec<f64>>,
    adam: Adam,
    baseline: Option<f64>,
}

impl Policy {
    /// Equal probabilities.
    pub fn new(drawn: &[Drawn], settings: AdamSettings) -> Self {
        let logits: Vec<Vec<f64>> = drawn.iter().map(|choice| vec![0.0; choice.options.len()]).collect();
        let adam = Adam::new(settings, logits.iter().map(Vec::len).sum());
        Self { logits, adam, baseline: None }
    }

    /// The probability of each option.
    pub fn probabilities(&self) -> Probabilities {
        self.logits.iter().map(|logits| softmax(logits, 1.0)).collect()
    }

    /// The most probable options.
    pub fn most_probable(&self) -> Vec<usize> {
        self.logits.iter().map(|logits| largest(logits)).collect()
    }

    /// An option of each choice.
    pub fn draw(&self, rng: &mut Rng) -> Vec<usize> {
        drawn(&self.probabilities(), rng)
    }

    /// Learns what loss the drawn options came to.
    pub fn learn(&mut self, drawn: &[usize], loss: f64) {
        let baseline = *self.baseline.get_or_insert(loss);
        let advantage = loss - baseline;
        self.baseline = Some(baseline + NEWEST * advantage);
        let score = |(p, &option): (&Vec<f64>, &usize)| {
            p.iter().enumerate().map(|(o, p)| advantage * (f64::from(u8::from(o == option)) - p)).collect()
        };
        let gradient: Vec<Vec<f64>> = self.probabilities().iter().zip(drawn).map(score).collect();
        let mut all = self.logits.concat();
        self.adam.step(&mut all, &gradient.concat());
        self.logits.iter_mut().flatten().zip(all).for_each(|(logit, new)| *logit = new);
    }
}

/// One option of each choice by these probabilities, which may be those of gates and add up to more than 1.
pub(super) fn drawn(probabilities: &Probabilities, rng: &mut Rng) -> Vec<usize> {
    let option = |p: &Vec<f64>| {
        let (at, mut sum) = (rng.random::<f64>() * p.iter().sum::<f64>(), 0.0);
        let reaches = |p: &f64| {
            sum += p;
            at < sum
        };
        p.iter().position(reaches).unwrap_or(p.len() - 1)
    };
    probabilities.iter().map(option).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_policy_finds_the_options_of_least_loss_and_begins_with_equal_chances() {
        let choice = |n: usize| Drawn { name: n.to_string(), options: vec![String::new(); n] };
        let settings = AdamSettings { rate: 0.03, beta1: 0.5, beta2: 0.999, decay: 0.0 };
        let mut policy = Policy::new(&[choice(3), choice(4)], settings);
        assert_eq!(policy.probabilities()[1], [0.25; 4]);
        let mut rng = Rng::seed_from_u64(1);
        for _ in 0..800 {
            let drawn = policy.draw(&mut rng);
            let loss =
                2.0 - 0.4 * f64::from(u8::from(drawn[0] == 2)) - 0.3 * f64::from(u8::from(drawn[1] == 1));
            policy.learn(&drawn, loss + 0.1 * rng.random::<f64>());
        }
        assert_eq!(policy.most_probable(), [2, 1]);
        assert!(policy.probabilities()[0][2] > 0.8, "{:?}", policy.probabilities());
    }
}

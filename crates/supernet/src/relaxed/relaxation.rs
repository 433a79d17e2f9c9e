//! From the logits of a choice to the weights of its options.

use nasmyth_space::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// How a choice among n options becomes a point that can move a little: a function from n logits to n weights, differentiable
/// (or with an estimate of the gradient), and from logits to the probabilities that the options are chosen.
///
/// All functions take the logits of one choice, the noise of this step from [`draw`](Self::draw), and a temperature above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Relaxation {
    /// `softmax(a / T)` (Liu, Simonyan and Yang 2019, equation 2).
    Softmax,
    /// The weights are the logits themselves: for limits that keep them a distribution.
    Identity,
    /// `softmax((a + n) / T)`, where `n` is Gumbel noise in a `share` of the steps and nothing in the others: at low temperature
    /// the softmax alone is saturated, and its gradient gone (after Zhang et al. 2022, small-temperature DARTS).
    SparseNoisySoftmax {
        /// Probability that a choice gets noise in a step.
        share: f64,
    },
    /// `softmax((a + n) / T)` with Gumbel noise (Wu et al. 2019, FBNet).
    Gumbel,
    /// The largest of `a + n` alone, with the gradient of `softmax((a + n) / T)`, in which options that are not computed count 0 (Dong and Yang 2019, GDAS).
    HardGumbel,
    /// The largest of `a + n` alone, as in `hard-gumbel`, with a gradient without bias from two relaxed networks beside it (Tucker et al. 2017;
    /// Vahdat et al. 2020, UNAS): [`rebar`](super::rebar).
    Rebar,
    /// One path, drawn by `softmax(a)`. For the gradient a second one is computed, and the pair takes part as if there were no other
    /// options (Cai, Zhu and Han 2019, ProxylessNAS, section 3.2.1, and equation 4).
    BinaryGate,
    /// An independent gate for each option, `clamp(sigmoid((a + n) / T) (1 + 2 s) - s, 0, 1)` with logistic noise: options do not
    /// compete, and gates are exactly 0 or 1 at times (Zhou et al. 2020, PR-DARTS).
    HardConcrete {
        /// How far gates reach beyond 0 and 1 before they are cut off.
        stretch: f64,
    },
    /// `p_i + 1 - max p` of `p = softmax(a / T)`: the leading option keeps its whole output (Hundt, Jain and Hager 2019, sharpDARTS).
    MaxW,
}

impl Relaxation {
    /// Noise for a choice of `options`, to be kept for one step.
    pub fn draw(&self, options: usize, rng: &mut Rng) -> Vec<f64> {
        let uniform = |rng: &mut Rng| rng.random::<f64>().clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        let gumbel = |rng: &mut Rng| -(-uniform(rng).ln()).ln();
        let logistic = |rng: &mut Rng| {
            let u = uniform(rng);
            u.ln() - (1.0 - u).ln()
        };
        let mut each = |noise: &dyn Fn(&mut Rng) -> f64| (0..options).map(|_| noise(rng)).collect();
        match *self {
            Self::Softmax | Self::Identity | Self::MaxW => vec![0.0; options],
            Self::Gumbel | Self::HardGumbel | Self::Rebar | Self::BinaryGate => each(&gumbel),
            Self::HardConcrete { .. } => each(&logistic),
            Self::SparseNoisySoftmax { share } => {
                let noise: Vec<f64> = each(&gumbel);
                if rng.random::<f64>() < share { noise } else { vec![0.0; options] }
            }
        }
    }

    /// The weights of the options.
    pub fn weights(&self, logits: &[f64], noise: &[f64], temperature: f64) -> Vec<f64> {
        let noisy = sum(logits, noise);
        match *self {
            Self::Identity => logits.to_vec(),
            Self::Softmax | Self::SparseNoisySoftmax { .. } | Self::Gumbel => softmax(&noisy, temperature),
            Self::HardGumbel | Self::Rebar | Self::BinaryGate => {
                let chosen = largest(&noisy);
                (0..noisy.len()).map(|i| f64::from(u8::from(i == chosen))).collect()
            }
            Self::HardConcrete { stretch } => {
                noisy.iter().map(|a| stretched(*a, temperature, stretch).clamp(0.0, 1.0)).collect()
            }
            Self::MaxW => {
                let p = softmax(&noisy, temperature);
                let free = 1.0 - p[largest(&p)];
                p.iter().map(|p| p + free).collect()
            }
        }
    }

    /// Which options a step has to compute; `gradient`: whether it is one that moves the logits.
    pub fn computed(&self, logits: &[f64], noise: &[f64], gradient: bool) -> Vec<bool> {
        let noisy = sum(logits, noise);
        let chosen = largest(&noisy);
        let only = |chosen: usize| (0..noisy.len()).map(|i| i == chosen).collect();
        match *self {
            Self::HardGumbel => only(chosen),
            Self::Rebar if !gradient => only(chosen),
            Self::BinaryGate => {
                let second = runner_up(&noisy).filter(|_| gradient);
                (0..noisy.len()).map(|i| i == chosen || Some(i) == second).collect()
            }
            _ => vec![true; noisy.len()],
        }
    }

    /// The gradient by the logits, given that by the weights.
    pub fn pull_back(&self, logits: &[f64], noise: &[f64], temperature: f64, gradient: &[f64]) -> Vec<f64> {
        let noisy = sum(logits, noise);
        match *self {
            Self::Identity => gradient.to_vec(),
            Self::Softmax
            | Self::SparseNoisySoftmax { .. }
            | Self::Gumbel
            | Self::HardGumbel
            | Self::Rebar => softmax_pull_back(&softmax(&noisy, temperature), temperature, gradient),
            Self::BinaryGate => {
                let chosen = largest(&noisy);
                let mut pulled = vec![0.0; noisy.len()];
                let Some(second) = runner_up(&noisy) else { return pulled };
                let pair = [chosen, second];
                let p = softmax(&pair.map(|i| logits[i]), 1.0);
                let of_pair = softmax_pull_back(&p, 1.0, &pair.map(|i| gradient[i]));
                pair.iter().zip(of_pair).for_each(|(&i, g)| pulled[i] = g);
                pulled
            }
            Self::HardConcrete { stretch } => {
                let slope = |(&a, &g): (&f64, &f64)| {
                    let inside = (0.0..=1.0).contains(&stretched(a, temperature, stretch));
                    let s = sigmoid(a / temperature);
                    if inside { g * s * (1.0 - s) * (1.0 + 2.0 * stretch) / temperature } else { 0.0 }
                };
                noisy.iter().zip(gradient).map(slope).collect()
            }
            Self::MaxW => {
                let p = softmax(&noisy, temperature);
                let mut of_p = gradient.to_vec();
                of_p[largest(&p)] -= gradient.iter().sum::<f64>();
                softmax_pull_back(&p, temperature, &of_p)
            }
        }
    }

    /// The probability of each option: that it is chosen, or of gates, that it is not 0.
    pub fn probabilities(&self, logits: &[f64], temperature: f64) -> Vec<f64> {
        match *self {
            Self::Identity => logits.to_vec(),
            Self::HardConcrete { stretch } => {
                logits.iter().map(|a| sigmoid(a - temperature * open(stretch))).collect()
            }
            _ => softmax(logits, self.own(temperature)),
        }
    }

    /// The gradient by the logits, given that by the [`probabilities`](Self::probabilities).
    pub fn pull_back_probabilities(&self, logits: &[f64], temperature: f64, gradient: &[f64]) -> Vec<f64> {
        let p = self.probabilities(logits, temperature);
        match *self {
            Self::Identity => gradient.to_vec(),
            Self::HardConcrete { .. } => p.iter().zip(gradient).map(|(p, g)| p * (1.0 - p) * g).collect(),
            _ => softmax_pull_back(&p, self.own(temperature), gradient),
        }
    }

    /// The logits at which a gate, without noise, is just closed and just open. Of relaxations without gates, both are 0.
    pub fn gates(&self, temperature: f64) -> [f64; 2] {
        match *self {
            Self::HardConcrete { stretch } => [1.0, -1.0].map(|sign| sign * temperature * open(stretch)),
            _ => [0.0; 2],
        }
    }

    /// The temperature of the distribution that is drawn from: noise makes `softmax(a)` of it, whatever the temperature.
    fn own(&self, temperature: f64) -> f64 {
        match self {
            Self::Gumbel | Self::HardGumbel | Self::Rebar | Self::BinaryGate => 1.0,
            _ => temperature,
        }
    }

    /// What an update is to leave alone: after one of a binary gate, the probabilities of all options but the pair are as before
    /// (Cai, Zhu and Han 2019, section 3.2.1).
    pub fn settle(&self, before: &[f64], noise: &[f64], after: &mut [f64]) {
        let noisy = sum(before, noise);
        let (Self::BinaryGate, Some(second)) = (self, runner_up(&noisy)) else { return };
        let pair = [largest(&noisy), second];
        let mass = |logits: &[f64]| pair.map(|i| logits[i].exp()).iter().sum::<f64>().ln();
        let shift = mass(before) - mass(after);
        for (i, (new, &old)) in after.iter_mut().zip(before).enumerate() {
            *new = if pair.contains(&i) { *new + shift } else { old };
        }
    }
}

/// `softmax(a / T)`.
pub fn softmax(logits: &[f64], temperature: f64) -> Vec<f64> {
    let top = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = logits.iter().map(|a| ((a - top) / temperature).exp()).collect();
    let total: f64 = e.iter().sum();
    e.iter().map(|e| e / total).collect()
}

/// The gradient by the logits, given that by `p = softmax(a / T)`.
pub fn softmax_pull_back(p: &[f64], temperature: f64, gradient: &[f64]) -> Vec<f64> {
    let mean: f64 = p.iter().zip(gradient).map(|(p, g)| p * g).sum();
    p.iter().zip(gradient).map(|(p, g)| p * (g - mean) / temperature).collect()
}

/// The place of the largest number, the first of equals.
pub fn largest(values: &[f64]) -> usize {
    (0..values.len()).fold(0, |best, i| if values[i] > values[best] { i } else { best })
}

fn runner_up(values: &[f64]) -> Option<usize> {
    let top = largest(values);
    (0..values.len()).filter(|&i| i != top).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A gate before it is cut off.
fn stretched(noisy: f64, temperature: f64, stretch: f64) -> f64 {
    sigmoid(noisy / temperature) * (1.0 + 2.0 * stretch) - stretch
}

/// `ln(-low / high)` of gates between `low` and `high`: where the noise, at temperature 1, opens a gate (Louizos, Welling and Kingma
/// 2018).
fn open(stretch: f64) -> f64 {
    (stretch / (1.0 + stretch)).ln()
}

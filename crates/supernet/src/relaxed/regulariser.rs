//! What is added to the validation loss.

use super::space::{Choice, Kind};
use serde::{Deserialize, Serialize};

/// Probabilities of the options of each choice, and gradients by them.
pub type Probabilities = Vec<Vec<f64>>;

/// A function of the probabilities that steers the search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Regulariser {
    /// Nothing.
    None,
    /// `-depth prod_l P(value l is made of value l - 1 by an operator with weights)`: networks in which skips dominate are shallow and
    /// learn fast, and so are preferred without (Zhou et al. 2020, PR-DARTS). To it the mean probabilities of skips
    /// and of all other options, which make gates sparse.
    PathDepth {
        /// Factor of the depth.
        depth: f64,
        /// Factor of the skips.
        skip: f64,
        /// Factor of the others.
        other: f64,
    },
    /// `weight` times the mean entropy of the choices, from nothing at the beginning of the search to all of it at the end: choices
    /// end where nothing is lost by deciding.
    Entropy {
        /// Factor at the end.
        weight: f64,
    },
    /// The validation loss becomes `L_valid + weight |L_valid - L_train|`: what only learns its samples by heart is worth less (Vahdat et al.
    /// 2020, UNAS, equation 6). A step of the architecture runs both batches.
    Gap {
        /// Lambda in the paper.
        weight: f64,
    },
    /// `weight` times the mean over the choices of `ln sum_o exp(logit_o)`, from nothing at the beginning of the search to all of it at the
    /// end: logits that are ahead are held back, so that options without weights, which lead early, do not win by that alone (Ye et al.
    /// 2022, beta-DARTS, equation 12).
    BetaDecay {
        /// Factor at the end.
        weight: f64,
    },
}

impl Regulariser {
    /// The value, and the gradient by the probabilities. `progress`: share of the search that is over.
    pub fn evaluate(&self, choices: &[Choice], p: &Probabilities, progress: f64) -> (f64, Probabilities) {
        let mut gradient: Probabilities = p.iter().map(|p| vec![0.0; p.len()]).collect();
        let value = match *self {
            Self::None | Self::BetaDecay { .. } | Self::Gap { .. } => 0.0,
            Self::PathDepth { depth, skip, other } => {
                let value = -depth * path(choices, p, -depth, &mut gradient);
                let of_skip = |kind: Kind| kind == Kind::Skip;
                value
                    + mean(choices, p, skip, &mut gradient, of_skip)
                    + mean(choices, p, other, &mut gradient, |kind| !of_skip(kind))
            }
            Self::Entropy { weight } => entropy(p, weight * progress, &mut gradient),
        };
        (value, gradient)
    }

    /// What it adds as a function of the logits of the options that each choice still has, and the gradient by those. A choice that is decided
    /// adds nothing.
    pub fn of_logits(&self, logits: &[Vec<f64>], progress: f64) -> (f64, Vec<Vec<f64>>) {
        let mut gradient: Vec<Vec<f64>> = logits.iter().map(|l| vec![0.0; l.len()]).collect();
        let Self::BetaDecay { weight } = *self else { return (0.0, gradient) };
        let share = weight * progress / logits.len().max(1) as f64;
        let mut value = 0.0;
        for (logits, g) in logits.iter().zip(&mut gradient).filter(|(logits, _)| logits.len() > 1) {
            let most = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|l| (l - most).exp()).sum();
            value += share * (most + sum.ln());
            g.iter_mut().zip(logits).for_each(|(g, l)| *g = share * (l - most).exp() / sum);
        }
        (value, gradient)
    }
}

/// The probability of the path of operators with weights through all values; `factor` times its gradient.
fn path(choices: &[Choice], p: &Probabilities, factor: f64, gradient: &mut Probabilities) -> f64 {
    let links: Vec<usize> = (0..choices.len()).filter(|&c| choices[c].to == choices[c].from + 1).collect();
    let weighted = |c: usize| {
        let options = choices[c].options.iter().enumerate();
        options.filter(|(_, o)| o.kind == Kind::Weighted).map(|(i, _)| i)
    };
    let of: Vec<f64> = links.iter().map(|&c| weighted(c).map(|i| p[c][i]).sum()).collect();
    for (l, &c) in links.iter().enumerate() {
        let others: f64 = (0..of.len()).filter(|&k| k != l).map(|k| of[k]).product();
        weighted(c).for_each(|i| gradient[c][i] += factor * others);
    }
    of.iter().product()
}

/// `factor` times the mean probability of the options of some kinds.
fn mean(
    choices: &[Choice],
    p: &Probabilities,
    factor: f64,
    gradient: &mut Probabilities,
    counts: impl Fn(Kind) -> bool,
) -> f64 {
    let places: Vec<(usize, usize)> = (choices.iter().enumerate())
        .flat_map(|(c, choice)| (0..choice.options.len()).map(move |i| (c, i)))
        .filter(|&(c, i)| counts(choices[c].options[i].kind))
        .collect();
    let share = factor / places.len().max(1) as f64;
    places.iter().for_each(|&(c, i)| gradient[c][i] += share);
    places.iter().map(|&(c, i)| share * p[c][i]).sum()
}

/// `factor` times the mean entropy in nats.
fn entropy(p: &Probabilities, factor: f64, gradient: &mut Probabilities) -> f64 {
    let share = factor / p.len().max(1) as f64;
    let mut value = 0.0;
    for (p, g) in p.iter().flatten().zip(gradient.iter_mut().flatten()).filter(|(p, _)| **p > 0.0) {
        value -= share * p * p.ln();
        *g -= share * (p.ln() + 1.0);
    }
    value
}

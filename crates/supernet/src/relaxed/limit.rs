//! Costs of a relaxed network, and what the search does about them.

use super::regulariser::Probabilities;
use super::space::{Choice, Form, Kept, RelaxedSpace, all_options};
use nasmyth_space::SpaceError;
use serde::{Deserialize, Serialize};

/// How costs take part in a search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Limit {
    /// Not at all.
    None,
    /// The validation loss becomes `loss factor ln(E cost)^exponent` (Wu et al. 2019, FBNet, equation 2).
    Product {
        /// Alpha in the paper.
        factor: f64,
        /// Beta in the paper.
        exponent: f64,
    },
    /// The validation loss becomes `loss + weight E cost / highest cost` (Cai, Zhu and Han 2019, ProxylessNAS).
    Sum {
        /// Lambda in the paper.
        weight: f64,
    },
    /// The validation loss becomes `loss + weight P(the network may not be found)`, where those that break the limits of a run may not, whatever the cost
    /// and however it is worked out. Its gradient is REINFORCE's from so many networks a step, each against the mean of the others: no
    /// derivative of the cost is needed (as for the latency of Vahdat et al. 2020, UNAS, section 3.2).
    Refused {
        /// Factor of the probability.
        weight: f64,
        /// Networks that are drawn in a step, at least 2.
        draws: usize,
    },
    /// The expected cost never exceeds this share of the way from the lowest to the highest cost: the architecture moves by
    /// Frank-Wolfe steps within the polytope of distributions that keep it (Nayman et al. 2021, HardCoRe-NAS).
    Polytope {
        /// Share in 0..=1.
        share: f64,
    },
}

/// What a network costs: a constant, and something for each option that is chosen. Options whose output nothing reads, because all
/// that follows is "none", are charged too: of such a network it is a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Costs {
    /// Of what all networks have in common.
    pub base: f64,
    /// Of each option of each choice.
    pub options: Vec<Vec<f64>>,
}

impl Costs {
    /// Nothing costs anything.
    pub fn none(choices: &[Choice]) -> Self {
        Self { base: 0.0, options: choices.iter().map(|c| vec![0.0; c.options.len()]).collect() }
    }

    /// Multiply-accumulates, each option's by leaving it out of the whole.
    ///
    /// # Errors
    /// Those of [`RelaxedSpace::relaxed`].
    pub fn macs<S: RelaxedSpace + ?Sized>(space: &S) -> Result<Self, SpaceError> {
        let all = all_options(space.choices());
        let drawn = vec![0; space.drawn().len()];
        let macs = |kept: &Kept| {
            Ok::<f64, SpaceError>(space.relaxed(&drawn, kept, Form::WHOLE)?.graph.macs() as f64)
        };
        let whole = macs(&all)?;
        let cost = |choice: usize, option: usize| {
            let mut kept = all.clone();
            kept[choice].retain(|&o| o != option);
            Ok(whole - macs(&kept)?)
        };
        let of = |(c, options): (usize, &Vec<usize>)| options.iter().map(|&o| cost(c, o)).collect();
        let options: Vec<Vec<f64>> = all.iter().enumerate().map(of).collect::<Result<_, SpaceError>>()?;
        Ok(Self { base: whole - options.iter().flatten().sum::<f64>(), options })
    }

    /// The mean cost of networks drawn from these distributions: exact, because costs add up (Wu et al. 2019).
    pub fn expected(&self, p: &Probabilities) -> f64 {
        let terms = self.options.iter().flatten().zip(p.iter().flatten());
        self.base + terms.map(|(c, p)| c * p).sum::<f64>()
    }

    /// That of the network of these options.
    pub fn of(&self, options: &[usize]) -> f64 {
        self.base + self.options.iter().zip(options).map(|(costs, &option)| costs[option]).sum::<f64>()
    }

    /// The highest cost.
    pub fn highest(&self) -> f64 {
        self.base + self.ends(f64::max)
    }

    /// The lowest cost.
    pub fn lowest(&self) -> f64 {
        self.base + self.ends(f64::min)
    }

    fn ends(&self, better: fn(f64, f64) -> f64) -> f64 {
        self.options.iter().filter_map(|of| of.iter().copied().reduce(better)).sum()
    }
}

/// A loss under a soft limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Charged {
    /// The new loss.
    pub loss: f64,
    /// Its derivative by the old one.
    pub factor: f64,
    /// Its gradient by the probabilities.
    pub gradient: Probabilities,
}

impl Limit {
    /// Whether it is about [`Costs`].
    pub fn counts(&self) -> bool {
        matches!(self, Self::Product { .. } | Self::Sum { .. } | Self::Polytope { .. })
    }

    /// What a soft limit makes of a loss.
    pub fn charge(&self, loss: f64, costs: &Costs, p: &Probabilities) -> Charged {
        let scaled = |by: f64| costs.options.iter().map(|of| of.iter().map(|c| c * by).collect()).collect();
        match *self {
            Self::None | Self::Refused { .. } | Self::Polytope { .. } => {
                Charged { loss, factor: 1.0, gradient: scaled(0.0) }
            }
            Self::Sum { weight } => {
                let by = weight / costs.highest();
                Charged { loss: loss + by * costs.expected(p), factor: 1.0, gradient: scaled(by) }
            }
            Self::Product { factor, exponent } => {
                let cost = costs.expected(p);
                let charge = factor * cost.ln().powf(exponent);
                let slope = factor * exponent * cost.ln().powf(exponent - 1.0) / cost;
                Charged { loss: loss * charge, factor: charge, gradient: scaled(loss * slope) }
            }
        }
    }
}

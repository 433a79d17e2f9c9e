//! Four ways to keep a limit, each on its own way of searching.

use nasmyth_bench::Constrained;
use nasmyth_bench::statistics::normal;
use nasmyth_space::{Genotype, Rng};
use nasmyth_strategy::{Completed, Fidelity, Problem, Strategy, StrategyError, strategy_named};
use nasmyth_supernet::relaxed::{
    Adam, AdamSettings, Costs, Limit, Polytope, Probabilities, largest, softmax, softmax_pull_back,
};
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;

/// Optimiser of the logits under a soft limit (Wu et al. 2019, section 4.1).
const ADAM: AdamSettings = AdamSettings { rate: 0.01, beta1: 0.9, beta2: 0.999, decay: 5e-4 };
/// Factor of the soft limit; it does not move the optimum.
const FACTOR: f64 = 0.2;
/// Of REINFORCE: its rate for some hundred to some thousand trials.
const RATE: f64 = 0.05;
/// What a mean of gradients keeps of itself before a Frank-Wolfe step, and the longest such step (Nayman et al. 2021 take momentum, too).
const MOMENTUM: f64 = 0.9;
const STEP: f64 = 0.02;

/// How a limit takes part in a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Treatment {
    /// The loss times a power of the logarithm of the expected cost (Wu et al. 2019, FBNet, equation 2). It never hears of the limit.
    SoftLoss {
        /// The power: beta in the paper.
        exponent: f64,
    },
    /// REINFORCE with the reward `quality - penalty |cost / limit - 1|` (Bender et al. 2020, TuNAS, equation 1).
    AbsoluteReward {
        /// -beta in the paper.
        penalty: f64,
    },
    /// REINFORCE given that the limit holds: networks that break it are rejected at once (Yang et al. 2022, TabNAS, algorithm 1).
    Rejection,
    /// The expected cost keeps the limit at every step: Frank-Wolfe in a polytope (Nayman et al. 2021, HardCoRe-NAS).
    Polytope,
}

/// One search.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The network that it ends with.
    pub found: Vec<usize>,
    /// Networks that were drawn from its distributions on the way, and those of them that broke the limit.
    pub drawn: u64,
    /// See `drawn`.
    pub broken: u64,
}

/// A space, a limit, and what a search may ask of it.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// The space.
    pub planted: &'a Constrained,
    /// The largest cost that is allowed.
    pub bound: u32,
    /// Steps: each hears the noisy quality of one network, or the noisy gradient of the mean quality.
    pub steps: u64,
    /// Standard deviation of the noise of qualities, and of each entry of gradients.
    pub noise: f64,
}

impl Treatment {
    /// Name in reports.
    pub fn name(&self) -> String {
        match self {
            Self::SoftLoss { exponent } => format!("soft loss, beta {exponent}"),
            Self::AbsoluteReward { penalty } => format!("absolute reward, beta -{penalty}"),
            Self::Rejection => "rejection".to_owned(),
            Self::Polytope => "polytope".to_owned(),
        }
    }

    /// Searches once; `None` if nothing keeps the limit.
    ///
    /// # Errors
    /// A strategy that fails.
    pub fn run(&self, task: &Task<'_>, seed: u64) -> Result<Option<Run>, StrategyError> {
        if task.planted.optimum(task.bound).is_none() {
            return Ok(None);
        }
        let rng = &mut Rng::seed_from_u64(seed);
        match *self {
            Self::SoftLoss { exponent } => Ok(Some(task.soft_loss(exponent, rng))),
            Self::Polytope => Ok(task.polytope(rng)),
            Self::AbsoluteReward { penalty } => task.reinforce(Some(penalty), seed).map(Some),
            Self::Rejection => task.reinforce(None, seed).map(Some),
        }
    }
}

impl Task<'_> {
    /// Costs as a super-network has them.
    fn costs(&self) -> Vec<Vec<f64>> {
        self.planted.costs().iter().map(|costs| costs.iter().map(|&cost| cost.into()).collect()).collect()
    }

    /// The gradient of the mean quality with noise.
    fn noisy_gradient(&self, p: &Probabilities, rng: &mut Rng) -> Probabilities {
        let mut gradient = self.planted.gradient(p);
        gradient.iter_mut().flatten().for_each(|slope| *slope += self.noise * normal(rng.random(), 0));
        gradient
    }

    fn breaks(&self, options: &[usize]) -> bool {
        self.planted.cost(options) > self.bound
    }

    fn soft_loss(&self, exponent: f64, rng: &mut Rng) -> Run {
        let limit = Limit::Product { factor: FACTOR, exponent };
        let costs = Costs { base: 0.0, options: self.costs() };
        let sizes: Vec<usize> = costs.options.iter().map(Vec::len).collect();
        let mut logits = vec![0.0; sizes.iter().sum()];
        let mut adam = Adam::new(ADAM, logits.len());
        let probabilities = |logits: &[f64]| divided(logits, &sizes).map(|l| softmax(l, 1.0)).collect();
        let mut run = Run { found: Vec::new(), drawn: self.steps, broken: 0 };
        for _ in 0..self.steps {
            let p: Probabilities = probabilities(&logits);
            let drawn = draw(&p, rng);
            run.broken += u64::from(self.breaks(&drawn));
            // As a cross-entropy: 1 for the best network, 2 for the worst.
            let loss = 2.0 - self.planted.quality(&drawn);
            let charged = limit.charge(loss, &costs, &p);
            let slopes = self.noisy_gradient(&p, rng);
            let pull = |((p, slopes), charge): ((&Vec<f64>, &Vec<f64>), &Vec<f64>)| {
                let whole: Vec<f64> = slopes
                    .iter()
                    .zip(charge)
                    .map(|(slope, charge)| charge - charged.factor * slope)
                    .collect();
                softmax_pull_back(p, 1.0, &whole)
            };
            let gradient: Vec<f64> = p.iter().zip(&slopes).zip(&charged.gradient).flat_map(pull).collect();
            adam.step(&mut logits, &gradient);
        }
        run.found = probabilities(&logits).iter().map(|p: &Vec<f64>| largest(p)).collect();
        run
    }

    /// At the end it goes all the way to the vertex that the mean gradient points at; the one choice that may be divided there takes its
    /// cheaper option.
    fn polytope(&self, rng: &mut Rng) -> Option<Run> {
        let costs = self.costs();
        let polytope = Polytope::new(costs.clone(), self.bound.into())?;
        let mut p = polytope.middle();
        let mut mean: Probabilities = p.iter().map(|p| vec![0.0; p.len()]).collect();
        let mut run = Run { found: Vec::new(), drawn: self.steps, broken: 0 };
        for step in 0..self.steps {
            run.broken += u64::from(self.breaks(&draw(&p, rng)));
            let slopes = self.noisy_gradient(&p, rng);
            for (mean, slope) in mean.iter_mut().flatten().zip(slopes.iter().flatten()) {
                *mean = MOMENTUM * *mean - (1.0 - MOMENTUM) * slope;
            }
            polytope.step(&mut p, &mean, STEP.min(2.0 / (step as f64 + 2.0)));
        }
        let end = polytope.minimise(&mean);
        let cheapest_left = |(p, costs): (&Vec<f64>, &Vec<f64>)| {
            let left = (0..p.len()).filter(|&i| p[i] > 0.0);
            left.min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0)
        };
        run.found = end.iter().zip(&costs).map(cheapest_left).collect();
        Some(run)
    }

    /// With a penalty the limit is the target of the reward, without one a limit that the strategy conditions on. The result is the network
    /// that is drawn most often in the last tenth of the steps, the first of several.
    fn reinforce(&self, penalty: Option<f64>, seed: u64) -> Result<Run, StrategyError> {
        let bound = f64::from(self.bound);
        let target = penalty.map(|penalty| [("penalty", penalty), ("target", bound)]);
        let numbers = [("rate", RATE)].into_iter().chain(target.into_iter().flatten());
        let settings = numbers.map(|(name, number)| (name.to_owned(), number.into())).collect();
        let mut strategy = strategy_named("reinforce")?.make(&settings)?;
        let cost = |genotype: &Genotype| f64::from(self.planted.cost(&Constrained::options(genotype)));
        let violation = |genotype: &Genotype| match penalty {
            Some(_) => 0.0,
            None => (cost(genotype) / bound.max(1.0) - 1.0).max(0.0),
        };
        let costs = |genotype: &Genotype| vec![cost(genotype)];
        let problem =
            Problem { space: self.planted.space(), violation: &violation, known: &|_| false, costs: &costs };
        let mut run = Run { found: Vec::new(), drawn: 0, broken: 0 };
        let mut last: BTreeMap<Vec<usize>, (u64, u64)> = BTreeMap::new();
        let mut rng = Rng::seed_from_u64(seed);
        for step in 0..self.steps {
            let Some(genotype) = proposed(&mut *strategy, &problem, &mut rng)? else { break };
            let options = Constrained::options(&genotype);
            run.drawn += 1;
            run.broken += u64::from(self.breaks(&options));
            if 10 * step >= 9 * self.steps {
                last.entry(options.clone()).or_insert((0, self.steps - step)).0 += 1;
            }
            let quality = self.planted.quality(&options) + self.noise * normal(rng.random(), 0);
            strategy.tell(&[Completed {
                trial: step,
                fidelity: Fidelity { rung: 0, epochs: 1.0 },
                outcome: Ok(quality),
                costs: costs(&genotype),
                genotype,
            }])?;
        }
        let most = last.into_iter().max_by_key(|(_, rank)| *rank);
        run.found = most.map(|(options, _)| options).unwrap_or_default();
        Ok(run)
    }
}

fn proposed(
    strategy: &mut dyn Strategy,
    problem: &Problem<'_>,
    rng: &mut Rng,
) -> Result<Option<Genotype>, StrategyError> {
    Ok(strategy.ask(problem, 1, rng)?.pop().map(|proposal| proposal.genotype))
}

/// Numbers in a row, choice by choice.
fn divided<'a>(flat: &'a [f64], sizes: &'a [usize]) -> impl Iterator<Item = &'a [f64]> {
    sizes.iter().scan(0, move |start, size| {
        let own = &flat[*start..*start + size];
        *start += size;
        Some(own)
    })
}

/// A network drawn from these distributions.
fn draw(p: &Probabilities, rng: &mut Rng) -> Vec<usize> {
    let one = |p: &Vec<f64>| {
        let mut rest = rng.random::<f64>();
        let reached = |share: &f64| {
            rest -= share;
            rest < 0.0
        };
        p.iter().position(reached).unwrap_or(largest(p))
    };
    p.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planted(text: &str) -> Constrained {
        Constrained::new(text.parse().unwrap(), 1).unwrap()
    }

    #[test]
    fn hard_treatments_keep_the_limit_and_come_near_the_optimum() {
        let planted = planted("4x3");
        let bound = planted.bound(0.5);
        let task = Task { planted: &planted, bound, steps: 400, noise: 0.02 };
        let best = planted.quality(&planted.optimum(bound).unwrap());
        // The choice that the polytope leaves divided takes its cheaper option: of four choices that may be much.
        for (treatment, most) in [(Treatment::Rejection, 0.1), (Treatment::Polytope, 0.4)] {
            let run = treatment.run(&task, 7).unwrap().unwrap();
            assert!(planted.cost(&run.found) <= bound, "{treatment:?}");
            assert!(best - planted.quality(&run.found) < most, "{treatment:?}: {run:?}");
            assert_eq!(run, treatment.run(&task, 7).unwrap().unwrap(), "{treatment:?}: the same seed");
        }
        let rejected = Treatment::Rejection.run(&task, 7).unwrap().unwrap();
        assert_eq!(
            (rejected.drawn, rejected.broken),
            (400, 0),
            "rejection draws nothing that breaks the limit"
        );
    }

    #[test]
    fn a_soft_loss_follows_its_exponent_and_not_the_limit() {
        let planted = planted("4x3");
        let found = |exponent, share| {
            let task = Task { planted: &planted, bound: planted.bound(share), steps: 1000, noise: 0.0 };
            Treatment::SoftLoss { exponent }.run(&task, 3).unwrap().unwrap().found
        };
        assert_eq!(found(0.0, 0.2), planted.optimum(planted.bound(1.0)).unwrap());
        assert_eq!(found(0.0, 0.2), found(0.0, 0.8));
        assert!(planted.cost(&found(30.0, 0.5)) < planted.cost(&found(0.0, 0.5)));
    }

    #[test]
    fn an_absolute_reward_comes_near_its_target() {
        let planted = planted("6x4");
        let bound = planted.bound(0.5);
        let task = Task { planted: &planted, bound, steps: 600, noise: 0.0 };
        let run = Treatment::AbsoluteReward { penalty: 3.0 }.run(&task, 5).unwrap().unwrap();
        let ratio = f64::from(planted.cost(&run.found)) / f64::from(bound);
        assert!((0.85..=1.15).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_limit_below_the_cheapest_network_has_no_run() {
        let planted = planted("4x3");
        let cheapest = planted.bound(0.0);
        let Some(bound) = cheapest.checked_sub(1) else { return };
        let task = Task { planted: &planted, bound, steps: 10, noise: 0.0 };
        assert_eq!(Treatment::Polytope.run(&task, 0).unwrap(), None);
    }
}

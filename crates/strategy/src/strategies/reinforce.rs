//! REINFORCE over a factorised policy, with hard limits.
//!
//! Yang, Bender, Liu, Kindermans, Udell, Lu, Le and Huang: "TabNAS: Rejection Sampling for Neural Architecture Search on Tabular
//! Datasets", NeurIPS 2022, algorithm 1: a softmax for each gene; infeasible draws are rejected at once, and the gradient is that of
//! `log P(y) / P(V)`, where the probability `P(V)` of feasible genotypes is estimated by Monte-Carlo (section 3).
//!
//! With `penalty` above 0 the reward is shaped instead, as in TuNAS (Bender, Liu, Chen, Chu, Cheng, Kindermans and Le: "Can Weight
//! Sharing Outperform Random Architecture Search?", CVPR 2020, equation 1: `Q + beta |T / T0 - 1|`). With a `target` T0, T is the first
//! cost that is an objective. Without one it is what a limit bounds: a strategy is told how far beyond the limits a genotype is and
//! nothing about those that keep them, so the absolute value acts on that side only; infeasible draws are not trained, so their quality is
//! taken to be the baseline.

use super::StrategyKind;
use crate::policy::{Baseline, Policy};
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_space::Genotype;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "reinforce",
    doc: "learns by policy gradients how likely each value of each gene should be; rejects what breaks limits",
    several: true,
    settings: &[
        SettingKind {
            name: "rate",
            doc: "learning rate of the logits, for advantages in standard deviations",
            setting: Setting::Number { default: 0.3, least: 1e-6, most: 100.0 },
        },
        SettingKind {
            name: "momentum",
            doc: "what the running mean and variance of rewards keep of themselves",
            setting: Setting::Number { default: 0.9, least: 0.0, most: 0.999_999 },
        },
        SettingKind {
            name: "draws",
            doc: "genotypes drawn to estimate how likely feasible ones are",
            setting: Setting::Integer { default: 128, least: 1, most: 1_000_000 },
        },
        SettingKind {
            name: "penalty",
            doc: "0: condition on the limits; else the -beta of a reward that falls with the violation",
            setting: Setting::Number { default: 0.0, least: 0.0, most: 1e6 },
        },
        SettingKind {
            name: "target",
            doc: "what the first cost among the objectives is to be, with `penalty`; 0: they count for nothing",
            setting: Setting::Number { default: 0.0, least: 0.0, most: 1e18 },
        },
    ],
    build: |settings| Box::new(Reinforce::new(settings)),
};

/// Draws before the search for a fresh one goes on around the last.
const TRIES: usize = 200;

/// A policy and its baseline.
#[derive(Clone, Debug)]
pub struct Reinforce {
    rate: f64,
    momentum: f64,
    draws: usize,
    penalty: f64,
    target: f64,
    told: Vec<Completed>,
    policy: Policy,
    baseline: Baseline,
}

impl Reinforce {
    /// From the settings of `reinforce`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            rate: settings.number("rate"),
            momentum: settings.number("momentum"),
            draws: settings.count("draws"),
            penalty: settings.number("penalty"),
            target: settings.number("target"),
            told: Vec::new(),
            policy: Policy::default(),
            baseline: Baseline::default(),
        }
    }

    /// One step for each trial. One that failed is worth as much as the worst so far.
    fn learn(&mut self, problem: &Problem<'_>, rng: &mut Rng) {
        if self.policy.logits.is_empty() {
            self.policy = Policy::uniform(problem.space.scales());
        }
        let told = std::mem::take(&mut self.told);
        let advantages: Vec<f64> = told
            .iter()
            .map(|done| {
                let reward = done.outcome.map_or(self.baseline.worst(), |quality| quality - self.price(done));
                self.baseline.advantage(reward, self.momentum)
            })
            .collect();
        let total: f64 = advantages.iter().sum();
        let mut gradient = self.policy.zeros();
        for (done, advantage) in told.iter().zip(&advantages) {
            let genes = problem.space.by_place(&done.genotype);
            self.policy.add_gradient(&genes, *advantage, &mut gradient);
        }
        if self.penalty == 0.0 && total != 0.0 {
            let feasible = |genotype: &Genotype| problem.feasible(genotype);
            let feasibility = self.policy.feasibility_gradient(problem.space, &feasible, self.draws, rng);
            let both = gradient.iter_mut().flatten().zip(feasibility.iter().flatten());
            both.for_each(|(g, f)| *g -= total * f);
        }
        self.policy.climb(&gradient, self.rate);
    }

    /// What the reward loses by the distance of the cost from the target.
    fn price(&self, done: &Completed) -> f64 {
        let cost = done.costs.first().filter(|_| self.target > 0.0);
        cost.map_or(0.0, |cost| self.penalty * (cost / self.target - 1.0).abs())
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let mut last = None;
        for _ in 0..TRIES {
            let genotype = self.policy.sample(problem.space, rng);
            let violation = (problem.violation)(&genotype);
            if violation <= 0.0 && !(problem.known)(&genotype) {
                return Some(Proposal { genotype, origin: Origin::Model, parent: None });
            }
            if self.penalty > 0.0 && violation > 0.0 {
                let mut gradient = self.policy.zeros();
                let advantage = -self.penalty * violation.min(1.0);
                self.policy.add_gradient(&problem.space.by_place(&genotype), advantage, &mut gradient);
                self.policy.climb(&gradient, self.rate);
            }
            last = Some(genotype);
        }
        let near = last.and_then(|last| feasible_near(problem, &last, rng));
        let near = near.map(|genotype| Proposal { genotype, origin: Origin::Model, parent: None });
        near.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }
}

impl Strategy for Reinforce {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.learn(problem, rng);
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        self.told.extend(done.iter().filter(|done| done.fidelity.rung == 0).cloned());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fidelity;
    use crate::no_costs;
    use nasmyth_space::{Gene, Space, SpaceError, Tree};
    use rand::SeedableRng;

    /// The example of the paper: two hidden layers of 2, 3 or 4 units behind two inputs and before one output.
    fn space() -> Space {
        let layer = |name: &str| Tree::choice(name, [2, 3, 4]);
        Space::new("ffn", "", Tree::group([layer("first"), layer("second")]), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    fn sizes(genotype: &Genotype) -> (f64, f64) {
        let size = |g: &Gene| if let Gene::Index(i) = g { f64::from(i + 2) } else { 0.0 };
        (size(&genotype.genes()[0]), size(&genotype.genes()[1]))
    }

    fn params(genotype: &Genotype) -> f64 {
        let (a, b) = sizes(genotype);
        3.0 * a + (a + 1.0) * b + (b + 1.0)
    }

    fn violation(genotype: &Genotype) -> f64 {
        (params(genotype) / 25.0 - 1.0).max(0.0)
    }

    #[test]
    fn six_of_nine_are_feasible() {
        let space = space();
        assert_eq!(space.enumerate().filter(|g| violation(g) == 0.0).count(), 6);
        assert_eq!(params(&space.parse("first=4 second=2").unwrap()), 25.0);
    }

    /// Chance of a feasible genotype, by enumeration.
    fn feasible(policy: &Policy, space: &Space) -> f64 {
        let chance = |genotype: &Genotype| {
            let index = |i: usize| if let Gene::Index(k) = genotype.genes()[i] { k as usize } else { 0 };
            policy.probabilities(0)[index(0)] * policy.probabilities(1)[index(1)]
        };
        space.enumerate().filter(|g| violation(g) == 0.0).map(|g| chance(&g)).sum()
    }

    #[test]
    fn the_gradient_of_the_feasible_mass_is_that_of_enumeration() {
        let space = space();
        let feasible_ones = |genotype: &Genotype| violation(genotype) == 0.0;
        let mut policy = Policy::uniform(space.scales());
        policy.logits = vec![vec![0.3, -0.5, 0.9], vec![-0.2, 0.1, 0.7]];
        let estimate =
            policy.feasibility_gradient(&space, &feasible_ones, 200_000, &mut Rng::seed_from_u64(1));
        for (place, estimates) in estimate.iter().enumerate() {
            for (option, got) in estimates.iter().enumerate() {
                let at = |shift: f64| {
                    let mut moved = policy.clone();
                    moved.logits[place][option] += shift;
                    feasible(&moved, &space).ln()
                };
                let exact = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((got - exact).abs() < 0.006, "{place} {option}: {got}, not {exact}");
            }
        }
    }

    /// The most likely genotype after 400 trials, of which any may be repeated.
    fn learned(seed: u64, settings: &str) -> Option<(f64, f64)> {
        let space = space();
        let problem = Problem { space: &space, violation: &violation, known: &|_| false, costs: &no_costs };
        let settings = Settings::resolve("reinforce", KIND.settings, &settings.parse().ok()?).ok()?;
        let mut strategy = Reinforce::new(&settings);
        for trial in 0..400 {
            let mut rng = Rng::seed_from_u64(seed * 1000 + trial);
            let genotype = strategy.ask(&problem, 1, &mut rng).ok()?.pop()?.genotype;
            // More parameters are better, and a wide first layer is better still: the best feasible network uses exactly 25.
            let value = params(&genotype) + sizes(&genotype).0;
            let fidelity = Fidelity { rung: 0, epochs: 1.0 };
            strategy
                .tell(&[Completed { trial, genotype, fidelity, outcome: Ok(value), costs: Vec::new() }])
                .ok()?;
        }
        let most = |place: usize| {
            let p = strategy.policy.probabilities(place);
            (0..3).max_by(|&a, &b| p[a].total_cmp(&p[b])).map(|i| i as f64 + 2.0)
        };
        Some((most(0)?, most(1)?))
    }

    #[test]
    fn rejection_learns_the_best_feasible_network_where_a_shaped_reward_often_does_not() {
        let found = |settings| (0..10).filter(|&seed| learned(seed, settings) == Some((4.0, 2.0))).count();
        let (rejection, shaped) = (found("rate = 0.05"), found("rate = 0.05\npenalty = 1.0"));
        assert!(rejection >= 9 && shaped < rejection, "{rejection} and {shaped} of 10");
    }

    #[test]
    fn the_gradient_of_the_expected_reward_is_that_of_enumeration() {
        let space = space();
        let mut policy = Policy::uniform(space.scales());
        policy.logits = vec![vec![0.3, -0.5, 0.9], vec![-0.2, 0.1, 0.7]];
        let reward = |genotype: &Genotype| sizes(genotype).0 - 0.7 * (params(genotype) / 25.0 - 1.0).abs();
        let chance = |policy: &Policy, genotype: &Genotype| {
            let share = |(place, gene): (usize, &Gene)| match gene {
                Gene::Index(i) => policy.probabilities(place)[*i as usize],
                Gene::Real(_) => 0.0,
            };
            genotype.genes().iter().enumerate().map(share).product::<f64>()
        };
        let expected =
            |policy: &Policy| space.enumerate().map(|g| chance(policy, &g) * reward(&g)).sum::<f64>();
        let mut gradient = policy.zeros();
        for genotype in space.enumerate() {
            let weight = chance(&policy, &genotype) * reward(&genotype);
            policy.add_gradient(&space.by_place(&genotype), weight, &mut gradient);
        }
        for (place, slopes) in gradient.iter().enumerate() {
            for (option, got) in slopes.iter().enumerate() {
                let at = |shift: f64| {
                    let mut moved = policy.clone();
                    moved.logits[place][option] += shift;
                    expected(&moved)
                };
                let exact = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!((got - exact).abs() < 1e-8, "{place} {option}: {got}, not {exact}");
            }
        }
    }

    /// Cost of the most likely network after 6,000 trials in a space of ten layers, where cost buys quality and the limit, or the target, is
    /// 60.
    fn converged(seed: u64, penalty: f64, target: bool) -> f64 {
        let layers = (0..10).map(|i| Tree::choice(format!("layer{i}"), [1, 2, 4, 7, 12]));
        let space = Space::new("deep", "", Tree::group(layers.collect::<Vec<_>>()), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap();
        let costs = |gene: &Gene| {
            if let Gene::Index(i) = gene { [1.0, 2.0, 4.0, 7.0, 12.0][*i as usize] } else { 0.0 }
        };
        let cost = |genotype: &Genotype| genotype.genes().iter().map(costs).sum::<f64>();
        let violation =
            |genotype: &Genotype| if target { 0.0 } else { (cost(genotype) / 60.0 - 1.0).max(0.0) };
        let objectives = |genotype: &Genotype| vec![cost(genotype)];
        let problem = Problem { space: &space, violation: &violation, known: &|_| false, costs: &objectives };
        let aim = if target { "target = 60.0" } else { "" };
        let text = format!("rate = 0.05\npenalty = {penalty:?}\n{aim}").parse().unwrap();
        let mut strategy = Reinforce::new(&Settings::resolve("reinforce", KIND.settings, &text).unwrap());
        for trial in 0..6_000 {
            let mut rng = Rng::seed_from_u64(seed * 100_000 + trial);
            let genotype = strategy.ask(&problem, 1, &mut rng).unwrap().remove(0).genotype;
            let quality = genotype.genes().iter().map(|gene| costs(gene).sqrt()).sum::<f64>();
            let fidelity = Fidelity { rung: 0, epochs: 1.0 };
            let (costs, outcome) = (vec![cost(&genotype)], Ok(quality));
            strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs }]).unwrap();
        }
        let most = |place: usize| {
            let p = strategy.policy.probabilities(place);
            (0..5).max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0)
        };
        cost(&Genotype::new((0..10).map(|place| Gene::Index(most(place) as u32))))
    }

    #[test]
    fn the_cost_converges_to_the_limit_whatever_the_penalty() {
        // At the target the quality grows by 12 in units of T / T0: a penalty must be well above.
        for (penalties, target) in [([0.5, 1.5, 5.0], false), ([30.0, 90.0, 300.0], true)] {
            for (penalty, seed) in penalties.into_iter().flat_map(|p| (0..3).map(move |seed| (p, seed))) {
                let cost = converged(seed, penalty, target);
                assert!((57.0..=63.0).contains(&cost), "penalty {penalty}, seed {seed}: {cost}");
            }
        }
    }
}

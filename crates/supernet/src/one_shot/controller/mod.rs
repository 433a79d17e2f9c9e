//! A policy that learns which sub-networks to sample.
//!
//! Independent softmax distributions over the genes, and over the factors of the recipe that are a choice, learn by REINFORCE (Williams
//! 1992) from the quality of sampled networks on validation batches while the shared weights are trained:
//!
//! - Bender, Liu, Chen, Chu, Cheng, Kindermans and Le: "Can Weight Sharing Outperform Random Architecture Search? An Investigation With
//!   TuNAS", CVPR 2020: the absolute reward (equation 1), and a policy that rests at first and then learns ever faster.
//! - Yang, Bender, Liu, Kindermans, Udell, Lu, Le and Huang: "TabNAS: Rejection Sampling for Neural Architecture Search on Tabular
//!   Datasets", NeurIPS 2022: hard limits by rejection (algorithm 1).
//! - Dong, Tan, Yu, Peng, Gabrys and Le: "AutoHAS: Efficient Hyperparameter and Architecture Search", 2020: learning rate and weight decay in
//!   the same policy, judged after one step from the shared weights.

mod settings;
mod step;

pub use settings::{ControllerPlan, LimitRule};
pub(crate) use step::Controlled;
pub use step::Load;

use super::OneShotError;
use nasmyth_space::{Gene, Genotype, Rng, Scale, Space};
use nasmyth_strategy::{Baseline, Policy, Problem, feasible_near, feasible_walk, no_costs};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Draws from the policy before the search for a network that keeps the limits goes on around the last.
const TRIES: usize = 64;

/// How much faster the policy learns at the end than after the warm-up (as in the paper of TuNAS, exponentially).
const GROWTH: f64 = 10.0;

/// Draws of the policy among which its favourites are looked for.
const FAVOURITES_AMONG: usize = 512;

/// A policy that learns.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    plan: ControllerPlan,
    policy: Policy,
    baseline: Baseline,
}

/// What a controller has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    logits: Vec<Vec<f64>>,
    baseline: Baseline,
}

/// What the controller must know of genotypes.
pub(crate) struct World<'a> {
    pub space: &'a Space,
    /// The largest cost of a network in units of its limit; infinite where there is no network.
    pub load: &'a dyn Fn(&Genotype) -> f64,
}

/// A sampled network and recipe.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    pub genotype: Genotype,
    /// The genotype's, by place, then those of the recipe.
    genes: Vec<Option<Gene>>,
    load: f64,
}

impl Controller {
    pub fn new(plan: &ControllerPlan, space: &Space) -> Self {
        let mut scales = space.scales();
        let factors = [&plan.learning_rates, &plan.weight_decays];
        scales.extend(factors.iter().filter(|f| !f.is_empty()).map(|f| Scale::Unordered(f.len() as u32)));
        Self { plan: plan.clone(), policy: Policy::uniform(scales), baseline: Baseline::default() }
    }

    pub fn learned(&self) -> Learned {
        Learned { logits: self.policy.logits.clone(), baseline: self.baseline }
    }

    pub fn remember(&mut self, learned: &Learned) {
        (self.policy.logits, self.baseline) = (learned.logits.clone(), learned.baseline);
    }

    /// Whether the recipe is a choice.
    pub fn chooses_recipe(&self) -> bool {
        !self.plan.learning_rates.is_empty() || !self.plan.weight_decays.is_empty()
    }

    /// Whether a network of this load may be sampled.
    fn admits(&self, load: f64) -> bool {
        match self.plan.limits {
            LimitRule::Reject => load <= 1.0,
            LimitRule::Target => load.is_finite(),
        }
    }

    /// A network that may be sampled, and a recipe.
    ///
    /// # Errors
    /// No such network is found.
    pub fn draw(&self, world: &World<'_>, rng: &mut Rng) -> Result<Drawn, OneShotError> {
        let World { space, load } = *world;
        let mut last = None;
        for _ in 0..TRIES {
            let genotype = self.policy.sample(space, rng);
            let load = load(&genotype);
            if self.admits(load) {
                return Ok(self.with_recipe(genotype, load, space, rng));
            }
            last = Some(genotype);
        }
        let excess = |genotype: &Genotype| (load(genotype) - 1.0).max(0.0);
        let problem = Problem { space, violation: &excess, known: &|_| false, costs: &no_costs };
        let near = last.and_then(|last| feasible_near(&problem, &last, rng));
        let found = near.or_else(|| feasible_walk(&problem, rng));
        let genotype = found.ok_or_else(|| OneShotError::Infeasible(space.name().to_owned()))?;
        let load = load(&genotype);
        Ok(self.with_recipe(genotype, load, space, rng))
    }

    fn with_recipe(&self, genotype: Genotype, load: f64, space: &Space, rng: &mut Rng) -> Drawn {
        let mut genes = space.by_place(&genotype);
        genes.extend((genes.len()..self.policy.scales.len()).map(|place| Some(self.policy.draw(place, rng))));
        Drawn { genotype, genes, load }
    }

    /// The factors of the recipe's learning rate and weight decay.
    pub fn factors(&self, drawn: &Drawn, space: &Space) -> [f64; 2] {
        let mut chosen = drawn.genes[space.scales().len()..].iter();
        [&self.plan.learning_rates, &self.plan.weight_decays].map(|factors| match factors.is_empty() {
            true => 1.0,
            false => chosen.next().and_then(|gene| factor(factors, (*gene)?)).unwrap_or(1.0),
        })
    }

    /// The learning rate of the logits in a step; 0 in the warm-up. From there it grows [`GROWTH`]-fold, and its sum is the reach.
    pub fn rate(&self, step: u64, steps: u64) -> f64 {
        let first = (self.plan.warmup * steps as f64) as u64;
        let Some(since) = step.checked_sub(first) else { return 0.0 };
        let left = steps.saturating_sub(first).max(1) as f64;
        let mean_growth = (GROWTH - 1.0) / GROWTH.ln();
        self.plan.reach / left * GROWTH.powf(since as f64 / left) / mean_growth
    }

    /// One step of REINFORCE: more of what was drawn if its quality on validation data was above the average, less if below. A quality
    /// that is not finite is worth the worst reward so far.
    pub fn learn(&mut self, world: &World<'_>, drawn: &Drawn, quality: f64, rate: f64, rng: &mut Rng) {
        let reward =
            if quality.is_finite() { quality - self.price(drawn.load) } else { self.baseline.worst() };
        let advantage = self.baseline.advantage(reward, self.plan.momentum);
        let mut gradient = self.policy.zeros();
        self.policy.add_gradient(&drawn.genes, advantage, &mut gradient);
        if self.plan.limits == LimitRule::Reject && advantage != 0.0 {
            let keeps = |genotype: &Genotype| (world.load)(genotype) <= 1.0;
            let mass = self.policy.feasibility_gradient(world.space, &keeps, self.plan.draws, rng);
            let both = gradient.iter_mut().flatten().zip(mass.iter().flatten());
            both.for_each(|(g, m)| *g -= advantage * m);
        }
        self.policy.climb(&gradient, rate);
    }

    /// What the reward loses by the distance of the load from 1.
    fn price(&self, load: f64) -> f64 {
        match self.plan.limits {
            LimitRule::Reject => 0.0,
            LimitRule::Target => self.plan.penalty * (load - 1.0).abs(),
        }
    }

    /// The most likely networks that keep the limits, at most `most`, the most likely first.
    pub fn favourites(&self, world: &World<'_>, most: usize, rng: &mut Rng) -> Vec<Genotype> {
        let World { space, load } = *world;
        let mode = space.compose(|place| self.policy.likeliest(place, rng));
        let drawn = (0..FAVOURITES_AMONG).map(|_| self.policy.sample(space, rng));
        let chance = |genotype: &Genotype| self.policy.log_probability(&space.by_place(genotype));
        let known: BTreeMap<Genotype, f64> = std::iter::once(mode)
            .chain(drawn)
            .map(|genotype| (genotype.clone(), chance(&genotype)))
            .collect();
        let mut known: Vec<(Genotype, f64)> = known.into_iter().collect();
        known.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable
        known.into_iter().map(|(genotype, _)| genotype).filter(|g| load(g) <= 1.0).take(most).collect()
    }

    /// The most likely factors of the recipe's learning rate and weight decay.
    pub fn favourite_factors(&self, space: &Space, rng: &mut Rng) -> [f64; 2] {
        let genes =
            (0..self.policy.scales.len()).map(|place| Some(self.policy.likeliest(place, rng))).collect();
        self.factors(&Drawn { genotype: space.default_genotype(), genes, load: 0.0 }, space)
    }
}

fn factor(factors: &[f64], gene: Gene) -> Option<f64> {
    let Gene::Index(option) = gene else { return None };
    factors.get(option as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{SpaceError, Tree};
    use rand::SeedableRng;

    fn planted(choices: impl IntoIterator<Item = Tree>) -> Space {
        let tree = Tree::group(choices.into_iter().collect::<Vec<_>>());
        Space::new("planted", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    fn option(genotype: &Genotype, place: usize) -> usize {
        if let Gene::Index(option) = genotype.genes()[place] { option as usize } else { 0 }
    }

    /// Trains a policy alone, on qualities that are a function of what is drawn.
    fn trained(
        plan: &ControllerPlan,
        world: &World<'_>,
        (seed, steps): (u64, u64),
        quality: impl Fn(&Controller, &Drawn) -> f64,
    ) -> Controller {
        let mut controller = Controller::new(plan, world.space);
        let mut rng = Rng::seed_from_u64(seed);
        for step in 0..steps {
            let drawn = controller.draw(world, &mut rng).unwrap();
            assert!(plan.limits == LimitRule::Target || drawn.load <= 1.0);
            let quality = quality(&controller, &drawn);
            let rate = controller.rate(step, steps);
            controller.learn(world, &drawn, quality, rate, &mut rng);
        }
        controller
    }

    #[test]
    fn the_rates_of_all_steps_sum_to_the_reach_and_rest_in_the_warm_up() {
        let space = planted([Tree::choice("a", [1, 2])]);
        let controller = Controller::new(&ControllerPlan { reach: 7.0, ..ControllerPlan::default() }, &space);
        let rates: Vec<f64> = (0..4000).map(|step| controller.rate(step, 4000)).collect();
        assert!(rates[..1000].iter().all(|rate| *rate == 0.0) && rates[1000] > 0.0);
        assert!((rates.iter().sum::<f64>() / 7.0 - 1.0).abs() < 1e-2);
        assert!((rates[3999] / rates[1000] / GROWTH - 1.0).abs() < 1e-2);
    }

    /// Ten layers whose cost buys quality: five options each, 3,000 steps; the load is the cost over 60.
    fn converged(limits: LimitRule, penalty: f64, seed: u64) -> f64 {
        const COSTS: [f64; 5] = [1.0, 2.0, 4.0, 7.0, 12.0];
        let space = planted((0..10).map(|i| Tree::choice(format!("layer{i}"), [1, 2, 4, 7, 12])));
        let costs = |genotype: &Genotype| (0..10).map(|i| COSTS[option(genotype, i)]).collect::<Vec<_>>();
        let load = |genotype: &Genotype| costs(genotype).iter().sum::<f64>() / 60.0;
        let world = World { space: &space, load: &load };
        let plan = ControllerPlan { limits, penalty, reach: 300.0, ..ControllerPlan::default() };
        let quality = |_: &Controller, drawn: &Drawn| costs(&drawn.genotype).iter().map(|c| c.sqrt()).sum();
        let controller = trained(&plan, &world, (seed, 3000), quality);
        let mut rng = Rng::seed_from_u64(seed);
        match limits {
            LimitRule::Reject => load(&controller.favourites(&world, 1, &mut rng)[0]),
            LimitRule::Target => load(&space.compose(|place| controller.policy.likeliest(place, &mut rng))),
        }
    }

    #[test]
    fn the_cost_converges_to_the_target_whatever_the_penalty() {
        // At the target the quality grows by 12 in units of T / T0: a penalty must be well above.
        for (penalty, seed) in [30.0, 90.0, 300.0].into_iter().flat_map(|p| (0..3).map(move |seed| (p, seed)))
        {
            let load = converged(LimitRule::Target, penalty, seed);
            assert!((0.95..=1.05).contains(&load), "penalty {penalty}, seed {seed}: {load}");
        }
    }

    #[test]
    fn rejection_uses_what_the_limit_allows_and_never_more() {
        // `trained` checks each draw.
        for seed in 0..3 {
            let load = converged(LimitRule::Reject, 0.0, seed);
            assert!((0.95..=1.0).contains(&load), "seed {seed}: {load}");
        }
    }

    #[test]
    fn the_gradient_among_feasible_networks_is_that_of_enumeration() {
        let space = planted([Tree::choice("a", [2, 3, 4]), Tree::choice("b", [2, 3, 4])]);
        let params = |g: &Genotype| {
            let (a, b) = (option(g, 0) as f64 + 2.0, option(g, 1) as f64 + 2.0);
            3.0 * a + (a + 1.0) * b + (b + 1.0)
        };
        let load = |g: &Genotype| params(g) / 25.0;
        let world = World { space: &space, load: &load };
        let quality = |g: &Genotype| params(g) + option(g, 0) as f64;
        let plan = ControllerPlan { draws: 64, momentum: 0.0, ..ControllerPlan::default() };
        let mut controller = Controller::new(&plan, &space);
        controller.policy.logits = vec![vec![0.3, -0.5, 0.9], vec![-0.2, 0.1, 0.7]];
        let feasible: Vec<Genotype> = space.enumerate().filter(|g| load(g) <= 1.0).collect();
        assert_eq!(feasible.len(), 6);
        let expected = |policy: &Policy| {
            let chance = |g: &&Genotype| policy.log_probability(&space.by_place(g)).exp();
            let mass: f64 = feasible.iter().map(|g| chance(&g)).sum();
            feasible.iter().map(|g| chance(&g) * quality(g)).sum::<f64>() / mass
        };
        // Plain REINFORCE, as `learn` does it for an advantage that is the quality.
        const ROUNDS: usize = 4000;
        let mut rng = Rng::seed_from_u64(4);
        let mut sums = vec![vec![[0.0; 2]; 3]; 2];
        for _ in 0..ROUNDS {
            let drawn = controller.draw(&world, &mut rng).unwrap();
            let mut gradient = controller.policy.zeros();
            controller.policy.add_gradient(&drawn.genes, quality(&drawn.genotype), &mut gradient);
            let keeps = |g: &Genotype| load(g) <= 1.0;
            let mass = controller.policy.feasibility_gradient(&space, &keeps, plan.draws, &mut rng);
            for (place, cell) in (0..2).flat_map(|p| (0..3).map(move |c| (p, c))) {
                let value = gradient[place][cell] - quality(&drawn.genotype) * mass[place][cell];
                sums[place][cell][0] += value;
                sums[place][cell][1] += value * value;
            }
        }
        let mut deviations = Vec::new();
        for (place, cell) in (0..2).flat_map(|p| (0..3).map(move |c| (p, c))) {
            let at = |shift: f64| {
                let mut moved = controller.policy.clone();
                moved.logits[place][cell] += shift;
                expected(&moved)
            };
            let exact = (at(1e-5) - at(-1e-5)) / 2e-5;
            let n = ROUNDS as f64;
            let [mean, square] = sums[place][cell].map(|sum| sum / n);
            deviations.push((mean - exact) / ((square - mean * mean) / n).sqrt());
        }
        // In standard errors: the root of the mean square is below 2.
        let square = deviations.iter().map(|d| d * d).sum::<f64>() / deviations.len() as f64;
        assert!(square < 4.0, "{deviations:?}");
    }

    #[test]
    fn architecture_and_recipe_concentrate_on_the_true_pair() {
        // A step of rate r leaves (1 - r c)^2 of the loss c w^2 / 2: each curvature c has a rate of its own, 1 / c.
        const CURVATURES: [f64; 3] = [1.0, 2.0, 4.0];
        let space = planted([Tree::choice("curvature", [1, 2, 4])]);
        let world = World { space: &space, load: &|_| 0.0 };
        let rates = vec![0.25, 0.5, 1.0];
        // Networks of more curvature are better at their own rate, so that the pair is (4, 1/4), but not at that of another.
        let plan = ControllerPlan { learning_rates: rates, ..ControllerPlan::default() };
        let quality = |controller: &Controller, drawn: &Drawn| {
            let curvature = CURVATURES[option(&drawn.genotype, 0)];
            let [rate, decay] = controller.factors(drawn, &space);
            assert_eq!(decay, 1.0);
            1.0 - (1.0 - rate * curvature).powi(2).min(1.0) + 0.2 * curvature.log2()
        };
        let sure = |seed| {
            let controller = trained(&plan, &world, (seed, 2000), quality);
            let favourite = controller.favourite_factors(&space, &mut Rng::seed_from_u64(0));
            let joint = controller.policy.probabilities(0)[2] * controller.policy.probabilities(1)[0];
            joint > 0.8 && favourite == [0.25, 1.0]
        };
        let found = (0..10).filter(|seed| sure(*seed)).count();
        assert!(found >= 8, "{found} of 10");
    }
}

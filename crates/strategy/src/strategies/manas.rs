//! A bandit for each gene.
//!
//! Lopes, Carlucci et al.: "MANAS: Multi-Agent Neural Architecture Search", Machine Learning 113, 2024 (arXiv 1909.01051): each edge of a
//! cell, here each gene, has an agent that chooses by exponential weights among its options, and all are paid by the value of the network
//! that they build together. What an agent credits its options with is the solution of a least-squares problem over the
//! networks played so far (MANAS-LS), or, with `per-agent`, the value divided by the chance of the option, as in EXP3 (Auer,
//! Cesa-Bianchi, Freund and Schapire 2002), of losses instead of gains.
//!
//! Bandits repeat themselves, proposals may not. A draw whose value is known is a round of its own: the agents are credited again, and draw
//! again, a few times, after which the neighbourhood of the last draw is tried. What breaks a limit or fails earns nothing.

use super::StrategyKind;
use crate::cells::cell;
use crate::policy::Policy;
use crate::regression::Linear;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_space::{Gene, Genotype, Scale, Space};
use nasmyth_surrogate::half_rank;
use std::collections::{HashMap, VecDeque};

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "manas",
    doc: "a bandit for each gene, paid for its share in the value of the network",
    several: false,
    settings: &[
        SettingKind {
            name: "rate",
            doc: "learning rate of the agents, in units of the one that bounds their regret",
            setting: Setting::Number { default: 4.0, least: 1e-6, most: 1e4 },
        },
        SettingKind {
            name: "per-agent",
            doc: "each agent learns from its own draws alone, as EXP3, instead of by least squares over all",
            setting: Setting::Flag { default: false },
        },
        SettingKind {
            name: "tries",
            doc: "draws for a network that is new, of which each known one is a round of its own",
            setting: Setting::Integer { default: 20, least: 1, most: 10_000 },
        },
    ],
    build: |settings| Box::new(Manas::new(settings)),
};

/// Penalty of the regression, which one-hot encodings need: their columns are dependent.
const PENALTY: f64 = 1e-2;
/// Latest networks with a result that the regression is over, and latest ones that break a limit.
const WINDOW: [usize; 2] = [500, 100];

/// Agents and what they know.
#[derive(Clone, Debug)]
pub struct Manas {
    rate: f64,
    per_agent: bool,
    tries: usize,
    told: Vec<Completed>,
    /// In the order of trials, one for each network.
    results: Vec<Outcome>,
    at: HashMap<Genotype, usize>,
    /// The results as rewards from 0 to 1.
    rewards: Vec<f64>,
    /// Draws that break a limit.
    rejected: VecDeque<Vec<f32>>,
    agents: Agents,
    /// What least squares credits each option with.
    shares: Vec<Vec<f64>>,
}

#[derive(Clone, Debug)]
struct Outcome {
    /// The options of the network, one-hot for each place.
    row: Vec<f32>,
    /// Nothing if it failed.
    value: Option<f64>,
}

/// Exponential weights: for each option of each place the sum of what it was credited with in all rounds.
#[derive(Clone, Debug, Default)]
struct Agents {
    policy: Policy,
    credit: Vec<Vec<f64>>,
    rounds: u32,
}

impl Agents {
    fn new(space: &Space) -> Self {
        let policy = Policy::uniform(space.scales());
        Self { credit: policy.zeros(), policy, rounds: 0 }
    }

    /// One round. The rates fall with the root of the number of rounds, `sqrt(ln K / t)` times `rate` for K options, which needs no
    /// horizon (Cesa-Bianchi and Lugosi 2006, section 2.3).
    fn play(&mut self, credit: &[Vec<f64>], rate: f64) {
        self.rounds += 1;
        let tables = self.policy.logits.iter_mut().zip(&mut self.credit).zip(credit);
        for ((logits, sums), credit) in tables {
            sums.iter_mut().zip(credit).for_each(|(sum, credit)| *sum += credit);
            let rate = rate * ((logits.len() as f64).ln() / f64::from(self.rounds)).sqrt();
            logits.iter_mut().zip(sums).for_each(|(logit, sum)| *logit = rate * *sum);
        }
    }

    /// Importance-weighted losses of the options of a genotype, divided by the number of options for the rate of EXP3.
    fn blame(&self, space: &Space, genotype: &Genotype, reward: f64) -> Vec<Vec<f64>> {
        let mut credit = self.policy.zeros();
        for (place, gene) in space.by_place(genotype).into_iter().enumerate() {
            let Some(gene) = gene else { continue };
            let option = cell(self.policy.scales[place], gene) as usize;
            let chance = self.policy.probabilities(place)[option];
            let options = credit[place].len() as f64;
            credit[place][option] = (reward - 1.0) / (chance * options.sqrt());
        }
        credit
    }

    /// One-hot for each place.
    fn row(&self, space: &Space, genotype: &Genotype) -> Vec<f32> {
        let genes = space.by_place(genotype).into_iter().zip(&self.policy.scales);
        let place = |((gene, scale), logits): ((Option<Gene>, &Scale), &Vec<f64>)| {
            let mut row = vec![0.0; logits.len()];
            if let Some(gene) = gene {
                row[cell(*scale, gene) as usize] = 1.0;
            }
            row
        };
        genes.zip(&self.policy.logits).flat_map(place).collect()
    }
}

impl Manas {
    /// From the settings of `manas`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            rate: settings.number("rate"),
            per_agent: settings.flag("per-agent"),
            tries: settings.count("tries"),
            told: Vec::new(),
            results: Vec::new(),
            at: HashMap::new(),
            rewards: Vec::new(),
            rejected: VecDeque::new(),
            agents: Agents::default(),
            shares: Vec::new(),
        }
    }

    /// One round for each trial.
    fn learn(&mut self, space: &Space) {
        if self.agents.credit.is_empty() {
            self.agents = Agents::new(space);
        }
        let told = std::mem::take(&mut self.told);
        if told.is_empty() {
            return;
        }
        let mut news = false;
        for done in &told {
            news |= self.note(space, &done.genotype, done.outcome.ok());
        }
        if news {
            self.rewards = rewards(&self.results);
            if !self.per_agent {
                self.shares = self.least_squares();
            }
        }
        told.iter().for_each(|done| self.round(space, &done.genotype));
    }

    /// Keeps a result; whether it says anything new.
    fn note(&mut self, space: &Space, genotype: &Genotype, value: Option<f64>) -> bool {
        if let Some(&at) = self.at.get(genotype) {
            return std::mem::replace(&mut self.results[at].value, value) != value;
        }
        self.at.insert(genotype.clone(), self.results.len());
        self.results.push(Outcome { row: self.agents.row(space, genotype), value });
        true
    }

    /// A round with a network whose result is known.
    fn round(&mut self, space: &Space, genotype: &Genotype) {
        let Some(&at) = self.at.get(genotype) else { return };
        match self.per_agent {
            true => {
                let losses = self.agents.blame(space, genotype, self.rewards[at]);
                self.agents.play(&losses, self.rate);
            }
            false => self.agents.play(&self.shares, self.rate),
        }
    }

    /// Share of each option in the reward, by ridge regression on all options of the network; zeros if that has no solution.
    fn least_squares(&self) -> Vec<Vec<f64>> {
        let late = self.results.len().saturating_sub(WINDOW[0]);
        let rewards = self.rewards[late..].iter().copied();
        let played = self.results[late..].iter().map(|result| result.row.as_slice()).zip(rewards);
        let rejected = self.rejected.iter().map(|row| (row.as_slice(), 0.0));
        let samples: Vec<(&[f32], f64)> = played.chain(rejected).collect();
        let mut shares = self.agents.policy.zeros();
        if let Some(linear) = Linear::fit(&samples, PENALTY) {
            shares.iter_mut().flatten().zip(linear.weights()).for_each(|(share, weight)| *share = *weight);
        }
        shares
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        let mut last = None;
        for _ in 0..self.tries {
            let genotype = self.agents.policy.sample(problem.space, rng);
            if !problem.feasible(&genotype) {
                self.reject(problem.space, &genotype);
            } else if !(problem.known)(&genotype) {
                return Some(Proposal { genotype, origin: Origin::Model, parent: None });
            } else {
                self.round(problem.space, &genotype);
            }
            last = Some(genotype);
        }
        let near = last.and_then(|last| feasible_near(problem, &last, rng));
        let near = near.map(|genotype| Proposal { genotype, origin: Origin::Model, parent: None });
        near.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }

    /// Takes note of a draw that breaks a limit; the regression sees it next time.
    fn reject(&mut self, space: &Space, genotype: &Genotype) {
        if self.per_agent {
            let losses = self.agents.blame(space, genotype, 0.0);
            self.agents.play(&losses, self.rate);
            return;
        }
        self.rejected.push_back(self.agents.row(space, genotype));
        if self.rejected.len() > WINDOW[1] {
            self.rejected.pop_front();
        }
    }
}

/// From 0 for failures and the worst to 1 for the best, of values whose lower half is warped.
fn rewards(results: &[Outcome]) -> Vec<f64> {
    let warped = half_rank(&results.iter().filter_map(|result| result.value).collect::<Vec<_>>());
    let low = warped.iter().copied().fold(f64::INFINITY, f64::min);
    let high = warped.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut warped = warped.into_iter().map(|w| if high > low { (w - low) / (high - low) } else { 0.5 });
    results.iter().map(|result| result.value.and_then(|_| warped.next()).unwrap_or(0.0)).collect()
}

impl Strategy for Manas {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        self.learn(problem.space);
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
    use crate::{Fidelity, no_costs};
    use nasmyth_space::{SpaceError, Tree};
    use rand::SeedableRng;
    use rand::seq::SliceRandom;

    fn space() -> Space {
        let genes = (0..6).map(|i| Tree::choice(format!("g{i}"), [0, 1, 2, 3, 4]));
        Space::new("edges", "", Tree::group(genes.collect::<Vec<_>>()), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    fn options(genotype: &Genotype) -> Vec<usize> {
        let option = |gene: &Gene| if let Gene::Index(i) = gene { *i as usize } else { 0 };
        genotype.genes().iter().map(option).collect()
    }

    /// What is lost against the best network, round by round, when any network may be repeated; and the network that the agents
    /// find most likely at last. Rewards are sums over six genes of five options each.
    fn regrets(settings: &str, seed: u64, rounds: u64) -> (Vec<f64>, Vec<usize>, Vec<usize>) {
        let space = space();
        let mut rng = Rng::seed_from_u64(seed);
        let mut table = vec![vec![0.0, 0.3, 0.5, 0.6, 1.0]; 6];
        table.iter_mut().for_each(|row| row.shuffle(&mut rng));
        let argmax = |row: &Vec<f64>| (0..5).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap();
        let best: Vec<usize> = table.iter().map(argmax).collect();
        let value = |options: &[usize]| options.iter().zip(&table).map(|(&o, row)| row[o]).sum::<f64>();
        let settings = Settings::resolve("manas", KIND.settings, &settings.parse().unwrap()).unwrap();
        let mut strategy = Manas::new(&settings);
        let problem = Problem { space: &space, violation: &|_| 0.0, known: &|_| false, costs: &no_costs };
        let mut lost = Vec::new();
        for trial in 0..rounds {
            let genotype = strategy.ask(&problem, 1, &mut rng).unwrap().remove(0).genotype;
            let earned = value(&options(&genotype));
            lost.push(value(&best) - earned);
            let fidelity = Fidelity { rung: 0, epochs: 1.0 };
            strategy
                .tell(&[Completed { trial, genotype, fidelity, outcome: Ok(earned), costs: Vec::new() }])
                .unwrap();
        }
        (lost, best, strategy.agents.policy.logits.iter().map(argmax).collect())
    }

    /// Slope of the logarithm of the cumulative regret over that of the rounds, in the last nine tenths.
    fn slope(lost: &[f64]) -> f64 {
        let mut sum = 0.0;
        let cumulative = lost.iter().map(|lost| {
            sum += lost;
            sum.ln()
        });
        let late = cumulative.enumerate().skip(lost.len() / 10);
        let points: Vec<(f64, f64)> = late.map(|(t, y)| (((t + 1) as f64).ln(), y)).collect();
        let n = points.len() as f64;
        let x = points.iter().map(|p| p.0).sum::<f64>() / n;
        let y = points.iter().map(|p| p.1).sum::<f64>() / n;
        let products = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>();
        products / points.iter().map(|p| (p.0 - x).powi(2)).sum::<f64>()
    }

    #[test]
    fn the_regret_of_least_squares_grows_slower_than_the_root_of_the_rounds() {
        for seed in 0..5 {
            let (lost, best, found) = regrets("rate = 1.0", seed, 2_000);
            assert!(slope(&lost) <= 0.55, "seed {seed}: {}", slope(&lost));
            assert_eq!(found, best, "seed {seed}");
        }
    }

    #[test]
    fn agents_on_their_own_learn_too() {
        let (lost, ..) = regrets("per-agent = true", 1, 3_000);
        let mean = |lost: &[f64]| lost.iter().sum::<f64>() / lost.len() as f64;
        let (early, late) = (mean(&lost[..300]), mean(&lost[2_700..]));
        assert!(late < 0.5 * early, "{early} at first, {late} at last; slope {}", slope(&lost));
    }

    #[test]
    fn losses_are_weighted_by_the_chance_of_what_was_drawn() {
        let space = space();
        let mut agents = Agents::new(&space);
        agents.policy.logits[2] = vec![0.0, 1.0, -1.0, 0.5, 0.0];
        // The mean over draws is the loss itself, over the root of the number of options.
        let chances = agents.policy.probabilities(2);
        for option in 0..5 {
            let genes = (0..6).map(|place| Gene::Index(if place == 2 { option } else { 0 }));
            let credit = agents.blame(&space, &Genotype::new(genes), 0.25);
            let mean = chances[option as usize] * credit[2][option as usize];
            assert!((mean + 0.75 / 5.0_f64.sqrt()).abs() < 1e-12);
        }
    }

    #[test]
    fn failures_earn_nothing() {
        let results = [Some(2.0), None, Some(4.0), Some(3.0)].map(|value| Outcome { row: Vec::new(), value });
        let rewards = rewards(&results);
        assert_eq!((rewards[0], rewards[1], rewards[2]), (0.0, 0.0, 1.0));
        assert!(rewards[3] > 0.0 && rewards[3] < 1.0);
    }
}

//! Networks that grow gene by gene.
//!
//! Perez-Rua, Baccouche and Pateux: "Efficient Progressive Neural Architecture Search", BMVC 2018, algorithm 1, without its shared weights:
//! simple networks are tried first and extended, a model of the results says which extensions to try, and they are drawn by a softmax of
//! its predictions, the temperature of which may fall from one sweep over the levels to the next. At temperature 0 the best are taken,
//! which is PNAS (Liu et al.: "Progressive Neural Architecture Search", ECCV 2018, algorithm 1).
//!
//! A network of level `b` has its first `b` places decided; the others are as in the space's default. That is a network that
//! can be trained in every space, whereas the smallest options (a cell without operators) often give none; where the default is
//! such an option, to decide a place is to add a part. Levels are grown from what was chosen, whether its result is known yet or not.

use super::StrategyKind;
use crate::cells::{cells, gene};
use crate::model_based::Known;
use crate::prefix::completed;
use crate::value_model::ValueModel;
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_near, feasible_sample,
};
use nasmyth_space::{Genotype, Scale};
use rand::RngExt;
use std::collections::{HashSet, VecDeque};

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "epnas",
    doc: "grows networks gene by gene, drawing extensions by their predicted values",
    several: false,
    settings: &[
        SettingKind {
            name: "beam",
            doc: "networks chosen of each level",
            setting: Setting::Integer { default: 3, least: 1, most: 100_000 },
        },
        SettingKind {
            name: "temperature",
            doc: "of the first sweep, in standard deviations of the predictions; 0 takes the best, as PNAS does",
            setting: Setting::Number { default: 0.6, least: 0.0, most: 1e6 },
        },
        SettingKind {
            name: "cooling",
            doc: "what the temperature is multiplied by after each sweep; 1 where the end of the search is not known",
            setting: Setting::Number { default: 1.0, least: 0.0, most: 1.0 },
        },
    ],
    build: |settings| Box::new(Epnas::new(settings)),
};

/// Levels without a new network after which one is looked for around the last.
const PATIENCE: usize = 2;

/// A beam of growing networks.
#[derive(Clone, Debug)]
pub struct Epnas {
    beam: usize,
    temperature: f64,
    cooling: f64,
    /// Results, in the order of trials.
    known: Vec<Known>,
    /// Places that the networks of `grown` have decided.
    level: usize,
    /// The networks chosen of that level.
    grown: Vec<Genotype>,
    /// Those of them that are still to be tried.
    queue: VecDeque<Genotype>,
    /// The model, and the number of results that it was fitted to.
    model: Option<(usize, ValueModel)>,
}

impl Epnas {
    /// From the settings of `epnas`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            beam: settings.count("beam"),
            temperature: settings.number("temperature"),
            cooling: settings.number("cooling"),
            known: Vec::new(),
            level: 0,
            grown: Vec::new(),
            queue: VecDeque::new(),
            model: None,
        }
    }

    /// Goes up one level, or begins a new sweep after the last.
    fn grow(&mut self, problem: &Problem<'_>, rng: &mut Rng) {
        let scales = problem.space.scales();
        if self.grown.is_empty() {
            self.grown = vec![problem.space.default_genotype()];
            self.queue.extend(self.grown.iter().cloned());
            return;
        }
        if self.level == scales.len() {
            (self.level, self.grown) = (0, vec![problem.space.default_genotype()]);
            self.temperature *= self.cooling;
        }
        let mut candidates = self.extensions(problem, &scales, rng);
        self.level += 1;
        if self.level == scales.len() {
            candidates.retain(|genotype| problem.fresh(genotype));
        }
        let chosen = self.choose(problem, &candidates, rng);
        if !chosen.is_empty() {
            self.grown = chosen;
        }
        self.queue.extend(self.grown.iter().cloned());
    }

    /// All networks with one more place decided, each once.
    fn extensions(&self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) -> Vec<Genotype> {
        let Some(&scale) = scales.get(self.level) else { return Vec::new() };
        let mut seen = HashSet::new();
        let mut extensions = Vec::new();
        for network in &self.grown {
            let mut genes = problem.space.by_place(network);
            for option in 0..cells(scale) {
                genes[self.level] = Some(gene(scale, option, rng));
                let extended = completed(problem.space, &genes[..=self.level]);
                if seen.insert(extended.clone()) {
                    extensions.push(extended);
                }
            }
        }
        extensions
    }

    /// As many as the beam holds, by their predicted values; by chance alone while there are no results.
    fn choose(&mut self, problem: &Problem<'_>, candidates: &[Genotype], rng: &mut Rng) -> Vec<Genotype> {
        if candidates.len() <= self.beam {
            return candidates.to_vec();
        }
        if self.model.as_ref().is_none_or(|(results, _)| *results < self.known.len()) {
            let model = ValueModel::fit(problem.space, &self.known, rng);
            self.model = model.map(|model| (self.known.len(), model));
        }
        let (values, temperature) = match &self.model {
            Some((_, model)) => {
                (candidates.iter().map(|g| model.predict(problem.space, g)).collect(), self.temperature)
            }
            None => (vec![0.0; candidates.len()], 1.0),
        };
        let chosen = boltzmann(&values, temperature, self.beam, rng);
        chosen.into_iter().map(|i| candidates[i].clone()).collect()
    }

    fn propose(&mut self, problem: &Problem<'_>, rng: &mut Rng) -> Option<Proposal> {
        for _ in 0..PATIENCE * (problem.space.scales().len() + 1) {
            while let Some(genotype) = self.queue.pop_front() {
                if problem.fresh(&genotype) {
                    let origin = if self.level == 0 { Origin::Given } else { Origin::Model };
                    return Some(Proposal { genotype, origin, parent: None });
                }
            }
            self.grow(problem, rng);
        }
        let near = self.grown.first().and_then(|last| feasible_near(problem, last, rng));
        let near = near.map(|genotype| Proposal { genotype, origin: Origin::Model, parent: None });
        near.or_else(|| feasible_sample(problem, rng).map(Proposal::random))
    }
}

/// Indices of `n` values, drawn one after the other without replacement with chances proportional to `exp(z / temperature)`, where z are the
/// values in standard deviations: those with the largest sums of value and Gumbel noise (Kool, van Hoof and Welling 2019). At
/// temperature 0 the largest values.
fn boltzmann(values: &[f64], temperature: f64, n: usize, rng: &mut Rng) -> Vec<usize> {
    let count = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    let scale = temperature * variance.sqrt().max(f64::MIN_POSITIVE);
    let mut gumbel = || match temperature > 0.0 {
        true => -scale * (-(1.0 - rng.random::<f64>()).ln()).ln(),
        false => 0.0,
    };
    let mut order: Vec<(usize, f64)> = values.iter().map(|value| value + gumbel()).enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.into_iter().take(n).map(|(i, _)| i).collect()
}

impl Strategy for Epnas {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        Ok(distinct(problem, n, |problem| self.propose(problem, rng)))
    }

    fn tell(&mut self, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done.iter().filter(|trial| trial.fidelity.rung == 0) {
            if let Ok(value) = trial.outcome {
                self.known.push(Known { trial: trial.trial, genotype: trial.genotype.clone(), value });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fidelity, no_costs};
    use nasmyth_space::{Gene, Space, SpaceError, Tree};
    use rand::SeedableRng;

    const PLACES: usize = 5;

    fn space() -> Space {
        let genes = (0..PLACES).map(|i| Tree::choice(format!("g{i}"), [0, 1, 2, 3]));
        Space::new("edges", "", Tree::group(genes.collect::<Vec<_>>()), |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    /// Option 1 earns 1 and option 2 a little less everywhere, so that 2s alone are behind all mixtures with 1s until the network is
    /// complete, when they are the best by far.
    fn deceptive(genotype: &Genotype) -> f64 {
        let of = |option: u32| genotype.genes().iter().filter(|g| **g == Gene::Index(option)).count();
        match of(2) {
            PLACES => 10.0,
            twos => of(1) as f64 + 0.8 * twos as f64,
        }
    }

    /// The networks that are tried, each told at once.
    fn trials(settings: &str, seed: u64, n: u64, value: fn(&Genotype) -> f64) -> Vec<Genotype> {
        let space = space();
        let settings = Settings::resolve("epnas", KIND.settings, &settings.parse().unwrap()).unwrap();
        let mut strategy = Epnas::new(&settings);
        let mut tried: Vec<Genotype> = Vec::new();
        for trial in 0..n {
            let known = |genotype: &Genotype| tried.contains(genotype);
            let problem = Problem { space: &space, violation: &|_| 0.0, known: &known, costs: &no_costs };
            let mut rng = Rng::seed_from_u64(seed * 1000 + trial);
            let genotype = strategy.ask(&problem, 1, &mut rng).unwrap().remove(0).genotype;
            tried.push(genotype.clone());
            let (fidelity, outcome) = (Fidelity { rung: 0, epochs: 1.0 }, Ok(value(&genotype)));
            strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }]).unwrap();
        }
        tried
    }

    #[test]
    fn drawing_finds_the_network_with_mediocre_beginnings_that_the_best_prefixes_miss() {
        let found = |settings: &str| {
            let hit = |seed| trials(settings, seed, 250, deceptive).iter().any(|g| deceptive(g) == 10.0);
            (0..10).filter(|&seed| hit(seed)).count()
        };
        let (drawn, greedy) = (found(""), found("temperature = 0.0"));
        assert!(drawn >= 8 && greedy <= 2, "{drawn} and {greedy} of 10");
    }

    #[test]
    fn without_temperature_the_choices_are_those_of_pnas() {
        // The first sweep by hand: all extensions of the networks chosen last, and the best of them by the model.
        let space = space();
        for seed in 0..3 {
            let tried = trials("beam = 4\ntemperature = 0.0", seed, 16, deceptive);
            let mut beam = vec![space.default_genotype()];
            let mut expected = beam.clone();
            for level in 0..4 {
                let extend = |from: &Genotype, option| {
                    let mut genes = from.genes().to_vec();
                    genes[level] = Gene::Index(option);
                    Genotype::new(genes)
                };
                let all: Vec<Genotype> =
                    beam.iter().flat_map(|from| (0..4).map(move |option| extend(from, option))).collect();
                let result = |(trial, genotype): (usize, &Genotype)| Known {
                    trial: trial as u64,
                    genotype: genotype.clone(),
                    value: deceptive(genotype),
                };
                let known: Vec<Known> = expected.iter().enumerate().map(result).collect();
                if known.len() > 1 {
                    let mut rng = Rng::seed_from_u64(seed * 1000 + expected.len() as u64);
                    let model = ValueModel::fit(&space, &known, &mut rng).unwrap();
                    let mut ranked: Vec<(f64, &Genotype)> =
                        all.iter().map(|genotype| (model.predict(&space, genotype), genotype)).collect();
                    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
                    beam = ranked.into_iter().take(4).map(|(_, genotype)| genotype.clone()).collect();
                } else {
                    beam = all;
                }
                expected.extend(beam.iter().filter(|g| !expected.contains(g)).cloned().collect::<Vec<_>>());
            }
            assert!(expected.len() > 8);
            assert_eq!(tried[..expected.len()], expected);
        }
    }

    #[test]
    fn the_temperature_decides_how_often_the_second_best_is_drawn() {
        // Standard deviation 1.
        let values = [-1.5_f64.sqrt(), 1.5_f64.sqrt(), 0.0];
        let mut rng = Rng::seed_from_u64(1);
        assert_eq!(boltzmann(&values, 0.0, 2, &mut rng), [1, 2]);
        let n = 40_000;
        let firsts = (0..n).map(|_| boltzmann(&values, 0.5, 1, &mut rng)[0]);
        let share = firsts.filter(|first| *first == 2).count() as f64 / f64::from(n);
        let weight = |value: f64| (value / 0.5).exp();
        let exact = weight(0.0) / values.iter().map(|v| weight(*v)).sum::<f64>();
        assert!((share - exact).abs() < 0.01, "{share}, not {exact}");
    }
}

//! Bayesian optimisation in trust regions, over categories and numbers.
//!
//! Wan et al.: "Think Global and Act Local: Bayesian Optimisation over High-Dimensional Categorical and Mixed Search Spaces"
//! (CASMOPOLITAN), ICML 2021, algorithm 1: a Gaussian process of the trials of a region, and in the region around the best of them the
//! point of the largest expected improvement, which a search over categories and numbers in turn finds. A region that has become too small
//! is left; the next begins where an upper confidence bound of the best trials of all regions is largest (section 3.3).

use super::StrategyKind;
use crate::cells::{cells, gene as gene_of_cell};
use crate::model_based::{Known, learned};
use crate::opening::Opening;
use crate::trust_region::{TrustRegion, gene, point};
use crate::{
    Completed, Origin, Problem, Proposal, Rng, Setting, SettingKind, Settings, Strategy, StrategyError,
    distinct, feasible_sample,
};
use nasmyth_space::{Gene, Genotype, Scale};
use nasmyth_surrogate::acquisition::{expected_improvement, thompson};
use nasmyth_surrogate::{KernelProcess, MixedKernel, MixedPoint, Prediction, half_rank};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use std::sync::Arc;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "casmopolitan",
    doc: "expected improvement by a Gaussian process over the genes, in a region around the best that grows and shrinks",
    several: false,
    settings: &[SettingKind {
        name: "start",
        doc: "networks drawn at random at the start, and at the start of each region",
        setting: Setting::Integer { default: 10, least: 2, most: 100_000 },
    }],
    build: |settings| Box::new(Casmopolitan::new(settings)),
};

/// Searches for the largest improvement, each of so many steps.
const SEARCHES: usize = 3;
const STEPS: usize = 80;
/// Draws for a fresh point of a region.
const TRIES: usize = 50;
/// Random genotypes of which one becomes the centre of the next region.
const CENTRES: usize = 256;
/// Chance that the upper confidence bounds do not hold (Srinivas et al. 2010, theorem 1).
const DELTA: f64 = 0.1;
/// Share of the reach of a number that a step has at least.
const FINEST: f64 = 0.01;

type Genes = Vec<Option<Gene>>;

/// Trust regions, one after the other.
#[derive(Debug)]
pub struct Casmopolitan {
    start: usize,
    opening: Opening,
    region: Option<TrustRegion>,
    /// Regions before this one.
    before: usize,
    /// Where this region begins, and how many points around it are still to be drawn.
    beginning: Option<(Genotype, usize)>,
    /// Not yet learned from.
    told: Vec<Completed>,
    /// Proposed and not told yet.
    open: Vec<Open>,
    /// Trials of this region.
    known: Vec<Known>,
    /// The best trial of each region before.
    optima: Vec<Known>,
    /// The process whose kernel holds, and the number of trials that it was chosen with.
    chosen: Option<(usize, KernelProcess<MixedKernel>)>,
}

#[derive(Debug)]
struct Open {
    genotype: Genotype,
    /// Number of its region.
    region: usize,
    /// Whether it says something about the size of the region.
    counts: bool,
}

impl Casmopolitan {
    /// From the settings of `casmopolitan`.
    pub fn new(settings: &Settings) -> Self {
        Self {
            start: settings.count("start"),
            opening: Opening::new(settings.count("start")),
            region: None,
            before: 0,
            beginning: None,
            told: Vec::new(),
            open: Vec::new(),
            known: Vec::new(),
            optima: Vec::new(),
            chosen: None,
        }
    }

    fn best(&self) -> Option<&Known> {
        self.known.iter().rev().max_by(|a, b| a.value.total_cmp(&b.value))
    }

    /// Takes note of the trials that are over.
    fn learn(&mut self, scales: &[Scale]) {
        let region = self.region.get_or_insert_with(|| TrustRegion::new(scales));
        for done in self.told.drain(..) {
            let at = self.open.iter().position(|open| open.genotype == done.genotype);
            let open = at.map(|at| self.open.remove(at));
            let (of, counts) = open.map_or((self.before, false), |open| (open.region, open.counts));
            if of < self.before {
                continue;
            }
            let best = self.known.iter().map(|known| known.value).fold(f64::NEG_INFINITY, f64::max);
            if counts {
                region.told(done.outcome.is_ok_and(|value| value > best));
            }
            if let Ok(value) = done.outcome {
                self.known.push(Known { trial: done.trial, genotype: done.genotype, value });
            }
        }
    }

    fn propose(&mut self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) -> Option<Proposal> {
        let opening = self.opening.next(problem, rng);
        let opens = opening.is_some();
        if self.region.as_ref().is_some_and(TrustRegion::collapsed) {
            self.leave(problem, scales, rng);
        }
        let proposal = opening
            .or_else(|| self.begin(problem, scales, rng))
            .or_else(|| self.improve(problem, scales, rng))
            .or_else(|| feasible_sample(problem, rng).map(Proposal::random))?;
        let counts = !opens && self.beginning.is_none() && self.known.len() > 1;
        self.open.push(Open { genotype: proposal.genotype.clone(), region: self.before, counts });
        Some(proposal)
    }

    /// Leaves the region for one whose centre the best trials of all regions promise most of.
    fn leave(&mut self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) {
        self.optima.extend(self.best().cloned());
        self.known.clear();
        self.chosen = None;
        self.region = Some(TrustRegion::new(scales));
        self.before += 1;
        self.beginning = self.centre(problem, scales, rng).map(|centre| (centre, self.start));
    }

    /// The most promising of some genotypes that keep the limits, by the upper confidence bound of the optima so far.
    fn centre(&self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) -> Option<Genotype> {
        let to_point = |genotype: &Genotype| Arc::new(point(scales, &problem.space.by_place(genotype)));
        let data: Vec<Arc<MixedPoint>> =
            self.optima.iter().map(|optimum| to_point(&optimum.genotype)).collect();
        let targets: Vec<f64> = self.optima.iter().map(|optimum| optimum.value).collect();
        let process = MixedKernel::fit(&data, &targets, None)?;
        let round = self.before as f64 * std::f64::consts::PI;
        let beta = 2.0 * (CENTRES as f64 * round * round / (6.0 * DELTA)).ln();
        let bound = |genotype: Genotype| {
            let Prediction { mean, variance } = process.predict(&to_point(&genotype));
            (mean + (beta * variance).sqrt(), genotype)
        };
        let mut centres: Vec<_> = (0..CENTRES).map(|_| bound(problem.space.sample(rng))).collect();
        centres.sort_by(|a, b| b.0.total_cmp(&a.0));
        centres.into_iter().map(|(_, genotype)| genotype).find(|genotype| problem.feasible(genotype))
    }

    /// A point of a region that begins.
    fn begin(&mut self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) -> Option<Proposal> {
        let (centre, left) = self.beginning.take()?;
        let around = Around::new(problem, scales, self.region.as_ref()?, &centre);
        let itself = (left == self.start && problem.fresh(&centre)).then(|| centre.clone());
        let genotype = itself.or_else(|| around.scattered(rng))?;
        self.beginning = Some((centre, left - 1)).filter(|(_, left)| *left > 0);
        Some(Proposal { genotype, origin: Origin::Model, parent: None })
    }

    /// The point of the region around the best trial with the largest expected improvement over the best mean.
    fn improve(&mut self, problem: &Problem<'_>, scales: &[Scale], rng: &mut Rng) -> Option<Proposal> {
        if self.known.len() < 2 {
            return None;
        }
        let centre = self.best()?.clone();
        let (process, best) = self.fit(problem, scales)?;
        let region = self.region.as_mut()?;
        region.shape(process.kernel().numbers());
        let around = Around::new(problem, scales, region, &centre.genotype);
        let worth = |point: &MixedPoint| expected_improvement(process.predict(point), best);
        let mut found: Option<(Genotype, f64)> = None;
        for search in 0..SEARCHES {
            let start = if search == 0 { None } else { around.scattered(rng) };
            let other = around.climb(start, &worth, rng);
            found = match (found, other) {
                (Some(found), Some(other)) if other.1 <= found.1 => Some(found),
                (found, other) => other.or(found),
            };
        }
        let genotype = found?.0;
        Some(Proposal { genotype, origin: Origin::Model, parent: Some(centre.trial) })
    }

    /// The process of the region's trials, and its best mean at one of them. Open trials count with their means.
    fn fit(&mut self, problem: &Problem<'_>, scales: &[Scale]) -> Option<(KernelProcess<MixedKernel>, f64)> {
        let to_point = |genotype: &Genotype| Arc::new(point(scales, &problem.space.by_place(genotype)));
        let known = learned(&self.known);
        let mut data: Vec<Arc<MixedPoint>> = known.iter().map(|known| to_point(&known.genotype)).collect();
        let mut targets = half_rank(&known.iter().map(|known| known.value).collect::<Vec<_>>());
        let kept = self.chosen.as_ref().filter(|(n, _)| 10 * data.len() < 11 * n);
        let mut process = match kept.and_then(|(_, process)| process.refit(&data, &targets)) {
            Some(process) => process,
            None => {
                let start = self.chosen.as_ref().map(|(_, process)| process);
                let process = MixedKernel::fit(&data, &targets, start)?;
                self.chosen = Some((data.len(), process.clone()));
                process
            }
        };
        let best = data.iter().map(|point| process.mean(point)).fold(f64::NEG_INFINITY, f64::max);
        let open: Vec<_> = self.open.iter().map(|open| to_point(&open.genotype)).collect();
        if !open.is_empty() {
            targets.extend(open.iter().map(|point| process.mean(point)));
            data.extend(open);
            process = process.refit(&data, &targets)?;
        }
        Some((process, best))
    }
}

/// A region around a centre.
struct Around<'a> {
    problem: &'a Problem<'a>,
    scales: &'a [Scale],
    region: &'a TrustRegion,
    genes: Genes,
    centre: MixedPoint,
    /// For each place how far its number may be from the centre; nothing for a category.
    reach: Vec<Option<f64>>,
}

impl<'a> Around<'a> {
    fn new(
        problem: &'a Problem<'a>,
        scales: &'a [Scale],
        region: &'a TrustRegion,
        centre: &Genotype,
    ) -> Self {
        let genes = problem.space.by_place(centre);
        let mut numbers = region.reach().into_iter();
        let reach = scales.iter().map(|scale| match scale {
            Scale::Unordered(_) => None,
            _ => numbers.next(),
        });
        Self { problem, scales, region, centre: point(scales, &genes), genes, reach: reach.collect() }
    }

    /// The places with a gene, categories or numbers.
    fn places(&self, genes: &Genes, numbers: bool) -> Vec<usize> {
        let of_kind = |&place: &usize| genes[place].is_some() && self.reach[place].is_some() == numbers;
        (0..genes.len()).filter(of_kind).collect()
    }

    /// The genotype of genes, which lack those that only their other genes bring along: they come from the centre or are random.
    fn genotype(&self, genes: &Genes, rng: &mut Rng) -> Genotype {
        self.problem.space.compose(|place| {
            let random = |rng: &mut Rng| {
                let scale = self.scales[place];
                gene_of_cell(scale, rng.random_range(0..cells(scale).max(1)), rng)
            };
            genes[place].or(self.genes[place]).unwrap_or_else(|| random(rng))
        })
    }

    /// Another category.
    fn flip(&self, genes: &mut Genes, place: usize, rng: &mut Rng) {
        if let (Scale::Unordered(values @ 2..), Some(Gene::Index(old))) = (self.scales[place], genes[place]) {
            let other = rng.random_range(0..values - 1);
            genes[place] = Some(Gene::Index(if other < old { other } else { other + 1 }));
        }
    }

    /// A number moved by so much, within reach of the centre.
    fn shift(&self, genes: &mut Genes, place: usize, by: f64) {
        let number = |genes: &Genes| point(&self.scales[place..=place], &genes[place..=place]).numbers[0];
        let (Some(reach), Some(old)) = (self.reach[place], number(genes)) else { return };
        let centre = number(&self.genes).unwrap_or(old);
        genes[place] = gene(self.scales[place], (old + by).clamp(centre - reach, centre + reach));
    }

    /// A fresh point, if draws find one.
    fn scattered(&self, rng: &mut Rng) -> Option<Genotype> {
        let allowed = |genotype: &Genotype| self.inside(genotype).is_some() && self.problem.fresh(genotype);
        (0..TRIES).map(|_| self.drawn(rng)).find(allowed)
    }

    /// Up to as many other categories as the radius, and any numbers.
    fn drawn(&self, rng: &mut Rng) -> Genotype {
        let mut genes = self.genes.clone();
        let mut categories = self.places(&genes, false);
        categories.shuffle(rng);
        let changes = rng.random_range(0..=self.region.radius());
        categories.into_iter().take(changes).for_each(|place| self.flip(&mut genes, place, rng));
        for place in self.places(&genes, true) {
            let reach = self.reach[place].unwrap_or(0.0);
            self.shift(&mut genes, place, rng.random_range(-reach..=reach));
        }
        self.genotype(&genes, rng)
    }

    /// The point of a genotype in the region.
    fn inside(&self, genotype: &Genotype) -> Option<(Genes, MixedPoint)> {
        let genes = self.problem.space.by_place(genotype);
        let point = point(self.scales, &genes);
        self.region.contains(&self.centre, &point).then_some((genes, point))
    }

    /// Goes uphill over fresh points, from `start` or the centre: another category and other numbers in turn.
    fn climb(
        &self,
        start: Option<Genotype>,
        worth: &dyn Fn(&MixedPoint) -> f64,
        rng: &mut Rng,
    ) -> Option<(Genotype, f64)> {
        let mut genes = self.genes.clone();
        let mut best: Option<(Genotype, f64)> = None;
        if let Some(start) = start {
            let (its, point) = self.inside(&start)?;
            best = Some((start, worth(&point)));
            genes = its;
        }
        for step in 0..STEPS {
            let mut next = genes.clone();
            let (categories, numbers) = (self.places(&genes, false), self.places(&genes, true));
            if numbers.is_empty() || (step % 2 == 0 && !categories.is_empty()) {
                let place = categories.choose(rng)?;
                self.flip(&mut next, *place, rng);
            } else {
                self.step(&mut next, &numbers, rng);
            }
            let genotype = self.genotype(&next, rng);
            let Some((its, point)) = self.inside(&genotype) else { continue };
            let value = worth(&point);
            if best.as_ref().is_none_or(|(_, most)| value > *most) && self.problem.fresh(&genotype) {
                best = Some((genotype, value));
                genes = its;
            }
        }
        best
    }

    /// Moves one number and some others, by a normal step whose size is drawn too.
    fn step(&self, genes: &mut Genes, numbers: &[usize], rng: &mut Rng) {
        let size = FINEST.powf(rng.random());
        let one = numbers.choose(rng).copied();
        for &place in numbers {
            if Some(place) == one || rng.random_bool(0.5) {
                let normal = thompson(Prediction { mean: 0.0, variance: 1.0 }, rng);
                self.shift(genes, place, normal * size * self.reach[place].unwrap_or(0.0));
            }
        }
    }
}

impl Strategy for Casmopolitan {
    fn ask(
        &mut self,
        problem: &Problem<'_>,
        n: usize,
        rng: &mut Rng,
    ) -> Result<Vec<Proposal>, StrategyError> {
        let scales = problem.space.scales();
        self.learn(&scales);
        Ok(distinct(problem, n, |problem| self.propose(problem, &scales, rng)))
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
    use nasmyth_space::{Space, SpaceError, Tree};
    use rand::SeedableRng;

    fn space() -> Space {
        let categories = (0..6).map(|i| Tree::choice(format!("c{i}"), [0, 1, 2]));
        let under = Tree::group([Tree::real("x", -1.0..=1.0), Tree::int("n", 0..=7, 1)]);
        let option = Tree::one_of("option", [("with", under), ("without", Tree::nothing())]);
        let tree = Tree::group(categories.chain([option, Tree::real("y", 0.0..=2.0)]).collect::<Vec<_>>());
        Space::new("mixed", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap()
    }

    /// Best with all categories 2, the option, and numbers in the middle.
    fn value(space: &Space, genotype: &Genotype) -> f64 {
        let point = point(&space.scales(), &space.by_place(genotype));
        let hits = point.categories[..6].iter().filter(|c| **c == Some(2)).count() as f64;
        hits - point.numbers.iter().map(|x| x.map_or(0.4, |x| (x - 0.5).powi(2))).sum::<f64>()
    }

    #[test]
    fn every_proposal_lies_in_the_region_and_regions_follow_each_other() {
        let space = space();
        let scales = space.scales();
        let mut strategy =
            Casmopolitan::new(&Settings::resolve("", KIND.settings, &toml::Table::new()).unwrap());
        let mut trials: Vec<Genotype> = Vec::new();
        let mut found = f64::NEG_INFINITY;
        let (mut local, mut regions) = (0, 0);
        for trial in 0..400 {
            let known = |genotype: &Genotype| trials.contains(genotype);
            let problem = Problem { space: &space, violation: &|_| 0.0, known: &known, costs: &no_costs };
            let proposal = strategy.ask(&problem, 1, &mut Rng::seed_from_u64(trial)).unwrap().remove(0);
            if let Some(parent) = proposal.parent {
                let to_point = |genotype: &Genotype| point(&scales, &space.by_place(genotype));
                let (centre, at) = (to_point(&trials[parent as usize]), to_point(&proposal.genotype));
                assert!(strategy.region.as_ref().unwrap().contains(&centre, &at), "trial {trial}");
                assert_eq!(strategy.best().unwrap().trial, parent);
                local += 1;
            }
            // From here on nothing is better, so regions shrink.
            let value = if trial < 100 { value(&space, &proposal.genotype) } else { -10.0 };
            found = found.max(value);
            regions = strategy.before;
            let (genotype, fidelity) = (proposal.genotype, Fidelity { rung: 0, epochs: 1.0 });
            let outcome = Ok(value);
            trials.push(genotype.clone());
            strategy.tell(&[Completed { trial, genotype, fidelity, outcome, costs: Vec::new() }]).unwrap();
        }
        assert!(local > 300 && regions >= 1, "{local} proposals in {regions} regions");
        assert!(found > 5.9, "{found} of 6");
    }
}

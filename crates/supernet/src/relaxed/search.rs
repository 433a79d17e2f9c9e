//! The loop of a differentiable search.

use super::adam::{Adam, AdamSettings};
use super::architecture::Architecture;
use super::discretisation::{Discretisation, greedy};
use super::error::SearchError;
use super::frank_wolfe::Polytope;
use super::hypergradient::Point;
use super::limit::Limit;
use super::method::Method;
use super::regulariser::Probabilities;
use super::relaxation::largest;
use super::space::{Kept, RelaxedSpace, all_options};
use super::super_network::{Judged, Setup, SuperNetwork};
use super::trust::Trust;
use nasmyth_data::{Dataset, Subset};
use nasmyth_engine::Engine;
use nasmyth_estimator::StopFlag;
use nasmyth_space::Rng;
use nasmyth_train::{Optimizer, OptimizerKind, cosine};
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// How long and how fast a super-network learns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Epochs.
    pub epochs: usize,
    /// Training samples of an epoch; all of them by default.
    pub samples: Option<usize>,
    /// Samples of a step.
    pub batch: usize,
    /// Highest learning rate of the weights; it falls as a cosine.
    pub rate: f64,
    /// Momentum of the weights.
    pub momentum: f64,
    /// Weight decay of the weights.
    pub decay: f64,
    /// Largest norm of the weights' gradient.
    pub clip: f64,
    /// Validation batches, at most, that networks are judged by.
    pub judged: usize,
}

impl Default for Budget {
    /// The rates of the published searches (Liu, Simonyan and Yang 2019, section A.1.1).
    fn default() -> Self {
        Self {
            epochs: 20,
            samples: None,
            batch: 64,
            rate: 0.025,
            momentum: 0.9,
            decay: 3e-4,
            clip: 5.0,
            judged: 32,
        }
    }
}

/// Where a search stands after an epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss on the training part.
    pub train: f64,
    /// Mean loss on the validation part with all that steers the search, of the steps in which the architecture moved.
    pub valid: Option<f64>,
    /// Probabilities of the options of each choice.
    pub probabilities: Probabilities,
}

/// A choice that was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// After so many epochs.
    pub epoch: usize,
    /// Number of the choice.
    pub choice: usize,
    /// Number of its option.
    pub option: usize,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Found {
    /// The option of each choice.
    pub options: Vec<usize>,
    /// The course of the search.
    pub epochs: Vec<Epoch>,
    /// In the order in which they were taken.
    pub decisions: Vec<Decision>,
    /// The super-network at the end of its training.
    pub relaxed: Judged,
    /// The network that was found, with the weights of the super-network.
    pub discrete: Judged,
    /// Whether to believe it.
    pub trust: Trust,
}

/// Deviation of the logits at the beginning (Liu, Simonyan and Yang 2019, in their program).
const FIRST_LOGITS: f64 = 1e-3;

/// A differentiable search. The same fields give the same result.
pub struct Search<'a> {
    /// What to do.
    pub method: &'a Method,
    /// Where.
    pub space: &'a dyn RelaxedSpace,
    /// The training part teaches the weights, the validation part the architecture.
    pub data: &'a Dataset,
    /// What computes.
    pub engine: &'a Engine,
    /// How long.
    pub budget: Budget,
    /// Seed of all randomness.
    pub seed: u64,
}

impl Search<'_> {
    /// Searches. `observe` sees each epoch.
    ///
    /// # Errors
    /// No network for the data or under the limit, too little memory, a loss that diverges, or the stop flag.
    pub fn run(&self, stop: &StopFlag, observe: &mut dyn FnMut(&Epoch)) -> Result<Found, SearchError> {
        let mut run = Run::begin(self)?;
        for epoch in 0..self.budget.epochs {
            run.epoch(epoch, stop)?;
            if let Some(last) = run.epochs.last() {
                observe(last);
            }
            run.decide_greedily(epoch + 1);
        }
        run.finish(stop)
    }
}

/// A search under way.
struct Run<'a> {
    method: &'a Method,
    budget: Budget,
    space: &'a dyn RelaxedSpace,
    network: SuperNetwork<'a>,
    point: Point,
    /// Of the weights, and of their second copy.
    optimizers: [Optimizer; 2],
    mover: Mover,
    kept: Kept,
    rng: Rng,
    steps: usize,
    judged: usize,
    epochs: Vec<Epoch>,
    decisions: Vec<Decision>,
}

/// What moves the architecture.
enum Mover {
    Adam(Adam),
    FrankWolfe { polytope: Polytope, mean: Vec<f64>, rate: f64 },
}

impl<'a> Run<'a> {
    fn begin(search: &Search<'a>) -> Result<Self, SearchError> {
        let Search { method, space, data, engine, budget, seed } = *search;
        let Method { partial, regulariser, limit, .. } = *method;
        let (train, valid) = (data.len(Subset::Train), data.len(Subset::Valid));
        let batch = budget.batch.min(train).min(valid).max(1);
        let setup = Setup { partial, batch, regulariser, limit };
        let architecture = Architecture::new(space.choices(), method.relaxation, method.edge_normalisation);
        let network = SuperNetwork::new(space, data, engine, setup, architecture, seed)?;
        let steps = (budget.samples.unwrap_or(train) / batch).max(1);
        let mut rng = Rng::seed_from_u64(seed);
        let moving = ((1.0 - method.warmup) * (budget.epochs * steps) as f64).max(1.0);
        let (mover, alphas) = Mover::begin(method, &network, method.reach / moving, &mut rng)?;
        let kind = OptimizerKind::Sgd { momentum: budget.momentum };
        let optimizer = Optimizer::new(kind, network.layout());
        Ok(Self {
            method,
            budget,
            space,
            point: method.hypergradient.begin(network.initial_weights(), alphas),
            optimizers: [optimizer.clone(), optimizer],
            mover,
            kept: all_options(space.choices()),
            rng,
            steps,
            judged: (valid / batch).min(budget.judged).max(1),
            epochs: Vec::new(),
            decisions: Vec::new(),
            network,
        })
    }

    /// Epochs in which the weights alone learn.
    fn warmup(&self) -> usize {
        (self.method.warmup * self.budget.epochs as f64).round() as usize
    }

    fn epoch(&mut self, epoch: usize, stop: &StopFlag) -> Result<(), SearchError> {
        let all = (self.budget.epochs * self.steps) as u64;
        let (mut train, mut valid) = (0.0, None);
        for step in 0..self.steps {
            if stop.stopped() {
                return Err(SearchError::Interrupted);
            }
            let at = (epoch * self.steps + step) as u64;
            let progress = at as f64 / all as f64;
            let [from, to] = self.method.temperature;
            let temperature = from * (to / from).powf(progress);
            let rate = self.budget.rate * cosine(at, all, 0.0);
            self.network.advance(&self.kept, temperature, progress, &mut self.rng);
            if epoch >= self.warmup() {
                *valid.get_or_insert(0.0) += self.move_architecture(rate)? / self.steps as f64;
            }
            train += self.move_weights(rate)? / self.steps as f64;
        }
        let probabilities =
            self.network.architecture().probabilities(&self.point.alphas, self.network.draw());
        self.epochs.push(Epoch { train, valid, probabilities });
        Ok(())
    }

    fn move_architecture(&mut self, rate: f64) -> Result<f64, SearchError> {
        let (loss, gradient) = self.method.hypergradient.alphas(&mut self.network, &self.point, rate)?;
        let before = self.point.alphas.clone();
        self.mover.step(&mut self.point.alphas, &gradient);
        let (architecture, draw) = (self.network.architecture(), self.network.draw());
        architecture.settle(&before, draw, &mut self.point.alphas);
        Ok(loss)
    }

    fn move_weights(&mut self, rate: f64) -> Result<f64, SearchError> {
        let mut descent = self.method.hypergradient.weights(&mut self.network, &self.point)?;
        let [first, second] = &mut self.optimizers;
        let Budget { clip, decay, .. } = self.budget;
        clipped(&mut descent.weights, clip);
        first.step(&mut self.point.weights, &descent.weights, rate, decay);
        if let (Some(twin), Some(gradient)) = (&mut self.point.twin, &mut descent.twin) {
            clipped(gradient, clip);
            second.step(twin, gradient, rate, decay);
        }
        Ok(descent.loss)
    }

    fn decide(&mut self, epoch: usize, choice: usize, option: usize) {
        self.kept[choice] = vec![option];
        self.decisions.push(Decision { epoch, choice, option });
    }

    /// The greedy decisions that are due after so many epochs: all by the last.
    fn decide_greedily(&mut self, epoch: usize) {
        let Discretisation::Greedy { window } = self.method.discretisation else { return };
        let (choices, warmup) = (self.space.choices(), self.warmup());
        let due = choices.len() * epoch.saturating_sub(warmup) / (self.budget.epochs - warmup).max(1);
        while self.decisions.len() < due {
            let history: Vec<_> = self.epochs.iter().map(|e| e.probabilities.clone()).collect();
            let Some((choice, option)) = greedy(choices, &history, &self.kept, window) else { return };
            self.decide(epoch, choice, option);
        }
    }

    /// Removes one option after the other, keeps the one that is missed most, and trains on.
    fn decide_by_perturbation(
        &mut self,
        tune: f64,
        batches: usize,
        stop: &StopFlag,
    ) -> Result<(), SearchError> {
        let mut order: Vec<usize> = (0..self.kept.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, self.rng.random_range(0..=last));
        }
        for choice in order {
            let mut missed: Option<(usize, Judged)> = None;
            for option in self.kept[choice].clone() {
                let Point { weights, alphas, .. } = &self.point;
                let judged =
                    self.network.judge(weights, alphas, &self.kept, batches, Some((choice, option)))?;
                if missed.is_none_or(|(_, worst)| worse(&judged, &worst)) {
                    missed = Some((option, judged));
                }
            }
            if let Some((option, _)) = missed {
                self.decide(self.budget.epochs, choice, option);
            }
            self.tune((tune * self.steps as f64) as u64, stop)?;
        }
        Ok(())
    }

    /// Trains the weights alone.
    fn tune(&mut self, steps: u64, stop: &StopFlag) -> Result<(), SearchError> {
        for step in 0..steps {
            if stop.stopped() {
                return Err(SearchError::Interrupted);
            }
            let temperature = self.method.temperature[1];
            self.network.advance(&self.kept, temperature, 1.0, &mut self.rng);
            self.move_weights(self.budget.rate * cosine(step, steps, 0.0))?;
        }
        Ok(())
    }

    fn finish(mut self, stop: &StopFlag) -> Result<Found, SearchError> {
        let relaxed = self.judge()?;
        match self.method.discretisation {
            Discretisation::Perturbation { tune, batches } => {
                self.decide_by_perturbation(tune, batches.min(self.judged), stop)?;
            }
            _ => {
                let p = self.network.architecture().probabilities(&self.point.alphas, self.network.draw());
                for (choice, p) in p.iter().enumerate() {
                    if self.kept[choice].len() > 1 {
                        self.decide(self.budget.epochs, choice, largest(p));
                    }
                }
            }
        }
        let discrete = self.judge()?;
        let options: Vec<usize> = self.kept.iter().filter_map(|k| k.first().copied()).collect();
        let history: Vec<_> = self.epochs.iter().map(|e| e.probabilities.clone()).collect();
        let accuracy = [relaxed.accuracy, discrete.accuracy];
        let trust = Trust::of(self.space.choices(), &options, accuracy, &history);
        let Self { epochs, decisions, .. } = self;
        Ok(Found { options, epochs, decisions, relaxed, discrete, trust })
    }

    fn judge(&mut self) -> Result<Judged, SearchError> {
        let Point { weights, alphas, .. } = &self.point;
        self.network.judge(weights, alphas, &self.kept, self.judged, None)
    }
}

impl Mover {
    /// With the numbers that the architecture begins with. `rate`: of a step.
    fn begin(
        method: &Method,
        network: &SuperNetwork,
        rate: f64,
        rng: &mut Rng,
    ) -> Result<(Self, Vec<f64>), SearchError> {
        let costs = network.costs();
        let Limit::Polytope { share } = method.limit else {
            let settings = AdamSettings { rate, beta1: method.momentum, beta2: 0.999, decay: method.decay };
            let len = network.architecture().len();
            let alphas = (0..len).map(|_| FIRST_LOGITS * normal(rng)).collect();
            return Ok((Self::Adam(Adam::new(settings, len)), alphas));
        };
        let limit = costs.lowest() + share * (costs.highest() - costs.lowest());
        let polytope = Polytope::new(costs.options.clone(), limit - costs.base)
            .ok_or_else(|| SearchError::Limit { limit, cheapest: costs.lowest() })?;
        let alphas = polytope.middle().concat();
        Ok((Self::FrankWolfe { polytope, mean: vec![0.0; alphas.len()], rate: rate.min(1.0) }, alphas))
    }

    fn step(&mut self, alphas: &mut [f64], gradient: &[f64]) {
        match self {
            Self::Adam(adam) => adam.step(alphas, gradient),
            Self::FrankWolfe { polytope, mean, rate } => {
                /// Share of the old mean of gradients that is kept: single ones are too noisy to follow all the way.
                const MEMORY: f64 = 0.9;
                mean.iter_mut().zip(gradient).for_each(|(m, g)| *m = MEMORY * *m + (1.0 - MEMORY) * g);
                let mut p = polytope.divided(alphas);
                polytope.step(&mut p, &polytope.divided(mean), *rate);
                alphas.copy_from_slice(&p.concat());
            }
        }
    }
}

/// Standard normal (Box and Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

/// Whether the network does worse: less accuracy, or at equal accuracy more loss.
fn worse(a: &Judged, b: &Judged) -> bool {
    a.accuracy < b.accuracy || a.accuracy == b.accuracy && a.loss > b.loss
}

/// Scales a gradient to the norm `most` if its own is larger.
fn clipped(gradient: &mut [f32], most: f64) {
    let norm = gradient.iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
    if norm > most {
        let factor = (most / norm) as f32;
        gradient.iter_mut().for_each(|g| *g *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::{Choice, Kind, Mixture, Operator, RelaxedGraph, Term};
    use super::*;
    use nasmyth_data::{OpenOptions, open};
    use nasmyth_graph::Graph;
    use nasmyth_graph::ops::{BatchNorm, Conv, GlobalPool, Linear, Mix, Pooling, Zero};
    use nasmyth_space::SpaceError;
    use std::sync::Arc;

    /// A series, a choice between a convolution and zeros, and a classifier.
    struct UsefulOrNot(Vec<Choice>);

    impl UsefulOrNot {
        fn new() -> Self {
            let options = [("zeros", Kind::Free), ("conv", Kind::Weighted)];
            let options = options.map(|(name, kind)| Operator { name, kind }).to_vec();
            Self(vec![Choice { name: "only".to_owned(), from: 0, to: 1, options }])
        }
    }

    impl RelaxedSpace for UsefulOrNot {
        fn choices(&self) -> &[Choice] {
            &self.0
        }

        fn relaxed(&self, kept: &Kept, _: usize) -> Result<RelaxedGraph, SpaceError> {
            let mut g = Graph::new("useful or not");
            let x = g.input(&[40, 1])?;
            let x = g.add("stem", Arc::new(Conv::same(8, &[5])), &[x])?;
            let x = g.add("norm", Arc::new(BatchNorm::default()), &[x])?;
            let zeros = g.push(Zero, &[x])?;
            let conv = g.add("conv", Arc::new(Conv::same(8, &[5])), &[x])?;
            let inputs: Vec<_> = kept[0].iter().map(|&o| [zeros, conv][o]).collect();
            let terms = kept[0].iter().map(|&option| Term::Option { choice: 0, option }).collect();
            let y = g.add("mix", Arc::new(Mix), &inputs)?;
            let y = g.push(GlobalPool(Pooling::Max), &[y])?;
            let y = g.add("classifier", Arc::new(Linear::new(10)), &[y])?;
            g.output(y);
            let mixtures = vec![Mixture { key: "mix.weight".to_owned(), terms }];
            Ok(RelaxedGraph { graph: g.verify()?, mixtures, fixed: Vec::new() })
        }
    }

    #[test]
    fn perturbation_rejects_the_useless_option_that_the_logits_favour() {
        let data =
            open("builtin:mnist1d", &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() }).unwrap();
        let (space, engine, stop) = (UsefulOrNot::new(), Engine::cpu(1), StopFlag::new());
        let budget = Budget { epochs: 2, samples: Some(1024), rate: 0.1, ..Budget::default() };
        for seed in 0..3 {
            let ends = ["darts", "blank-pt"].map(|name| {
                let method = Method { warmup: 1.0, ..super::super::published(name).unwrap().method.clone() };
                let search =
                    Search { method: &method, space: &space, data: &data, engine: &engine, budget, seed };
                let mut run = Run::begin(&search).unwrap();
                (0..budget.epochs).for_each(|e| run.epoch(e, &stop).unwrap());
                run.point.alphas.copy_from_slice(&[2.0, 0.0]);
                run.finish(&stop).unwrap()
            });
            assert_eq!(ends[0].options, [0], "the largest logit is that of the zeros");
            assert_eq!(ends[1].options, [1], "without the convolution nothing is left to classify by");
            assert!(ends[1].discrete.accuracy > ends[0].discrete.accuracy + 0.05);
        }
    }
}

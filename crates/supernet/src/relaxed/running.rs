//! The loop of a differentiable search.

use super::architecture::Architecture;
use super::discretisation::Discretisation;
use super::error::SearchError;
use super::growing::leanest;
use super::hypergradient::Point;
use super::limit::{Costs, Limit};
use super::method::Method;
use super::mover::Mover;
use super::policy::{self, Policy};
use super::regulariser::Probabilities;
use super::relaxation::largest;
use super::search::{Budget, Decision, Epoch, Found, Search};
use super::space::{Form, Kept, RelaxedSpace, all_options};
use super::super_network::{Judged, Setup, SuperNetwork};
use super::trust::Trust;
use crate::{Bank, BankCheckpoint, Step};
use nasmyth_data::Subset;
use nasmyth_estimator::StopFlag;
use nasmyth_space::Rng;
use nasmyth_train::{OptimizerKind, cosine, memory_share};
use rand::SeedableRng;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Steps in a row with the same options of the drawn choices: others need another network to be compiled.
const SAME: u64 = 4;

/// A search under way. After each part of it, it can be saved, and taken up by another process that comes to the same result.
///
/// ```
/// use nasmyth_data::{OpenOptions, open};
/// use nasmyth_engine::Engine;
/// use nasmyth_estimator::StopFlag;
/// use nasmyth_space::{Context, preset};
/// use nasmyth_supernet::relaxed::{Budget, MergedSpace, Search, published};
///
/// let data = open("builtin:mnist1d", &OpenOptions { valid_fraction: 0.5, ..OpenOptions::default() })?;
/// let (space, engine) = (MergedSpace::new(&preset("cell", &Context::series(40, 1, 10))?)?, Engine::cpu(1));
/// let budget = Budget { epochs: 2, samples: Some(64), batch: 32, judged: 1, ..Budget::default() };
/// let search =
///     Search { method: &published("darts")?.method, space: &space, data: &data, engine: &engine, budget, seed: 0 };
/// let mut running = search.begin()?;
/// while running.go_on(&StopFlag::new())? {}
/// assert_eq!(running.found()?.options.len(), 7); // six edges and the number of cells
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Running<'a> {
    pub(super) method: &'a Method,
    pub(super) budget: Budget,
    pub(super) space: &'a dyn RelaxedSpace,
    pub(super) network: SuperNetwork<'a>,
    seed: u64,
    /// Steps of an epoch.
    pub(super) steps: u64,
    /// Batches that networks are judged by.
    pub(super) judged: usize,
    /// Options of the drawn choices in this step.
    drawn: Vec<usize>,
    pub(super) at: Standing,
    begun: Instant,
}

/// Where a search stands, beside the weights.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Standing {
    pub alphas: Vec<f64>,
    pub mover: Mover,
    pub policy: Policy,
    pub kept: Kept,
    /// Choices of a growing network that have not been opened.
    pub closed: Vec<usize>,
    pub epochs: Vec<Epoch>,
    pub decisions: Vec<Decision>,
    /// Steps in all.
    pub steps: u64,
    /// Temperature of the last step.
    pub temperature: f64,
    /// Whether the super-network was given up.
    pub given_up: bool,
    /// The super-network at the end of its training, once there.
    pub relaxed: Option<Judged>,
    /// Of this process and those before.
    pub seconds: f64,
}

impl<'a> Running<'a> {
    pub(super) fn begin(search: &Search<'a>) -> Result<Self, SearchError> {
        let Search { method, space, data, engine, budget, seed } = *search;
        let Method { partial, kernels, regulariser, limit, .. } = *method;
        let (train, valid) = (data.len(Subset::Train), data.len(Subset::Valid));
        let batch = budget.batch.min(train).min(valid).max(1);
        let grows = method.grows();
        let costs = if grows || limit.counts() { space.costs()? } else { Costs::none(space.choices()) };
        let kept = if grows { leanest(space.choices(), &costs) } else { all_options(space.choices()) };
        let memory =
            budget.memory.map_or_else(memory_share, |mib| mib.saturating_mul(1 << 20).min(memory_share()));
        let setup = Setup {
            form: Form { partial, kernels },
            batch,
            regulariser,
            limit,
            costs,
            kept: kept.clone(),
            memory,
        };
        let architecture = Architecture::new(space.choices(), method.relaxation, method.edge_normalisation);
        let network = SuperNetwork::new(space, data, engine, setup, architecture, (budget.momentum, seed))?;
        let steps = (budget.samples.unwrap_or(train) / batch).max(1);
        let moving = ((1.0 - method.warmup) * (budget.epochs * steps) as f64).max(1.0);
        let rate = method.reach / moving;
        let (mover, alphas) = Mover::begin(method, &network, rate, &mut Rng::seed_from_u64(seed))?;
        let at = Standing {
            alphas,
            mover,
            policy: Policy::new(space.drawn(), method.adam(rate)),
            kept,
            closed: if grows { (0..space.choices().len()).collect() } else { Vec::new() },
            epochs: Vec::new(),
            decisions: Vec::new(),
            steps: 0,
            temperature: method.temperature[0],
            given_up: false,
            relaxed: None,
            seconds: 0.0,
        };
        let judged = (valid / batch).min(budget.judged).max(1);
        Ok(Self {
            method,
            budget,
            space,
            network,
            seed,
            steps: steps as u64,
            judged,
            drawn: at.policy.most_probable(),
            at,
            begun: Instant::now(),
        })
    }

    /// The next part: an epoch, or a decision after the last one; whether there is more to do.
    ///
    /// # Errors
    /// As [`Search::run`]. After an interruption, it goes on from what was saved last.
    pub fn go_on(&mut self, stop: &StopFlag) -> Result<bool, SearchError> {
        let epoch = self.at.epochs.len();
        if epoch < self.budget.epochs && !self.at.given_up {
            self.epoch(epoch, stop)?;
            self.decide_greedily(epoch + 1);
            self.grow(epoch + 1, stop)?;
            self.at.given_up = self.budget.stop
                && !self.method.grows()
                && 2 * (epoch + 1) >= self.budget.epochs
                && self.collapses()?;
            return Ok(true);
        }
        if self.at.relaxed.is_none() {
            self.at.relaxed = Some(self.judge()?);
        }
        match self.method.discretisation {
            Discretisation::Perturbation { tune, batches } => {
                self.decide_by_perturbation(tune, batches.min(self.judged), stop)
            }
            _ => {
                self.decide_the_rest();
                Ok(false)
            }
        }
    }

    /// The course so far.
    pub fn epochs(&self) -> &[Epoch] {
        &self.at.epochs
    }

    /// Decisions so far.
    pub fn decisions(&self) -> &[Decision] {
        &self.at.decisions
    }

    /// Seconds spent on it, those of earlier processes included.
    pub fn seconds(&self) -> f64 {
        self.at.seconds + self.begun.elapsed().as_secs_f64()
    }

    /// Whether it was ended early because it collapsed.
    pub fn given_up(&self) -> bool {
        self.at.given_up
    }

    /// Mean seconds of a step that moves architecture and weights, over as many steps as the time allows, at least a few; of a growing network,
    /// of one that has grown.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn measure_step(mut self, at_least: Duration) -> Result<f64, SearchError> {
        /// The first step meets cold memory.
        const LEAST: u64 = 3;
        self.open_all();
        let (mut rng, mut steps, mut start) = (Rng::seed_from_u64(self.seed), 0, Instant::now());
        while steps <= LEAST || start.elapsed() < at_least {
            if steps == 1 {
                start = Instant::now();
            }
            if (steps % SAME) == 1 {
                self.drawn = self.usable(&mut rng)?;
            }
            self.step(self.budget.rate, (1.0, 0.0), true, &mut rng)?;
            steps += 1;
        }
        Ok(start.elapsed().as_secs_f64() / (steps - 1) as f64)
    }

    /// Writes everything that the search goes on from. `context` says what it is a function of beside the fields of [`Search`].
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path, context: &str) -> Result<(), SearchError> {
        let progress = Standing { steps: self.network.steps(), seconds: self.seconds(), ..self.at.clone() };
        let checkpoint = BankCheckpoint { bank: self.network.bank().clone(), progress };
        Ok(checkpoint.save(path, &self.context(context))?)
    }

    /// Goes back to what was saved with the same context by an equal search.
    ///
    /// # Errors
    /// A file that cannot be read, or of another search; nothing changes then.
    pub fn restore(&mut self, path: &Path, context: &str) -> Result<(), SearchError> {
        let bank = Bank::new(self.seed, OptimizerKind::Sgd { momentum: self.budget.momentum });
        let checkpoint = BankCheckpoint::<Standing>::load(path, &self.context(context), bank)?;
        let BankCheckpoint { bank, progress } = checkpoint;
        self.network.restore(bank, progress.steps, progress.temperature);
        self.at = progress;
        self.begun = Instant::now();
        Ok(())
    }

    fn context(&self, context: &str) -> String {
        format!("{context}; {:?}; {:?}; seed {}", self.method, self.budget, self.seed)
    }

    /// Randomness of a part of the search.
    pub(super) fn rng(&self, part: usize) -> Rng {
        Rng::seed_from_u64(xxh3_64_with_seed(&part.to_le_bytes(), self.seed))
    }

    /// Epochs in which the weights alone learn.
    pub(super) fn warmup(&self) -> usize {
        (self.method.warmup * self.budget.epochs as f64).round() as usize
    }

    fn epoch(&mut self, epoch: usize, stop: &StopFlag) -> Result<(), SearchError> {
        let all = self.budget.epochs as u64 * self.steps;
        let (mut rng, mut train, mut valid) = (self.rng(epoch), 0.0, None);
        for step in 0..self.steps {
            if stop.stopped() {
                return Err(SearchError::Interrupted);
            }
            if step.is_multiple_of(SAME) {
                self.drawn = self.usable(&mut rng)?;
            }
            let done = epoch as u64 * self.steps + step;
            let progress = done as f64 / all as f64;
            let [from, to] = self.method.temperature;
            let temperature = from * (to / from).powf(progress);
            let rate = self.budget.rate * cosine(done, all, 0.0);
            let moves = epoch >= self.warmup();
            let (of_train, of_valid) = self.step(rate, (temperature, progress), moves, &mut rng)?;
            train += of_train / self.steps as f64;
            if let Some(loss) = of_valid {
                *valid.get_or_insert(0.0) += loss / self.steps as f64;
            }
        }
        let (probabilities, drawn) = (self.probabilities(), self.at.policy.probabilities());
        self.at.epochs.push(Epoch { train, valid, probabilities, drawn });
        Ok(())
    }

    /// One step of the weights, and before it, if it `moves`, one of the architecture. `at`: temperature and share of the search that is
    /// over. The losses on the training and the validation part.
    fn step(
        &mut self,
        rate: f64,
        at: (f64, f64),
        moves: bool,
        rng: &mut Rng,
    ) -> Result<(f64, Option<f64>), SearchError> {
        self.network.advance(&self.at.kept, &self.drawn, &self.at.alphas, at, rng)?;
        self.at.temperature = at.0;
        let mut point = self.point();
        let valid = if moves { Some(self.move_architecture(&mut point, rate, rng)?) } else { None };
        Ok((self.move_weights(&point, rate)?, valid))
    }

    /// Probabilities of the options of the mixed choices.
    pub(super) fn probabilities(&self) -> Probabilities {
        let architecture = self.network.architecture();
        architecture.probabilities(&self.at.alphas, &architecture.quiet(&self.at.kept, self.at.temperature))
    }

    /// Options of the drawn choices with which there is a super-network that fits into memory.
    fn usable(&mut self, rng: &mut Rng) -> Result<Vec<usize>, SearchError> {
        /// Draws before it is given up.
        const TRIES: usize = 20;
        if self.space.drawn().is_empty() {
            return Ok(Vec::new());
        }
        let mut tries = 1;
        loop {
            let drawn = self.draw(rng);
            match self.network.ready(&self.at.kept, &drawn, &self.at.alphas) {
                Ok(()) => return Ok(drawn),
                Err(SearchError::Space(_) | SearchError::Memory { .. }) if tries < TRIES => tries += 1,
                Err(SearchError::Memory { .. }) if self.make_room() => tries = 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Options of the drawn choices: of a network that may be found, if one turns up.
    fn draw(&self, rng: &mut Rng) -> Vec<usize> {
        /// Networks that are looked at; one takes about as long as a thousandth of a step.
        const LOOKS: usize = 100;
        let mixed = self.probabilities();
        let mut admitted = || {
            let (own, options) = (self.at.policy.draw(rng), policy::drawn(&mixed, rng));
            self.space.admits(&own, &options).then_some(own)
        };
        (0..LOOKS).find_map(|_| admitted()).unwrap_or_else(|| self.at.policy.draw(rng))
    }

    /// The share of so many networks that may not be found, and its gradient by the numbers of the architecture.
    fn refused(&self, draws: usize, rng: &mut Rng) -> (f64, Vec<f64>) {
        let (p, architecture) = (self.probabilities(), self.network.architecture());
        let networks: Vec<(Vec<usize>, f64)> = (0..draws)
            .map(|_| {
                let options = policy::drawn(&p, rng);
                let admitted = self.space.admits(&self.drawn, &options);
                (options, f64::from(u8::from(!admitted)))
            })
            .collect();
        let refused = networks.iter().map(|n| n.1).sum::<f64>() / draws as f64;
        // d ln (p_o / sum p): of gates, the sum is not 1.
        let mut by: Probabilities = p.iter().map(|p| vec![0.0; p.len()]).collect();
        for (options, own) in &networks {
            // (own - mean of the others) / draws
            let advantage = (own - refused) / (draws - 1) as f64;
            for ((by, p), &option) in by.iter_mut().zip(&p).zip(options) {
                let all: f64 = p.iter().sum();
                by.iter_mut().for_each(|by| *by -= advantage / all);
                by[option] += advantage / p[option];
            }
        }
        let draw = architecture.quiet(&self.at.kept, self.at.temperature);
        (refused, architecture.pull_back_probabilities(&self.at.alphas, &draw, &by))
    }

    pub(super) fn point(&mut self) -> Point {
        let twin = self.method.hypergradient.twins().then(|| self.network.weights(true));
        Point { weights: self.network.weights(false), twin, alphas: self.at.alphas.clone() }
    }

    fn move_architecture(&mut self, point: &mut Point, rate: f64, rng: &mut Rng) -> Result<f64, SearchError> {
        let (mut loss, mut gradient) = self.method.hypergradient.alphas(&mut self.network, point, rate)?;
        if let Limit::Refused { weight, draws } = self.method.limit {
            let (refused, by) = self.refused(draws, rng);
            loss += weight * refused;
            gradient.iter_mut().zip(by).for_each(|(g, b)| *g += weight * b);
        }
        self.at.mover.step(&mut self.at.alphas, &gradient);
        let (architecture, draw) = (self.network.architecture(), self.network.draw());
        architecture.settle(&point.alphas, draw, &mut self.at.alphas);
        point.alphas.clone_from(&self.at.alphas);
        self.at.policy.learn(&self.drawn, loss);
        Ok(loss)
    }

    pub(super) fn move_weights(&mut self, point: &Point, rate: f64) -> Result<f64, SearchError> {
        let descent = self.method.hypergradient.weights(&mut self.network, point)?;
        let Budget { decay, clip, .. } = self.budget;
        self.network.descend(&descent, Step { rate, weight_decay: decay, clip });
        Ok(descent.loss)
    }

    /// Whether what is most probable now would be a collapse.
    fn collapses(&self) -> Result<bool, SearchError> {
        let Some(last) = self.at.epochs.last() else { return Ok(false) };
        let options: Vec<usize> = last.probabilities.iter().map(|p| largest(p)).collect();
        Ok(self.trust(&options, [0.0; 2])?.collapsed())
    }

    fn trust(&self, options: &[usize], accuracy: [f64; 2]) -> Result<Trust, SearchError> {
        let mut exists = self.space.existing(&self.at.policy.most_probable(), options)?;
        self.at.closed.iter().for_each(|&choice| exists[choice] = false);
        Ok(Trust::of(self.space.choices(), (options, &exists), accuracy, &self.history()))
    }

    pub(super) fn history(&self) -> Vec<Probabilities> {
        self.at.epochs.iter().map(|e| e.probabilities.clone()).collect()
    }

    /// What the search came to, once there is nothing more to do.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn found(mut self) -> Result<Found, SearchError> {
        self.decide_the_rest();
        let discrete = self.judge()?;
        let relaxed = self.at.relaxed.unwrap_or(discrete);
        let options: Vec<usize> = self.at.kept.iter().filter_map(|k| k.first().copied()).collect();
        let trust = self.trust(&options, [relaxed.accuracy, discrete.accuracy])?;
        let mut all = all_options(self.space.choices());
        self.at.closed.iter().for_each(|&choice| all[choice] = self.at.kept[choice].clone());
        let all = self.network.architecture().quiet(&all, self.at.temperature);
        let probabilities = self.network.architecture().probabilities(&self.at.alphas, &all);
        let Standing { epochs, decisions, policy, .. } = self.at;
        let (drawn, drawn_probabilities) = (policy.most_probable(), policy.probabilities());
        Ok(Found {
            options,
            drawn,
            probabilities,
            drawn_probabilities,
            epochs,
            decisions,
            relaxed,
            discrete,
            trust,
        })
    }

    pub(super) fn judge(&mut self) -> Result<Judged, SearchError> {
        let drawn = self.at.policy.most_probable();
        loop {
            let judged = self.network.judge(&self.at.alphas, (&self.at.kept, &drawn), self.judged, None);
            // Other drawn options may need more memory than those that a network has grown with.
            if !(matches!(judged, Err(SearchError::Memory { .. })) && self.make_room()) {
                return judged;
            }
        }
    }
}

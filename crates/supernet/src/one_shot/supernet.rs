//! The training of a super-network.

use super::ahead::{Ahead, Draws, Helper, Request};
use super::controller::Controlled;
use super::runner::Runner;
use super::sampling::Admit;
use super::shrinking;
use super::split;
use super::subnetwork::{Cache, Compiled, Ready};
use super::{Judge, OneShot, OneShotError};
use crate::bank::Step;
use crate::checkpoint::Progress as Reached;
use crate::{Bank, BankCheckpoint, Gradients, Partition, Split};
use nasmyth_data::{Dataset, Subset};
use nasmyth_engine::{Crew, Engine};
use nasmyth_estimator::StopFlag;
use nasmyth_space::{Genotype, Space};
use nasmyth_train::{Feed, Progress, Recipe, TrainError, cosine, set_statistics};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// What a super-network is trained for.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Its networks.
    pub space: &'a Space,
    /// What they learn.
    pub data: &'a Dataset,
    /// How. The moving average is not taken: weights that are used by some sub-networks only have none.
    pub recipe: &'a Recipe,
    /// Of all randomness.
    pub seed: u64,
}

/// A super-network in training. What it computes is a function of task, settings and the number of steps.
///
/// ```
/// use nasmyth_data::{OpenOptions, open};
/// use nasmyth_engine::Engine;
/// use nasmyth_estimator::StopFlag;
/// use nasmyth_space::{Context, preset};
/// use nasmyth_supernet::one_shot::{OneShot, Supernet, Task};
/// use nasmyth_train::Recipe;
///
/// let data = open("builtin:mnist1d", &OpenOptions::default())?;
/// let space = preset("cell", &Context { input: vec![40, 1], categories: vec![], outputs: 10, regression: false, samples: 3400 })?;
/// let recipe = Recipe::for_data(data.features(), 3400);
/// let task = Task { space: &space, data: &data, recipe: &recipe, seed: 7 };
/// let mut supernet = Supernet::new(task, &OneShot::default(), &Engine::cpu(1))?;
/// supernet.run(4, &StopFlag::new(), &mut |_, _| ())?;
/// let evaluation = supernet.judge().judge(&space.default_genotype(), 100)?;
/// assert!(evaluation.value() <= 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Supernet<'a> {
    pub(super) task: Task<'a>,
    pub(super) recipe: Recipe,
    settings: OneShot,
    engine: Engine,
    admit: Option<Admit<'a>>,
    pub(super) controlled: Option<Controlled<'a>>,
    partition: Partition,
    /// The networks that are sampled: those of the task, from the shrinking on without what it left out.
    space: Space,
    pub(super) bank: Bank,
    pub(super) gradients: Gradients,
    cache: Cache,
    ahead: Option<Ahead>,
    /// Sub-networks that are not kept any more.
    retired: Vec<Arc<Compiled>>,
    feed: Feed<'a>,
    pub(super) runner: Runner,
    reached: Reached,
    begun: Instant,
}

impl<'a> Supernet<'a> {
    /// A super-network at step 0.
    ///
    /// # Errors
    /// Settings that do not fit the space, or networks that do not fit the data.
    pub fn new(task: Task<'a>, settings: &OneShot, engine: &Engine) -> Result<Self, OneShotError> {
        settings.check(task.space)?;
        let recipe = task.recipe.clone().fitted(task.data.len(Subset::Train));
        let partition = settings.partition();
        let mut bank = Bank::new(task.seed, recipe.optimizer);
        let first = task.space.default_genotype();
        let first = Ready::new(task, &partition, first, &recipe, engine)?.bind(&mut bank);
        let parts = first.program.parts();
        Ok(Self {
            feed: Feed::new(task.data, Subset::Train, parts, &recipe.augment, task.seed),
            runner: Runner::new(Crew::new(engine.threads().min(parts.len())), task.seed),
            controlled: settings.controller.as_ref().map(|plan| Controlled::new(plan, &task, parts)),
            bank: Bank::new(task.seed, recipe.optimizer),
            space: task.space.clone(),
            task,
            recipe,
            settings: settings.clone(),
            engine: engine.clone(),
            admit: None,
            partition,
            gradients: Gradients::default(),
            cache: Cache::default(),
            ahead: None,
            retired: Vec::new(),
            reached: Reached::default(),
            begun: Instant::now(),
        })
    }

    /// The same, with uniform sampling among networks that `admit` takes.
    pub fn among(self, admit: Admit<'a>) -> Self {
        Self { admit: Some(admit), ..self }
    }

    /// Trains up to `steps` steps, each a batch on one sub-network, and the controller, if there is one, with them; a fair round that has begun is ended. The learning rate falls once
    /// before the split and once after it. `observe` is called after each update of the weights.
    ///
    /// # Errors
    /// Divergence, interruption, a network that cannot be compiled.
    pub fn run(
        &mut self,
        steps: u64,
        stop: &StopFlag,
        observe: &mut dyn FnMut(&Self, Progress),
    ) -> Result<(), OneShotError> {
        // A controller has to learn before it samples.
        let Some(draws) = self.controlled.is_none().then(|| self.draws()) else {
            return self.run_with(None, steps, stop, observe);
        };
        thread::scope(|scope| self.run_with(Some(&Helper::begin(scope, draws)), steps, stop, observe))
    }

    fn run_with(
        &mut self,
        helper: Option<&Helper>,
        steps: u64,
        stop: &StopFlag,
        observe: &mut dyn FnMut(&Self, Progress),
    ) -> Result<(), OneShotError> {
        /// Weight of the newest loss in the reported mean.
        const NEWEST: f64 = 0.02;
        let paths = self.settings.sampling.paths(self.task.space);
        let mut mean = f64::NAN;
        while self.reached.step < steps {
            if stop.stopped() {
                return Err(TrainError::Interrupted.into());
            }
            self.split_if_due(steps)?;
            self.shrink_if_due(steps, stop)?;
            let step = self.reached.step;
            let asked = helper.filter(|_| step + paths < steps);
            match asked {
                Some(helper) => helper.ask(self.request(step / paths + 1)),
                None => self.retired.clear(),
            }
            let learning = self.controlled.as_ref().map_or(0.0, |c| c.controller.rate(step, steps));
            let loss = self.next_update(step / paths, self.rate(steps), learning)?;
            self.ahead = asked.and_then(Helper::answer);
            if !loss.is_finite() {
                return Err(TrainError::Diverged { step, steps, loss }.into());
            }
            mean = if mean.is_nan() { f64::from(loss) } else { mean + NEWEST * (f64::from(loss) - mean) };
            self.reached.step += paths;
            observe(self, Progress { step: self.reached.step.min(steps), steps, loss: mean });
        }
        Ok(())
    }

    /// The step of the split, if there is to be one.
    fn split_step(&self, steps: u64) -> Option<u64> {
        self.settings.split.as_ref().map(|plan| (plan.after * steps as f64) as u64)
    }

    fn split_if_due(&mut self, steps: u64) -> Result<(), OneShotError> {
        let (Some(due), Some(plan)) = (self.split_step(steps), self.settings.split.clone()) else {
            return Ok(());
        };
        while self.reached.step >= due && self.partition.splits.len() < plan.count {
            let next = split::choose(self, &plan)?;
            self.split(next);
        }
        Ok(())
    }

    /// Gives each group of a split weights of its own, which begin as those that they have in common now.
    pub fn split(&mut self, split: Split) {
        self.reached.split_at = self.reached.split_at.or(Some(self.reached.step));
        self.partition.splits.push(split);
        self.cache.clear();
        self.ahead = None;
    }

    fn shrink_if_due(&mut self, steps: u64, stop: &StopFlag) -> Result<(), OneShotError> {
        let Some(plan) = self.settings.shrinking.clone().filter(|_| self.reached.left_out.is_none()) else {
            return Ok(());
        };
        if self.reached.step >= (plan.after * steps as f64) as u64 {
            self.leave_out(shrinking::weakest(self, &plan, stop)?)?;
        }
        Ok(())
    }

    /// From here on only networks without these options are sampled.
    fn leave_out(&mut self, options: Vec<String>) -> Result<(), OneShotError> {
        self.space = self.task.space.without(&options)?;
        self.reached.left_out = Some(options);
        self.cache.clear();
        self.ahead = None;
        Ok(())
    }

    fn rate(&self, steps: u64) -> f64 {
        let phase = match self.reached.split_at {
            Some(split) => split..steps,
            None => 0..self.split_step(steps).unwrap_or(steps),
        };
        let step = self.reached.step - phase.start;
        self.recipe.learning_rate * cosine(step, phase.end - phase.start, self.recipe.warmup)
    }

    /// What the networks of an update are to be made ready from.
    fn request(&mut self, update: u64) -> Request {
        let sampled = self.admit.is_none().then(|| {
            let genotypes = self.settings.sampling.draw(&self.space, self.task.seed, update, None);
            genotypes
                .into_iter()
                .map(|g| (self.cache.get(&g).is_none(), g))
                .map(|(new, g)| (g, new))
                .collect()
        });
        Request {
            update,
            partition: self.partition.clone(),
            space: self.space.clone(),
            retired: std::mem::take(&mut self.retired),
            sampled,
        }
    }

    fn draws(&self) -> Draws<'a> {
        Draws {
            task: self.task,
            sampling: self.settings.sampling,
            admit: self.admit,
            recipe: self.recipe.clone(),
            engine: self.engine.clone(),
        }
    }

    /// One update of the weights on what is sampled with the random numbers of `update`; the mean loss. `learning` is the learning rate of
    /// the controller, if there is one.
    fn next_update(&mut self, update: u64, rate: f64, learning: f64) -> Result<f32, OneShotError> {
        if self.controlled.is_some() {
            return self.controlled_update(update, rate, learning);
        }
        let genotypes = match self.ahead.take().filter(|ahead| ahead.update == update) {
            None => self.settings.sampling.draw(&self.space, self.task.seed, update, self.admit),
            Some(Ahead { genotypes, networks, .. }) => {
                networks.into_iter().for_each(|ready| self.take_in(ready));
                genotypes
            }
        };
        self.update(&genotypes, rate)
    }

    /// One update of the weights by the summed gradients of some sub-networks on one batch; their mean loss.
    fn update(&mut self, genotypes: &[Genotype], rate: f64) -> Result<f32, OneShotError> {
        let batch = self.reached.step / genotypes.len().max(1) as u64;
        let mut gradients = std::mem::take(&mut self.gradients);
        gradients.clear();
        let mut loss = 0.0;
        for genotype in genotypes {
            loss += self.accumulate(genotype, batch, true, &mut gradients)? / genotypes.len() as f32;
        }
        if loss.is_finite() {
            let Recipe { weight_decay, clip, .. } = self.recipe;
            self.bank.update(&gradients, Step { rate, weight_decay, clip });
        }
        self.gradients = gradients;
        Ok(loss)
    }

    /// The gradients of a sub-network on a batch, at the weights as they are.
    pub(crate) fn gradients(&mut self, genotype: &Genotype, batch: u64) -> Result<Gradients, OneShotError> {
        let mut gradients = Gradients::default();
        self.accumulate(genotype, batch, false, &mut gradients)?;
        Ok(gradients)
    }

    /// Adds the gradients of a sub-network on a batch; its loss. `keep`: whether running statistics move.
    pub(super) fn accumulate(
        &mut self,
        genotype: &Genotype,
        batch: u64,
        keep: bool,
        gradients: &mut Gradients,
    ) -> Result<f32, OneShotError> {
        let network = self.compiled(genotype)?;
        let Compiled { graph, layout, slots, program } = &*network;
        let mut params = self.bank.gather(slots, layout);
        set_statistics(&mut params, graph, self.task.data.statistics());
        let (loss, grads, memory) = self.runner.pass(program, &params, &mut self.feed, batch);
        if keep && loss.is_finite() {
            program.update_buffers(&mut params, memory);
            self.bank.keep_buffers(slots, &params);
        }
        gradients.add(slots, layout, &grads);
        Ok(loss)
    }

    pub(super) fn compiled(&mut self, genotype: &Genotype) -> Result<Arc<Compiled>, OneShotError> {
        if let Some(known) = self.cache.get(genotype) {
            return Ok(known);
        }
        let task = Task { space: &self.space, ..self.task };
        let ready = Ready::new(task, &self.partition, genotype.clone(), &self.recipe, &self.engine)?;
        let compiled = Arc::new(ready.bind(&mut self.bank));
        self.retired.extend(self.cache.keep(genotype, compiled.clone()));
        Ok(compiled)
    }

    /// Keeps a sub-network that is ready, unless it is known.
    fn take_in(&mut self, ready: Ready) {
        let genotype = ready.genotype.clone();
        if self.cache.get(&genotype).is_none() {
            let compiled = Arc::new(ready.bind(&mut self.bank));
            self.retired.extend(self.cache.keep(&genotype, compiled));
        }
    }

    /// Mean seconds of a step, measured on a copy of the weights over as many sampled sub-networks as the time allows, at least a few.
    ///
    /// # Errors
    /// A network that cannot be compiled.
    pub fn measure_step(&mut self, at_least: Duration) -> Result<f64, OneShotError> {
        /// The first steps meet cold memory.
        const WARM_UP: usize = 2;
        /// Of the updates that are measured: not what the training itself draws first.
        const FIRST_MEASURED: u64 = 1 << 40;
        let (bank, reached) = (self.bank.clone(), self.reached.clone());
        let controller = self.controlled.as_ref().map(|c| c.controller.clone());
        let paths = self.settings.sampling.paths(self.task.space);
        let (mut start, mut updates) = (Instant::now(), 0);
        while updates < 3 * WARM_UP || start.elapsed() < at_least {
            if updates == WARM_UP {
                start = Instant::now();
            }
            let draw = FIRST_MEASURED + updates as u64;
            self.next_update(draw, 0.0, f64::MIN_POSITIVE)?;
            updates += 1;
        }
        let seconds = start.elapsed().as_secs_f64() / ((updates - WARM_UP) as f64 * paths as f64);
        (self.bank, self.reached) = (bank, reached);
        if let (Some(controlled), Some(controller)) = (&mut self.controlled, controller) {
            controlled.controller = controller;
        }
        self.cache.clear();
        Ok(seconds)
    }

    /// What answers how good sub-networks are now: those of [`space`](Self::space).
    pub fn judge(&self) -> Judge<'_> {
        self.judge_as(&self.settings)
    }

    /// The same with other settings of how to judge.
    pub fn judge_as<'s>(&'s self, settings: &'s OneShot) -> Judge<'s> {
        self.judge_in(&self.space, settings)
    }

    /// The same for genotypes of another space whose networks have layers at the same places, such as the whole one, or that of members.
    pub fn judge_in<'s>(&'s self, space: &'s Space, settings: &'s OneShot) -> Judge<'s> {
        Judge {
            task: Task { space, ..self.task },
            settings,
            partition: &self.partition,
            bank: &self.bank,
            engine: self.engine.single_threaded(),
        }
    }

    /// The weights.
    pub fn bank(&self) -> &Bank {
        &self.bank
    }

    /// Which sub-networks share weights.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The networks that are sampled, and are to be searched: those of the task without what a shrinking has left out.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// What a shrinking has left out, each `path=value`; nothing before.
    pub fn left_out(&self) -> &[String] {
        self.reached.left_out.as_deref().unwrap_or_default()
    }

    /// How it is trained and judged.
    pub fn settings(&self) -> &OneShot {
        &self.settings
    }

    pub(super) fn admit(&self) -> Option<Admit<'a>> {
        self.admit
    }

    /// What the shrinking of the space takes beside the training, in steps.
    pub fn shrinking_steps(&self) -> u64 {
        shrinking::steps(self.task.space, &self.settings)
    }

    /// What it is trained for.
    pub fn task(&self) -> Task<'a> {
        self.task
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.reached.step
    }

    /// Steps that so many passes over the training data are; at least one.
    pub fn steps_in(&self, epochs: f64) -> u64 {
        let samples = self.task.data.len(Subset::Train) as f64;
        ((epochs * samples / self.recipe.batch as f64).round() as u64).max(1)
    }

    /// Passes over the training data that so many steps are.
    pub fn epochs_in(&self, steps: u64) -> f64 {
        steps as f64 * self.recipe.batch as f64 / self.task.data.len(Subset::Train) as f64
    }

    /// Seconds spent on it, those before the last restore included.
    pub fn seconds(&self) -> f64 {
        self.reached.seconds + self.begun.elapsed().as_secs_f64()
    }

    /// Writes everything that the training goes on from. `context` says what it is a function of beside the settings: data, space.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn save(&self, path: &Path, context: &str) -> Result<(), OneShotError> {
        let progress = Reached {
            seconds: self.seconds(),
            splits: self.partition.splits.clone(),
            learned: self.controlled.as_ref().map(|c| c.controller.learned()),
            ..self.reached.clone()
        };
        let checkpoint = BankCheckpoint { bank: self.bank.clone(), progress };
        Ok(checkpoint.save(path, &self.context(context))?)
    }

    /// Goes back to what was saved with the same context, settings and recipe.
    ///
    /// # Errors
    /// A file that cannot be read, or of another training; nothing changes then.
    pub fn restore(&mut self, path: &Path, context: &str) -> Result<(), OneShotError> {
        let bank = Bank::new(self.task.seed, self.recipe.optimizer);
        let BankCheckpoint { bank, progress } =
            BankCheckpoint::<Reached>::load(path, &self.context(context), bank)?;
        let left_out = progress.left_out.as_deref().unwrap_or_default();
        self.space = self.task.space.without(left_out)?;
        self.bank = bank;
        self.partition.splits = progress.splits.clone();
        if let (Some(controlled), Some(learned)) = (&mut self.controlled, &progress.learned) {
            controlled.controller.remember(learned);
        }
        self.reached = progress;
        self.begun = Instant::now();
        self.cache.clear();
        self.ahead = None;
        Ok(())
    }

    fn context(&self, context: &str) -> String {
        format!("{context}; {:?}; {:?}; seed {}", self.settings, self.recipe, self.task.seed)
    }
}

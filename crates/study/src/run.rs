//! The search loop: ask, estimate, tell, in an order that depends on nothing but the seed and the results.
//!
//! Trial `i` is asked for as soon as all trials up to `i - window` have been told, and results are told in the order of
//! trials. So neither the number of workers nor who finishes first has any influence, and a log replays: the loop simply
//! runs again from the start, takes the results that are recorded, and estimates only what is missing.

use crate::assessor::Assessor;
use crate::pool::{Done, Pool, Work};
use crate::study::Journal;
use crate::{Event, GraphHash, Methods, Status, StopReason, StudyError};
use nasmyth_device::Costs;
use nasmyth_estimator::{EstimateError, StopFlag};
use nasmyth_space::{Genotype, Rng};
use nasmyth_strategy::{Completed, Next, Problem, StrategyError, Task};
use rand::SeedableRng;
use std::collections::{HashMap, HashSet};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One pass through the loop, from the first trial on.
pub(crate) struct Run<'r> {
    pub(crate) journal: Journal<'r>,
    methods: Methods,
    assessor: Assessor,
    /// Raised by the caller.
    stop: StopFlag,
    /// Raised also when time is over.
    halt: StopFlag,
    progress: Progress,
}

#[derive(Default)]
struct Progress {
    asked: u64,
    told: u64,
    /// The scheduler wants more results first.
    waiting: bool,
    /// Nothing more is asked, and why.
    ended: Option<StopReason>,
    known: HashSet<u128>,
    /// The first trial of each network at each rung.
    first: HashMap<(u128, u32), u64>,
}

impl<'r> Run<'r> {
    pub(crate) fn new(
        journal: Journal<'r>,
        methods: Methods,
        assessor: Assessor,
        (stop, halt): (StopFlag, StopFlag),
    ) -> Self {
        Self { journal, methods, assessor, stop, halt, progress: Progress::default() }
    }

    /// Runs until the end and says why it is the end.
    pub(crate) fn drive(&mut self, pool: &mut Pool) -> Result<StopReason, StudyError> {
        loop {
            self.ask_all(pool)?;
            if self.progress.told == self.progress.asked {
                return Ok(self.progress.ended.unwrap_or(StopReason::Exhausted));
            }
            if !self.finish(self.progress.told, pool)? {
                self.drain(pool)?;
                return Ok(self.stop_reason());
            }
            self.tell()?;
        }
    }

    /// Asks for every trial that is due.
    fn ask_all(&mut self, pool: &mut Pool) -> Result<(), StudyError> {
        let window = self.journal.state().config.window;
        while self.progress.ended.is_none()
            && !self.progress.waiting
            && self.progress.asked - self.progress.told < window
        {
            self.progress.ended = self.end();
            if self.progress.ended.is_none() {
                self.ask(pool)?;
            }
        }
        Ok(())
    }

    /// Why nothing new may be asked; recorded trials always are.
    fn end(&self) -> Option<StopReason> {
        let state = self.journal.state();
        if self.progress.asked < state.trials().len() as u64 {
            return None;
        }
        if self.halt.stopped() {
            return Some(self.stop_reason());
        }
        state
            .config
            .budget
            .trials
            .is_some_and(|most| self.progress.asked >= most)
            .then_some(StopReason::Trials)
    }

    fn stop_reason(&self) -> StopReason {
        let late = self.halt.stopped() && !self.stop.stopped();
        if late { StopReason::Time } else { StopReason::Interrupted }
    }

    fn ask(&mut self, pool: &mut Pool) -> Result<(), StudyError> {
        let next = self.next()?;
        self.pass_on_remark()?;
        match next {
            Next::Run(task) => self.begin(task, pool),
            Next::Wait if self.progress.told < self.progress.asked => {
                self.progress.waiting = true;
                Ok(())
            }
            Next::Wait => {
                let reason = "the scheduler waits for results although no trial is running".to_owned();
                Err(StrategyError::Failed(reason).into())
            }
            Next::Exhausted => {
                self.progress.ended = Some(StopReason::Exhausted);
                match self.journal.state().trials().get(self.progress.asked as usize) {
                    Some(recorded) => {
                        let recorded = format!("genotype {}", recorded.genotype);
                        let trial = self.progress.asked;
                        Err(StudyError::Replay { trial, recorded, got: "no trial".to_owned() })
                    }
                    None => Ok(()),
                }
            }
        }
    }

    fn next(&mut self) -> Result<Next, StudyError> {
        let tightened = self.journal.state().tightened.iter().rev();
        let tightened =
            tightened.map(|(from, limits)| (*from, limits)).find(|(from, _)| *from == self.progress.asked);
        if let Some((_, limits)) = tightened {
            self.assessor.tighten(limits.clone());
        }
        let seed = self.journal.state().config.seed;
        let mut rng = Rng::seed_from_u64(xxh3_64_with_seed(&self.progress.asked.to_le_bytes(), seed));
        let (assessor, known) = (&self.assessor, &self.progress.known);
        let violation = |genotype: &Genotype| assessor.violation(genotype);
        let known = |genotype: &Genotype| known.contains(&assessor.hash(genotype));
        let costs = |genotype: &Genotype| assessor.costs(genotype);
        let problem =
            Problem { space: assessor.space(), violation: &violation, known: &known, costs: &costs };
        Ok(self.methods.scheduler.next(self.methods.strategy.as_mut(), &problem, &mut rng)?)
    }

    /// What the strategy says while recorded trials are replayed was passed on before.
    fn pass_on_remark(&mut self) -> Result<(), StudyError> {
        let replays = self.progress.asked < self.journal.state().trials().len() as u64;
        match self.methods.strategy.remark().filter(|_| !replays) {
            Some(text) => self.journal.emit(Event::Remark { text }),
            None => Ok(()),
        }
    }

    /// Records the trial, or checks that it is the recorded one, and hands it to a worker if it has no result yet.
    fn begin(&mut self, task: Task, pool: &mut Pool) -> Result<(), StudyError> {
        let trial = self.progress.asked;
        let hash = self.assessor.hash(&task.genotype);
        if (trial as usize) < self.journal.state().trials().len() {
            self.check(trial, &task, hash)?;
        } else {
            let costs = self.assessor.all_costs(&task.genotype);
            self.journal.emit(asked(trial, &task, hash, costs))?;
        }
        self.progress.asked += 1;
        self.progress.known.insert(hash);
        let first = *self.progress.first.entry((hash, task.fidelity.rung)).or_insert(trial);
        if first == trial && self.journal.state().trials()[trial as usize].running() {
            self.submit(trial, task, hash, pool)?;
        }
        Ok(())
    }

    fn check(&self, trial: u64, task: &Task, hash: u128) -> Result<(), StudyError> {
        let recorded = &self.journal.state().trials()[trial as usize];
        let same = recorded.genotype == task.genotype
            && recorded.hash.0 == hash
            && (recorded.fidelity, recorded.previous) == (task.fidelity, task.previous)
            && (recorded.parent, recorded.origin) == (task.parent, task.origin);
        if same {
            return Ok(());
        }
        let words = |genotype: &Genotype, hash: u128, rung: u32| {
            format!("genotype {genotype} (hash {}, rung {rung})", GraphHash(hash))
        };
        Err(StudyError::Replay {
            trial,
            recorded: words(&recorded.genotype, recorded.hash.0, recorded.fidelity.rung),
            got: words(&task.genotype, hash, task.fidelity.rung),
        })
    }

    /// The limits are checked before anything else: what breaks them fails without being estimated.
    fn submit(&mut self, trial: u64, task: Task, hash: u128, pool: &mut Pool) -> Result<(), StudyError> {
        match self.assessor.feasible_graph(&task.genotype) {
            Ok(arch) => {
                let seed = xxh3_64_with_seed(&hash.to_le_bytes(), self.journal.state().config.seed);
                let Task { fidelity, previous, .. } = task;
                let genotype = task.genotype.to_string();
                pool.submit(Work { trial, arch, genotype, hash, fidelity, previous, seed });
                Ok(())
            }
            Err(reason) => self.journal.emit(Event::Failed { trial, reason, output: None }),
        }
    }

    /// Waits until the trial is over; false if it was interrupted.
    fn finish(&mut self, trial: u64, pool: &mut Pool) -> Result<bool, StudyError> {
        while self.journal.state().trials()[trial as usize].running() {
            let recorded = &self.journal.state().trials()[trial as usize];
            let from = self.progress.first.get(&(recorded.hash.0, recorded.fidelity.rung)).copied();
            if let Some(from) = from.filter(|from| *from != trial) {
                self.journal.emit(Event::Cached { trial, from })?; // it is earlier, so it has been told
                continue;
            }
            let recorded = pool.wait().map(|done| self.record(done)).transpose()?;
            if recorded != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Keeps a result; false for an interrupted trial, which has none.
    fn record(&mut self, Done { trial, result }: Done) -> Result<bool, StudyError> {
        let event = match result {
            Ok(estimate) => Event::Completed { trial, estimate },
            Err(EstimateError::Failed { reason, output }) => Event::Failed { trial, reason, output },
            Err(EstimateError::Interrupted) => return Ok(false),
        };
        self.journal.emit(event)?;
        Ok(true)
    }

    /// Waits for trials that are still running and keeps those that come to an end all the same.
    fn drain(&mut self, pool: &mut Pool) -> Result<(), StudyError> {
        if !self.halt.stopped() {
            self.halt.raise(); // an estimator gave up by itself: the others need not go on
            self.stop.raise();
        }
        while let Some(done) = pool.wait() {
            self.record(done)?;
        }
        Ok(())
    }

    fn tell(&mut self) -> Result<(), StudyError> {
        let recorded = &self.journal.state().trials()[self.progress.told as usize];
        let outcome = match &recorded.status {
            Status::Completed(estimate) => Ok(estimate.value),
            Status::Failed { .. } | Status::Running => Err(()),
        };
        let (trial, genotype, fidelity) = (recorded.trial, recorded.genotype.clone(), recorded.fidelity);
        let costs = self.journal.state().config.objectives.among(&recorded.costs);
        let completed = Completed { trial, genotype, fidelity, outcome, costs };
        self.methods.scheduler.tell(self.methods.strategy.as_mut(), &[completed])?;
        self.progress.told += 1;
        self.progress.waiting = false;
        Ok(())
    }
}

fn asked(trial: u64, task: &Task, hash: u128, costs: Costs) -> Event {
    Event::Asked {
        trial,
        genotype: task.genotype.clone(),
        hash: GraphHash(hash),
        costs,
        fidelity: task.fidelity,
        previous: task.previous,
        parent: task.parent,
        origin: task.origin,
    }
}

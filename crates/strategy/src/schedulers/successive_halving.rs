//! Successive halving.
//!
//! Jamieson and Talwalkar: "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS 2016:
//! many networks begin, the best 1/eta of them go on with eta times the effort, and so on; then a new bracket begins.

use super::SchedulerKind;
use super::ladder::{ETA, Entry, RUNGS, best, ladder};
use crate::scheduler::propose;
use crate::{
    Completed, Fidelity, Next, Problem, Rng, Scheduler, Setting, SettingKind, Strategy, StrategyError, Task,
};
use std::collections::VecDeque;

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "successive-halving",
    doc: "brackets of networks: the best third of each rung goes on with more effort",
    settings: &[
        SettingKind {
            name: "candidates",
            doc: "networks that begin in a bracket",
            setting: Setting::Integer { default: 27, least: 2, most: 1_000_000 },
        },
        ETA,
        RUNGS,
    ],
    build: |settings, epochs| {
        let (eta, rungs) = (settings.count("eta"), settings.count("rungs"));
        Box::new(SuccessiveHalving::new(epochs, settings.count("candidates"), eta, rungs))
    },
};

/// One bracket after another.
#[derive(Clone, Debug)]
pub struct SuccessiveHalving {
    eta: usize,
    candidates: usize,
    fidelities: Vec<Fidelity>,
    bracket: Bracket,
    pending: usize,
    exhausted: bool,
}

#[derive(Clone, Debug, Default)]
struct Bracket {
    rung: usize,
    begun: usize,
    queue: VecDeque<Task>,
    /// Who is done on the current rung.
    entries: Vec<Entry>,
}

impl SuccessiveHalving {
    /// Brackets of `candidates`, `rungs` steps up to `epochs`, each with `eta` times the effort of the one below.
    pub fn new(epochs: f64, candidates: usize, eta: usize, rungs: usize) -> Self {
        Self {
            eta: eta.max(2),
            candidates: candidates.max(1),
            fidelities: ladder(epochs, eta.max(2), rungs),
            bracket: Bracket::default(),
            pending: 0,
            exhausted: false,
        }
    }

    fn begin(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Option<Task>, StrategyError> {
        if self.exhausted || self.bracket.rung > 0 || self.bracket.begun >= self.candidates {
            return Ok(None);
        }
        let proposal = propose(strategy, problem, rng)?;
        self.exhausted = proposal.is_none();
        self.bracket.begun += usize::from(proposal.is_some());
        Ok(proposal.map(|proposal| Task::first(proposal, self.fidelities[0])))
    }

    /// The rung is complete: its best go on, or a new bracket begins.
    fn climb(&mut self) {
        let (rung, entries) = (self.bracket.rung, &self.bracket.entries);
        let survivors = match self.fidelities.get(rung + 1) {
            Some(_) => best(entries, (entries.len() / self.eta).max(1)),
            None => Vec::new(),
        };
        if survivors.is_empty() {
            self.bracket = Bracket::default();
            return;
        }
        let (from, to) = (self.fidelities[rung], self.fidelities[rung + 1]);
        let queue = survivors.into_iter().map(|i| entries[i].promotion(from, to)).collect();
        self.bracket = Bracket { rung: rung + 1, begun: self.bracket.begun, queue, entries: Vec::new() };
    }
}

impl Scheduler for SuccessiveHalving {
    fn next(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Next, StrategyError> {
        loop {
            let promoted = self.bracket.queue.pop_front();
            let task = promoted.map_or_else(|| self.begin(strategy, problem, rng), |task| Ok(Some(task)))?;
            if let Some(task) = task {
                self.pending += 1;
                return Ok(Next::Run(task));
            }
            if self.pending > 0 {
                return Ok(Next::Wait);
            }
            if self.bracket.entries.is_empty() && self.exhausted {
                return Ok(Next::Exhausted);
            }
            self.climb();
        }
    }

    fn ladder(&self) -> Vec<Fidelity> {
        self.fidelities.clone()
    }

    fn tell(&mut self, strategy: &mut dyn Strategy, done: &[Completed]) -> Result<(), StrategyError> {
        self.pending = self.pending.saturating_sub(done.len());
        self.bracket.entries.extend(done.iter().map(Entry::new));
        strategy.tell(done)
    }
}

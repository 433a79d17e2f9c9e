//! Asynchronous successive halving.
//!
//! Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht and Talwalkar: "A System for Massively Parallel
//! Hyperparameter Tuning", MLSys 2020, algorithm 2: whoever is among the best 1/eta of its rung goes on at once, the
//! highest rung first; only when nobody can is a new network begun.

use super::SchedulerKind;
use super::ladder::{ETA, Entry, RUNGS, best, ladder};
use crate::scheduler::promotion_or_new;
use crate::{Completed, Fidelity, Next, Problem, Rng, Scheduler, Strategy, StrategyError, Task};

pub(super) const KIND: SchedulerKind = SchedulerKind {
    name: "asha",
    doc: "the best third of what was tried so far goes on with more effort, without waiting",
    settings: &[ETA, RUNGS],
    build: |settings, epochs| Box::new(Asha::new(epochs, settings.count("eta"), settings.count("rungs"))),
};

/// Rungs and who is on them.
#[derive(Clone, Debug)]
pub struct Asha {
    eta: usize,
    fidelities: Vec<Fidelity>,
    rungs: Vec<Vec<Entry>>,
    pending: usize,
}

impl Asha {
    /// `rungs` steps up to `epochs`, each with `eta` times the effort of the one below.
    pub fn new(epochs: f64, eta: usize, rungs: usize) -> Self {
        let fidelities = ladder(epochs, eta.max(2), rungs);
        Self { eta: eta.max(2), rungs: vec![Vec::new(); fidelities.len()], fidelities, pending: 0 }
    }

    /// `get_job` of the paper: the best trial of the highest rung that can be promoted.
    fn promotion(&mut self) -> Option<Task> {
        for rung in (0..self.rungs.len() - 1).rev() {
            let entries = &self.rungs[rung];
            let top = best(entries, entries.len() / self.eta);
            if let Some(i) = top.into_iter().find(|&i| !entries[i].promoted) {
                self.rungs[rung][i].promoted = true;
                let (from, to) = (self.fidelities[rung], self.fidelities[rung + 1]);
                return Some(self.rungs[rung][i].promotion(from, to));
            }
        }
        None
    }
}

impl Scheduler for Asha {
    fn next(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Next, StrategyError> {
        let promotion = self.promotion();
        promotion_or_new(promotion, self.fidelities[0], &mut self.pending, (strategy, problem, rng))
    }

    fn ladder(&self) -> Vec<Fidelity> {
        self.fidelities.clone()
    }

    fn tell(&mut self, strategy: &mut dyn Strategy, done: &[Completed]) -> Result<(), StrategyError> {
        for trial in done {
            self.pending = self.pending.saturating_sub(1);
            if let Some(rung) = self.rungs.get_mut(trial.fidelity.rung as usize) {
                rung.push(Entry::new(trial));
            }
        }
        strategy.tell(done)
    }
}

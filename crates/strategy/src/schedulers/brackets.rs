//! Brackets of networks, one after another: what successive halving and Hyperband share.

use super::ladder::{Entry, best, ladder};
use crate::scheduler::propose;
use crate::{Completed, Fidelity, Next, Problem, Rng, Scheduler, Strategy, StrategyError, Task};
use std::collections::VecDeque;

/// How a bracket begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Networks that begin.
    pub(super) candidates: usize,
    /// The rung that they begin on.
    pub(super) rung: usize,
}

/// Successive halving in brackets that begin in turn as the list says.
#[derive(Clone, Debug)]
pub(super) struct Brackets {
    eta: usize,
    fidelities: Vec<Fidelity>,
    starts: Vec<Start>,
    /// Brackets that are over.
    over: usize,
    bracket: Bracket,
    pending: usize,
    exhausted: bool,
}

#[derive(Clone, Debug)]
struct Bracket {
    start: Start,
    rung: usize,
    begun: usize,
    queue: VecDeque<Task>,
    /// Who is done on the current rung.
    entries: Vec<Entry>,
}

impl Bracket {
    fn new(start: Start) -> Self {
        Self { start, rung: start.rung, begun: 0, queue: VecDeque::new(), entries: Vec::new() }
    }
}

impl Brackets {
    /// `rungs` steps up to `epochs`, each with `eta` times the effort of the one below; `starts` must not be empty.
    pub(super) fn new(epochs: f64, eta: usize, rungs: usize, starts: Vec<Start>) -> Self {
        let eta = eta.max(2);
        let fidelities = ladder(epochs, eta, rungs);
        let bracket = Bracket::new(starts[0]);
        Self { eta, fidelities, starts, over: 0, bracket, pending: 0, exhausted: false }
    }

    fn begin(
        &mut self,
        strategy: &mut dyn Strategy,
        problem: &Problem<'_>,
        rng: &mut Rng,
    ) -> Result<Option<Task>, StrategyError> {
        let Bracket { start, rung, begun, .. } = self.bracket;
        if self.exhausted || rung > start.rung || begun >= start.candidates {
            return Ok(None);
        }
        let proposal = propose(strategy, problem, rng)?;
        self.exhausted = proposal.is_none();
        self.bracket.begun += usize::from(proposal.is_some());
        Ok(proposal.map(|proposal| Task::first(proposal, self.fidelities[rung])))
    }

    /// The rung is complete: its best go on, or the next bracket begins.
    fn climb(&mut self) {
        let (rung, entries) = (self.bracket.rung, &self.bracket.entries);
        let survivors = match self.fidelities.get(rung + 1) {
            Some(_) => best(entries, (entries.len() / self.eta).max(1)),
            None => Vec::new(),
        };
        if survivors.is_empty() {
            self.over += 1;
            self.bracket = Bracket::new(self.starts[self.over % self.starts.len()]);
            return;
        }
        let (from, to) = (self.fidelities[rung], self.fidelities[rung + 1]);
        self.bracket.queue = survivors.into_iter().map(|i| entries[i].promotion(from, to)).collect();
        self.bracket.rung = rung + 1;
        self.bracket.entries.clear();
    }
}

impl Scheduler for Brackets {
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

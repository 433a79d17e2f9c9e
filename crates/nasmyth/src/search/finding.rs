//! From the trials of a search to networks that keep their limits also when they are measured.

use super::Search;
use crate::finalists::{Finalist, finalists};
use crate::holding::{Holding, nothing_holds, tightened};
use crate::{Infeasible, Notice, Observer};
use anyhow::Result;
use nasmyth_estimator::StopFlag;
use nasmyth_study::{Budget, State, Status, StopReason, feasibility};
use std::time::{Duration, Instant};

/// With less time than this, a search that has found nothing does not go on.
const LEAST_LEFT: Duration = Duration::from_secs(10);

impl Search {
    /// Searches until networks are found that keep their limits also when they are measured: what does not is out, and if nothing is left,
    /// the search goes on below tighter limits.
    pub(super) fn find(
        &mut self,
        spent_before: Duration,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<(StopReason, State, Vec<Finalist>)> {
        loop {
            let reason = self.search(observer, stop)?;
            if reason == StopReason::Interrupted {
                return Err(self.interrupted());
            }
            let state = self.settled(reason);
            if let Some(text) = untested(&state) {
                observer.notice(&Notice::Remark { text });
            }
            if let Some((state, finalists)) = self.holding(state, observer)? {
                return Ok((reason, state, finalists));
            }
            let limits = tightened(self.study.state().limits(), self.study.state());
            let budget = self.more(spent_before + self.supernet_before)?;
            let (Some(budget), Ok(_)) =
                (budget, feasibility(self.study.space(), &limits, self.site.fleet.meter()))
            else {
                return Err(Infeasible(nothing_holds(self.study.state())).into());
            };
            let text = format!("measured  nothing that was found keeps its limits: on with {limits}");
            observer.notice(&Notice::Remark { text });
            self.study.tighten(limits, budget)?;
        }
    }

    /// The networks to train to the end; nothing if no network that was found holds when it is measured.
    fn holding(
        &mut self,
        mut state: State,
        observer: &mut dyn Observer,
    ) -> Result<Option<(State, Vec<Finalist>)>> {
        let mut holding = Holding::new(&self.site.fleet, &self.site.config.limits);
        loop {
            let fallback = (&self.site.space, &self.site.fallback);
            let chosen = finalists(&state, self.study.space(), &self.site.config, fallback)?;
            let mut refuted = None;
            for finalist in &chosen {
                refuted = holding.refutation(&finalist.graph, observer)?;
                if refuted.is_some() {
                    break;
                }
            }
            let Some(refutation) = refuted else { return Ok(Some((state, chosen))) };
            self.study.refute(refutation.clone())?;
            state.refuted.push(refutation);
            if state.best().is_none() {
                return Ok(None);
            }
        }
    }

    /// A larger budget for a search that has found nothing yet: a quarter more trials, or a quarter of the time that is left. None if
    /// there is no time left.
    fn more(&self, spent_before: Duration) -> Result<Option<Budget>> {
        let Budget { trials, time } = self.study.state().config.budget;
        let trials = trials.map(|trials| trials + (trials / 4).max(self.site.config.search.window));
        let Some((end, _)) = self.clock(spent_before)? else { return Ok(Some(Budget { trials, time })) };
        let left = end.saturating_duration_since(Instant::now());
        let active = Duration::from_millis(self.study.state().elapsed_ms);
        Ok((left > LEAST_LEFT).then(|| Budget { trials, time: time.map(|_| active + left / 4) }))
    }
}

/// A warning when no trial has a value.
fn untested(state: &State) -> Option<String> {
    if state.best().is_some() {
        return None;
    }
    let reason = state.trials().iter().rev().find_map(|trial| match &trial.status {
        Status::Failed { reason, .. } => Some(format!(", the last with: {reason}")),
        _ => None,
    });
    let failed = reason.map_or("no trial ended".to_owned(), |reason| format!("every trial failed{reason}"));
    Some(format!("note      {failed}; a network that keeps the limits is trained all the same"))
}

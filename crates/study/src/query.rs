//! Answers for reports.

use crate::{State, Trial};
use nasmyth_device::Objectives;
use nasmyth_strategy::Origin;
use nasmyth_strategy::pareto::front;
use std::cmp::Ordering;

impl State {
    /// The run as if it had been asked for no more than `trials` trials.
    pub fn prefix(&self, trials: usize) -> Self {
        let mut state = self.clone();
        state.trials.truncate(trials);
        state
    }

    /// Trials from the first on that are all over.
    pub fn settled(&self) -> usize {
        self.trials().iter().take_while(|trial| !trial.running()).count()
    }

    /// Trials with a value, of networks that no measurement has refuted.
    pub fn completed(&self) -> impl Iterator<Item = &Trial> {
        let refuted = |trial: &Trial| self.refuted.iter().any(|refuted| refuted.hash == trial.hash);
        self.trials().iter().filter(move |trial| trial.value().is_some() && !refuted(trial))
    }

    /// Trials with a value on the highest rung that any trial with a value reached: only these are comparable.
    pub fn finalists(&self) -> Vec<&Trial> {
        let highest = self.completed().map(|trial| trial.fidelity.rung).max();
        self.completed().filter(|trial| Some(trial.fidelity.rung) == highest).collect()
    }

    /// The trial with the highest value among [`finalists`](Self::finalists); ties go to fewer parameters, then to the
    /// lower trial.
    pub fn best(&self) -> Option<&Trial> {
        self.finalists().into_iter().min_by(|a, b| better(a, b))
    }

    /// Finalists from best to worst, each network once.
    pub fn ranking(&self) -> Vec<&Trial> {
        let mut ranked = self.finalists();
        ranked.retain(|trial| trial.cached_from.is_none());
        ranked.sort_by(|a, b| better(a, b));
        ranked
    }

    /// Finalists that no other finalist beats in value and all these costs, the best value first, each network once.
    pub fn pareto(&self, objectives: &Objectives) -> Vec<&Trial> {
        let ranked = self.ranking();
        let point = |trial: &&Trial| {
            let costs = objectives.among(&trial.costs).into_iter().map(|cost| -cost);
            std::iter::once(trial.value().unwrap_or(f64::NEG_INFINITY)).chain(costs).collect()
        };
        let points: Vec<Vec<f64>> = ranked.iter().map(point).collect();
        front(&points).into_iter().map(|i| ranked[i]).collect()
    }

    /// The random first trials: those on the lowest rung that no result had a part in.
    pub fn random_first(&self) -> Vec<&Trial> {
        let first_rung = self.trials().iter().filter(|trial| trial.fidelity.rung == 0);
        first_rung.filter(|trial| trial.origin == Origin::Random).collect()
    }
}

/// Better trials are less.
fn better(a: &Trial, b: &Trial) -> Ordering {
    let value = |trial: &Trial| trial.value().unwrap_or(f64::NEG_INFINITY);
    let params = |trial: &Trial| trial.costs.get("params").unwrap_or(u64::MAX);
    value(b).total_cmp(&value(a)).then(params(a).cmp(&params(b))).then(a.trial.cmp(&b.trial))
}

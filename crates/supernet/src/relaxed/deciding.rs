//! How the choices of a super-network in training are decided.

use super::discretisation::{Discretisation, greedy};
use super::error::SearchError;
use super::relaxation::largest;
use super::running::{Running, Standing};
use super::search::Decision;
use super::space::Choice;
use super::super_network::Judged;
use nasmyth_estimator::StopFlag;
use nasmyth_space::Rng;
use nasmyth_train::cosine;
use rand::RngExt;

impl Running<'_> {
    fn decide(&mut self, epoch: usize, choice: usize, option: usize) {
        self.at.kept[choice] = vec![option];
        self.at.decisions.push(Decision { epoch, choice, option });
    }

    /// The greedy decisions that are due after so many epochs: all by the last.
    pub(super) fn decide_greedily(&mut self, epoch: usize) {
        let Discretisation::Greedy { window } = self.method.discretisation else { return };
        let (choices, warmup) = (self.space.choices(), self.warmup());
        let due = choices.len() * epoch.saturating_sub(warmup) / (self.budget.epochs - warmup).max(1);
        let history = self.history();
        while self.at.decisions.len() < due {
            let Some((choice, option)) = greedy(choices, &history, &self.at.kept, window) else { return };
            self.decide(epoch, choice, option);
        }
    }

    /// Takes the next choice in random order, removes one option after the other, keeps the one that is missed most, and trains on; whether
    /// there are more.
    pub(super) fn decide_by_perturbation(
        &mut self,
        tune: f64,
        batches: usize,
        stop: &StopFlag,
    ) -> Result<bool, SearchError> {
        let epoch = self.at.epochs.len();
        let mut rng = self.rng(epoch);
        let mut order: Vec<usize> = (0..self.at.kept.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, rng.random_range(0..=last));
        }
        let taken = self.at.decisions.len();
        let Some(&choice) = order.get(taken) else { return Ok(false) };
        let (mut missed, drawn): (Option<(usize, Judged)>, _) = (None, self.at.policy.most_probable());
        for option in self.at.kept[choice].clone() {
            let Standing { alphas, kept, .. } = &self.at;
            let judged = self.network.judge(alphas, (kept, &drawn), batches, Some((choice, option)))?;
            if missed.is_none_or(|(_, worst)| worse(&judged, &worst)) {
                missed = Some((option, judged));
            }
        }
        if let Some((option, _)) = missed {
            self.decide(epoch, choice, option);
        }
        self.tune((tune * self.steps as f64) as u64, &drawn, &mut self.rng(epoch + 1 + taken), stop)?;
        Ok(taken + 1 < order.len())
    }

    /// Trains the weights alone.
    fn tune(
        &mut self,
        steps: u64,
        drawn: &[usize],
        rng: &mut Rng,
        stop: &StopFlag,
    ) -> Result<(), SearchError> {
        for step in 0..steps {
            if stop.stopped() {
                return Err(SearchError::Interrupted);
            }
            let at = (self.method.temperature[1], 1.0);
            self.network.advance(&self.at.kept, drawn, &self.at.alphas, at, rng)?;
            self.at.temperature = at.0;
            let point = self.point();
            self.move_weights(&point, self.budget.rate * cosine(step, steps, 0.0))?;
        }
        Ok(())
    }

    /// Options of the best of so many random networks, by what they do on the validation part with the weights as they are: a search with these
    /// weights has to beat them (Li and Talwalkar 2020).
    ///
    /// # Errors
    /// As [`Search::run`](super::Search::run).
    pub fn best_random(&mut self, networks: usize, rng: &mut Rng) -> Result<Vec<usize>, SearchError> {
        let drawn = self.at.policy.most_probable();
        let mut best: Option<(Judged, Vec<usize>)> = None;
        for _ in 0..networks {
            let random = |choice: &Choice| rng.random_range(0..choice.options.len());
            let options: Vec<usize> = self.space.choices().iter().map(random).collect();
            let kept = options.iter().map(|&option| vec![option]).collect();
            let judged = self.network.judge(&self.at.alphas, (&kept, &drawn), self.judged, None)?;
            if best.as_ref().is_none_or(|(before, _)| worse(before, &judged)) {
                best = Some((judged, options));
            }
        }
        Ok(best.map(|(_, options)| options).unwrap_or_default())
    }

    /// The most probable option of each choice that is not decided.
    pub(super) fn decide_the_rest(&mut self) {
        for (choice, p) in self.probabilities().iter().enumerate() {
            if self.at.decisions.iter().all(|d| d.choice != choice) {
                self.decide(self.at.epochs.len(), choice, largest(p));
            }
        }
    }
}

/// Whether the network does worse: less accuracy, or at equal accuracy more loss.
fn worse(a: &Judged, b: &Judged) -> bool {
    a.accuracy < b.accuracy || a.accuracy == b.accuracy && a.loss > b.loss
}

#[cfg(test)]
mod tests {
    use super::super::method::Method;
    use super::super::search::{Budget, Search};
    use super::super::space::{Form, Kept, Kind, Mixture, Operator, RelaxedGraph, RelaxedSpace, Term};
    use super::*;
    use nasmyth_data::{OpenOptions, open};
    use nasmyth_engine::Engine;
    use nasmyth_graph::Graph;
    use nasmyth_graph::ops::{BatchNorm, Conv, GlobalPool, Linear, Mix, Pooling, Zero};
    use nasmyth_space::SpaceError;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// A series, a choice between a convolution and zeros, and a classifier.
    struct UsefulOrNot(Vec<Choice>);

    impl UsefulOrNot {
        fn new() -> Self {
            let options = [("zeros", Kind::Free), ("conv", Kind::Weighted)];
            let options = options.map(|(name, kind)| Operator { name: name.to_owned(), kind }).to_vec();
            Self(vec![Choice { name: "only".to_owned(), from: 0, to: 1, sum: None, options }])
        }
    }

    impl RelaxedSpace for UsefulOrNot {
        fn choices(&self) -> &[Choice] {
            &self.0
        }

        fn relaxed(&self, _: &[usize], kept: &Kept, _: Form) -> Result<RelaxedGraph, SpaceError> {
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
            Ok(RelaxedGraph {
                graph: g.verify()?,
                mixtures,
                kernels: Vec::new(),
                fixed: Vec::new(),
                places: BTreeMap::new(),
            })
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
                let mut running = search.begin().unwrap();
                (0..budget.epochs).for_each(|_| assert!(running.go_on(&stop).unwrap()));
                running.at.alphas.copy_from_slice(&[2.0, 0.0]);
                while running.go_on(&stop).unwrap() {}
                running.found().unwrap()
            });
            assert_eq!(ends[0].options, [0], "the largest logit is that of the zeros");
            assert_eq!(ends[1].options, [1], "without the convolution nothing is left to classify by");
            assert!(ends[1].discrete.accuracy > ends[0].discrete.accuracy + 0.05);
        }
    }
}

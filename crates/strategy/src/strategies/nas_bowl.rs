//! Bayesian optimisation with a Gaussian process over graphs.
//!
//! Ru, Wan, Dong and Osborne: "Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels"
//! (NAS-BOWL), ICLR 2021, algorithm 1.

use super::StrategyKind;
use crate::Rng;
use crate::model_based::{Evidence, Model, ModelBased, SETTINGS};
use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::{Dag, Features, WlProcess, acquisition::expected_improvement, half_rank};
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "nas-bowl",
    doc: "expected improvement by a Gaussian process over the graphs of networks (Weisfeiler-Lehman kernel)",
    several: true,
    settings: &SETTINGS,
    build: |settings| Box::new(ModelBased::new(Bowl::default(), settings)),
};

/// Features that are kept, beyond which they are all computed anew.
const CACHED: usize = 20_000;

/// The process and what it was fitted to.
#[derive(Default)]
struct Bowl {
    features: HashMap<Genotype, Option<Arc<Features>>>,
    /// The process whose depth and noise hold, and the number of trials that these were chosen with.
    chosen: Option<(usize, WlProcess)>,
}

impl Bowl {
    /// The features of a network; none if it cannot be built.
    fn features(&mut self, space: &Space, genotype: &Genotype) -> Option<Arc<Features>> {
        if self.features.len() > CACHED {
            self.features.clear();
        }
        let compute = || {
            let graph = space.lower(genotype).ok()?.verify().ok()?;
            Some(Arc::new(Features::of(&Dag::of(&graph))))
        };
        self.features.entry(genotype.clone()).or_insert_with(compute).clone()
    }

    /// The process given the data. Depth and noise are chosen anew when there is a tenth more data than last time.
    fn fit(&mut self, data: &[Arc<Features>], targets: &[f64]) -> Option<WlProcess> {
        let kept = self.chosen.as_ref().filter(|(n, _)| 10 * data.len() < 11 * n);
        match kept.and_then(|(_, process)| process.refit(data, targets)) {
            Some(process) => Some(process),
            None => {
                let process = WlProcess::fit(data, targets)?;
                self.chosen = Some((data.len(), process.clone()));
                Some(process)
            }
        }
    }
}

impl Model for Bowl {
    /// Expected improvement over the best mean of the trials, which noise has smoothed. Open trials count with their means (Ginsbourger,
    /// Le Riche and Carraro 2010: the kriging believer).
    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], _: &mut Rng) -> Option<Vec<f64>> {
        let (mut data, mut values) = (Vec::new(), Vec::new());
        for known in evidence.known {
            if let Some(features) = self.features(evidence.space, &known.genotype) {
                data.push(features);
                values.push(known.value);
            }
        }
        let mut targets = half_rank(&values);
        let mut process = self.fit(&data, &targets)?;
        let best = data.iter().map(|graph| process.mean(graph)).fold(f64::NEG_INFINITY, f64::max);
        let open: Vec<Arc<Features>> =
            evidence.open.iter().filter_map(|genotype| self.features(evidence.space, genotype)).collect();
        if !open.is_empty() {
            targets.extend(open.iter().map(|graph| process.mean(graph)));
            data.extend(open);
            process = process.refit(&data, &targets)?;
        }
        let worth = |genotype: &Genotype| match self.features(evidence.space, genotype) {
            Some(graph) => expected_improvement(process.predict(&graph), best),
            None => f64::NEG_INFINITY,
        };
        Some(pool.iter().map(worth).collect())
    }
}

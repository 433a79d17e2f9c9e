//! Bayesian optimisation with the tree-Wasserstein kernel.
//!
//! Nguyen, Le, Yamada and Osborne: "Optimal Transport Kernels for Sequential and Parallel Neural Architecture Search" (TW-NAS), ICML 2021:
//! one after the other by expected improvement (section 4.1), batches as a draw from a determinantal point process (section 4.2).

use super::StrategyKind;
use crate::graph_process::GraphProcess;
use crate::model_based::{BATCH, ModelBased, SETTINGS};
use nasmyth_surrogate::TreeWasserstein;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "tw-nas",
    doc: "expected improvement by a Gaussian process over the layers and connections of networks (optimal transport)",
    several: true,
    settings: &[SETTINGS[0], SETTINGS[1], SETTINGS[2], BATCH],
    build: |settings| {
        let model = GraphProcess::<TreeWasserstein>::new(true);
        Box::new(ModelBased::new(model, settings).in_batches(settings.count("batch")))
    },
};

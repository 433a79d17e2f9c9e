//! Bayesian optimisation with the Weisfeiler-Lehman kernel.
//!
//! Ru, Wan, Dong and Osborne: "Interpretable Neural Architecture Search via Bayesian Optimisation with Weisfeiler-Lehman Kernels"
//! (NAS-BOWL), ICLR 2021, algorithm 1.

use super::StrategyKind;
use crate::graph_process::GraphProcess;
use crate::model_based::{ModelBased, SETTINGS};
use nasmyth_surrogate::WeisfeilerLehman;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "nas-bowl",
    doc: "expected improvement by a Gaussian process over the graphs of networks (Weisfeiler-Lehman kernel)",
    several: true,
    settings: &SETTINGS,
    build: |settings| Box::new(ModelBased::new(GraphProcess::<WeisfeilerLehman>::new(false), settings)),
};

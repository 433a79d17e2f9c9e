//! Bayesian optimisation with a radial kernel on the paths of networks.
//!
//! White, Neiswanger and Savani: "BANANAS: Bayesian Optimization with Neural Architectures for Neural Architecture Search", AAAI 2021,
//! whose encoding it shares; a Gaussian process is in the place of their ensemble.

use super::StrategyKind;
use crate::graph_process::GraphProcess;
use crate::model_based::{ModelBased, SETTINGS};
use nasmyth_surrogate::PathKernel;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "gp-paths",
    doc: "expected improvement by a Gaussian process on the paths of small networks, on pairs of layers of deep ones",
    several: true,
    settings: &SETTINGS,
    build: |settings| Box::new(ModelBased::new(GraphProcess::<PathKernel>::new(false), settings)),
};

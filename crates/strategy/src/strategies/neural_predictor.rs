//! The network that a graph convolution network predicts to be the best.
//!
//! Wen et al.: "Neural Predictor for Neural Architecture Search", ECCV 2020, section 3: random networks train a predictor of accuracy,
//! and those that it predicts to be the best of a pool are trained. Here that is repeated with all results so far; the settings
//! `start` = N and a number of trials N + K give the original, up to the pool and to training the predictor on the K too.

use super::StrategyKind;
use crate::Rng;
use crate::graph_predictor::GraphPredictor;
use crate::model_based::{Evidence, Model, ModelBased, SETTINGS};
use nasmyth_space::Genotype;
use nasmyth_surrogate::Aim;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "neural-predictor",
    doc: "the best of a pool by a graph convolution network that predicts values",
    several: true,
    settings: &SETTINGS,
    build: |settings| Box::new(ModelBased::new(NeuralPredictor(GraphPredictor::new(Aim::Value)), settings)),
};

struct NeuralPredictor(GraphPredictor);

impl Model for NeuralPredictor {
    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], rng: &mut Rng) -> Option<Vec<f64>> {
        self.0.predict(evidence, pool, rng)
    }
}

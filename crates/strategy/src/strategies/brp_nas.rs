//! The network that wins the most comparisons, by a graph convolution network.
//!
//! Dudziak et al.: "BRP-NAS: Prediction-based NAS using GCNs", NeurIPS 2020, section 4: a binary relation predictor, and its training on
//! networks of which half are the best by the predictor of the time and half are drawn at random. Here these are drawn from the
//! better half of the pool, and singly instead of in rounds.

use super::StrategyKind;
use crate::Rng;
use crate::graph_predictor::GraphPredictor;
use crate::model_based::{Evidence, Model, ModelBased, SETTINGS};
use nasmyth_space::Genotype;
use nasmyth_surrogate::Aim;
use rand::RngExt;

pub(super) const KIND: StrategyKind = StrategyKind {
    name: "brp-nas",
    doc: "the best of a pool by a graph convolution network that compares two, or one of its better half",
    several: true,
    settings: &SETTINGS,
    build: |settings| Box::new(ModelBased::new(BrpNas(GraphPredictor::new(Aim::Relation)), settings)),
};

/// Share of the proposals that are the best by the predictor.
const BEST: f64 = 0.5;

struct BrpNas(GraphPredictor);

impl Model for BrpNas {
    /// The scores, or the better half of them in random order.
    fn acquire(&mut self, evidence: &Evidence<'_>, pool: &[Genotype], rng: &mut Rng) -> Option<Vec<f64>> {
        let scores = self.0.predict(evidence, pool, rng)?;
        if rng.random_bool(BEST) {
            return Some(scores);
        }
        let mut sorted = scores.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2)?;
        let worth = |score: f64| if score >= *median { rng.random() } else { f64::NEG_INFINITY };
        Some(scores.into_iter().map(worth).collect())
    }
}

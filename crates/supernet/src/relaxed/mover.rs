//! What moves the architecture.

use super::adam::{Adam, AdamSettings};
use super::error::SearchError;
use super::frank_wolfe::Polytope;
use super::limit::Limit;
use super::method::Method;
use super::super_network::SuperNetwork;
use nasmyth_space::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// Deviation of the logits at the beginning (Liu, Simonyan and Yang 2019, in their program).
const FIRST_LOGITS: f64 = 1e-3;

/// What moves the architecture.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Mover {
    Adam(Adam),
    FrankWolfe { polytope: Polytope, mean: Vec<f64>, rate: f64 },
}

impl Mover {
    /// With the numbers that the architecture begins with. `rate`: of a step.
    pub fn begin(
        method: &Method,
        network: &SuperNetwork,
        rate: f64,
        rng: &mut Rng,
    ) -> Result<(Self, Vec<f64>), SearchError> {
        let costs = network.costs();
        let Limit::Polytope { share } = method.limit else {
            let len = network.architecture().len();
            let alphas = (0..len).map(|_| FIRST_LOGITS * normal(rng)).collect();
            return Ok((Self::Adam(Adam::new(method.adam(rate), len)), alphas));
        };
        let limit = costs.lowest() + share * (costs.highest() - costs.lowest());
        let polytope = Polytope::new(costs.options.clone(), limit - costs.base)
            .ok_or_else(|| SearchError::Limit { limit, cheapest: costs.lowest() })?;
        let alphas = polytope.middle().concat();
        Ok((Self::FrankWolfe { polytope, mean: vec![0.0; alphas.len()], rate: rate.min(1.0) }, alphas))
    }

    pub fn step(&mut self, alphas: &mut [f64], gradient: &[f64]) {
        match self {
            Self::Adam(adam) => adam.step(alphas, gradient),
            Self::FrankWolfe { polytope, mean, rate } => {
                /// Share of the old mean of gradients that is kept: single ones are too noisy to follow all the way.
                const MEMORY: f64 = 0.9;
                mean.iter_mut().zip(gradient).for_each(|(m, g)| *m = MEMORY * *m + (1.0 - MEMORY) * g);
                let mut p = polytope.divided(alphas);
                polytope.step(&mut p, &polytope.divided(mean), *rate);
                alphas.copy_from_slice(&p.concat());
            }
        }
    }
}

impl Method {
    /// What moves logits by so much a step.
    pub(super) fn adam(&self, rate: f64) -> AdamSettings {
        AdamSettings { rate, beta1: self.momentum, beta2: 0.999, decay: self.decay }
    }
}

/// Standard normal (Box and Muller 1958).
fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

//! A new device from a few measured networks and the models of other devices.

use super::{CostModel, Model, ModelError, Prediction, Sample, log_of};
use crate::{Operator, operators};
use nasmyth_graph::VerifiedGraph;
use nasmyth_surrogate::{Known, Transfer};
use serde::{Deserialize, Serialize};

/// Number of ideal devices.
const IDEAL: usize = 3;

/// The logarithm of the seconds is a mixture of what the models of other devices say of the network, and of three
/// ideal devices: [`Transfer`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Transferred {
    stored: Stored,
    transfer: Transfer,
}

/// What a file holds; the mixture is fitted to it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    /// Mean of the logarithm of seconds of each known device and of the ideal ones.
    centres: Vec<f64>,
    /// For each measured network what these say of it, and the logarithm of its seconds.
    #[serde(with = "super::rows")]
    data: Vec<(Vec<f64>, f64)>,
    known: Vec<Model>,
}

impl From<Transferred> for Stored {
    fn from(model: Transferred) -> Self {
        model.stored
    }
}

impl TryFrom<Stored> for Transferred {
    type Error = ModelError;

    fn try_from(stored: Stored) -> Result<Self, ModelError> {
        let (values, targets): (Vec<Vec<f64>>, Vec<f64>) = stored.data.iter().cloned().unzip();
        let known = Known::from_centres(stored.centres.clone())
            .filter(|_| stored.centres.len() == stored.known.len() + IDEAL);
        let transfer = known.and_then(|known| Transfer::fit(&known, &values, &targets));
        let broken =
            || ModelError::Broken("`known`, `centres` and the rows of `data` differ in length".to_owned());
        Ok(Self { transfer: transfer.ok_or_else(broken)?, stored })
    }
}

/// Models of known devices over networks that stand for the space: chooses what to measure on a new device.
#[derive(Debug)]
pub struct Neighbours<'a> {
    known: &'a [Model],
    prior: Known,
    pool: Vec<Vec<f64>>,
}

impl<'a> Neighbours<'a> {
    /// From models and networks, at least one.
    ///
    /// # Errors
    /// A network that a model knows nothing of; no network.
    pub fn new(known: &'a [Model], pool: &[&VerifiedGraph]) -> Result<Self, ModelError> {
        let pool = pool.iter().map(|graph| logs(known, graph)).collect::<Result<Vec<_>, _>>()?;
        let prior = Known::new(&pool).ok_or(ModelError::TooFew { least: 1, got: 0 })?;
        Ok(Self { known, prior, pool })
    }

    /// Numbers of the networks whose times tell most about those of all.
    pub fn choose(&self, count: usize) -> Vec<usize> {
        self.prior.choose(&self.pool, count)
    }

    /// The model of a new device.
    ///
    /// # Errors
    /// No sample, a time that is none, or a network that a model knows nothing of.
    pub fn fit(&self, samples: &[Sample<'_>]) -> Result<Transferred, ModelError> {
        if samples.is_empty() {
            return Err(ModelError::TooFew { least: 1, got: 0 });
        }
        let row = |(index, sample): (usize, &Sample<'_>)| {
            Ok((logs(self.known, sample.graph)?, log_of(index, sample.seconds)?))
        };
        let data = samples.iter().enumerate().map(row).collect::<Result<_, ModelError>>()?;
        Stored { centres: self.prior.centres().to_vec(), data, known: self.known.to_vec() }.try_into()
    }
}

impl CostModel for Transferred {
    fn seconds(&self, graph: &VerifiedGraph) -> Result<Prediction, ModelError> {
        Ok(Prediction::from_normal(self.transfer.predict(&logs(&self.stored.known, graph)?)))
    }
}

/// What each known device says of a network, and then [`ideal`] ones.
fn logs(known: &[Model], graph: &VerifiedGraph) -> Result<Vec<f64>, ModelError> {
    let said = known.iter().map(|model| Ok(model.seconds(graph)?.seconds.ln()));
    said.chain(ideal(graph).map(Ok)).collect()
}

/// Devices on which nothing but arithmetic, traffic, or the number of operators takes time. A new device may lie between them, and outside
/// all known ones.
fn ideal(graph: &VerifiedGraph) -> [f64; IDEAL] {
    let operators = operators(graph);
    let sum = |f: fn(&Operator) -> f64| operators.iter().map(f).sum::<f64>().ln_1p();
    [sum(|o| o.macs as f64), sum(|o| o.traffic(1.0)), sum(|_| 1.0)]
}

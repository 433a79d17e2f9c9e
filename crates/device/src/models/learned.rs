//! A Gaussian process over the work of a network, around a simpler model.
//!
//! It knows that times are sums over operators; what it gets wrong is taken as smooth in how much of each kind of work there is.

use super::{Measured, ModelError, OperatorModel, Summed};
use crate::Operator;
use nasmyth_surrogate::{GaussianProcess, Matrix};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Lengths of the kernel, in units of the root of the number of features, and variances of the noise that are tried.
const LENGTHS: [f64; 5] = [0.5, 1.0, 2.0, 4.0, 8.0];
const NOISES: [f64; 5] = [1e-4, 1e-3, 1e-2, 1e-1, 1.0];

/// The logarithm of the seconds is that of the best sum over operators ([`Summed`]) plus a process with a Gaussian kernel over the logarithms
/// of the work of each kind, each in units of its standard deviation.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct Learned {
    stored: Stored,
    process: GaussianProcess,
}

/// What a file holds; the process is made of it again.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Stored {
    length: f64,
    noise: f64,
    #[serde(flatten)]
    base: Summed,
    /// Kind of operator -> mean and standard deviation of the logarithm of its work.
    features: BTreeMap<String, (f64, f64)>,
    /// For each network its features, and what the simpler model leaves that was fitted without it.
    #[serde(with = "super::rows")]
    data: Vec<(Vec<f64>, f64)>,
}

impl From<Learned> for Stored {
    fn from(model: Learned) -> Self {
        model.stored
    }
}

impl Learned {
    /// Seconds of one operator, before the process corrects those of the network.
    pub(super) fn operator_seconds(&self, operator: &Operator) -> f64 {
        self.stored.base.operator_seconds(operator)
    }
}

impl TryFrom<Stored> for Learned {
    type Error = ModelError;

    fn try_from(stored: Stored) -> Result<Self, ModelError> {
        if stored.data.iter().any(|(x, _)| x.len() != stored.features.len()) {
            return Err(ModelError::Broken(format!(
                "expected {} numbers in each row of `data`",
                stored.features.len()
            )));
        }
        let process = stored.process(stored.length, stored.noise);
        let process = process.ok_or_else(|| {
            ModelError::Broken("its data, length and noise make no positive definite matrix".to_owned())
        })?;
        Ok(Self { stored, process })
    }
}

impl Stored {
    fn process(&self, length: f64, noise: f64) -> Option<GaussianProcess> {
        let gram =
            Matrix::symmetric(self.data.len(), |i, j| kernel(length, &self.data[i].0, &self.data[j].0));
        let targets: Vec<f64> = self.data.iter().map(|d| d.1).collect();
        GaussianProcess::fit(&gram, &targets, noise)
    }

    fn features(&self, operators: &[Operator]) -> Vec<f64> {
        let work = work(operators);
        let one = |(kind, (mean, deviation)): (&String, &(f64, f64))| {
            (work.get(kind.as_str()).copied().unwrap_or(0.0).ln_1p() - mean) / deviation
        };
        self.features.iter().map(one).collect()
    }
}

impl OperatorModel for Learned {
    const LEAST: usize = 10;

    fn fit(samples: &[Measured]) -> Result<Self, ModelError> {
        let (base, rest) = Summed::with_rest(samples)?;
        let mut stored =
            Stored { length: 1.0, noise: 1.0, base, features: scales(samples), data: Vec::new() };
        let known = samples.iter().zip(rest).filter_map(|((operators, _), rest)| Some((operators, rest?)));
        stored.data = known.map(|(operators, rest)| (stored.features(operators), rest)).collect();
        let settings = LENGTHS.iter().flat_map(|&length| NOISES.map(|noise| (length, noise)));
        let tried = settings.filter_map(|(l, n)| Some((stored.process(l, n)?.log_likelihood(), l, n)));
        let best = tried.max_by(|a, b| a.0.total_cmp(&b.0));
        (_, stored.length, stored.noise) = best.unwrap_or((0.0, 1.0, 1.0));
        stored.try_into()
    }

    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError> {
        let x = self.stored.features(operators);
        let to_data: Vec<f64> =
            self.stored.data.iter().map(|(d, _)| kernel(self.stored.length, d, &x)).collect();
        Ok(self.stored.base.log_seconds(operators)? + self.process.mean(&to_data))
    }
}

/// Sizes of the operators of each kind, summed.
fn work(operators: &[Operator]) -> BTreeMap<&str, f64> {
    let mut work = BTreeMap::new();
    for operator in operators {
        *work.entry(operator.kind.as_str()).or_insert(0.0) += operator.size();
    }
    work
}

/// Mean and standard deviation of the logarithm of the work of each kind; kinds of which all networks have as much are left out.
fn scales(samples: &[Measured]) -> BTreeMap<String, (f64, f64)> {
    let works: Vec<BTreeMap<&str, f64>> = samples.iter().map(|(operators, _)| work(operators)).collect();
    let mut kinds: Vec<&str> = works.iter().flat_map(|w| w.keys().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let n = works.len() as f64;
    let scale = |kind: &str| {
        let values: Vec<f64> = works.iter().map(|w| w.get(kind).copied().unwrap_or(0.0).ln_1p()).collect();
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        (variance > 1e-12).then(|| (kind.to_owned(), (mean, variance.sqrt())))
    };
    kinds.into_iter().filter_map(scale).collect()
}

fn kernel(length: f64, a: &[f64], b: &[f64]) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (-0.5 * square / (length * length * a.len().max(1) as f64)).exp()
}

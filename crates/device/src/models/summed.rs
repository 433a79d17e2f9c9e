//! The best of the models that are sums over operators.

use super::{Linear, Lookup, Measured, ModelError, OperatorModel, Roofline, cross_validated};
use crate::Operator;
use serde::{Deserialize, Serialize};

/// The look-up table, the lines or the roofline, whichever has the smallest error in cross-validation. A network with an operator that the
/// first two do not have is the roofline's, so every network has a time; how far off such times are, no measurement has shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Summed {
    roofline: Roofline,
    /// Where it is the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lookup: Option<Lookup>,
    /// Where they are the best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linear: Option<Linear>,
}

impl Summed {
    /// Fits; for each network by how much its logarithm exceeds what the chosen kind of model says when it is fitted without it.
    pub(super) fn with_rest(samples: &[Measured]) -> Result<(Self, Vec<Option<f64>>), ModelError> {
        let rests = [
            cross_validated::<Roofline>(samples)?,
            cross_validated::<Lookup>(samples)?,
            cross_validated::<Linear>(samples)?,
        ];
        let errors = rests.each_ref().map(|rest| mean_square(rest));
        let best = (1..errors.len()).fold(0, |best, i| if errors[i] < errors[best] { i } else { best });
        let model = Self {
            roofline: Roofline::fit(samples)?,
            lookup: (best == 1).then(|| Lookup::fit(samples)).transpose()?,
            linear: (best == 2).then(|| Linear::fit(samples)).transpose()?,
        };
        Ok((model, rests.into_iter().nth(best).unwrap_or_default()))
    }

    /// Seconds of one operator; the roofline's if the chosen model does not have it.
    pub fn operator_seconds(&self, operator: &Operator) -> f64 {
        let table = self.lookup.as_ref().and_then(|lookup| lookup.operator_seconds(operator).ok());
        let lines = || self.linear.as_ref().and_then(|linear| linear.operator_seconds(operator).ok());
        table.or_else(lines).unwrap_or_else(|| self.roofline.operator_seconds(operator))
    }
}

impl OperatorModel for Summed {
    const LEAST: usize = 10;

    fn fit(samples: &[Measured]) -> Result<Self, ModelError> {
        Ok(Self::with_rest(samples)?.0)
    }

    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError> {
        let table = self.lookup.as_ref().and_then(|lookup| lookup.log_seconds(operators).ok());
        let lines = || self.linear.as_ref().and_then(|linear| linear.log_seconds(operators).ok());
        table.or_else(lines).map_or_else(|| self.roofline.log_seconds(operators), Ok)
    }
}

/// Infinite without errors.
fn mean_square(errors: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = errors.iter().flatten().map(|e| e * e).collect();
    if known.is_empty() { f64::INFINITY } else { known.iter().sum::<f64>() / known.len() as f64 }
}

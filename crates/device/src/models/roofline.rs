//! The roofline: an operator takes the longer of its arithmetic and its traffic.
//!
//! Williams, Waterman and Patterson: "Roofline: An Insightful Visual Performance Model for Multicore Architectures", CACM 2009. Bytes
//! of weights and of activations count differently: [`Operator::traffic`].

use super::{Measured, ModelError, OperatorModel};
use crate::Operator;
use nasmyth_surrogate::non_negative_least_squares;
use serde::{Deserialize, Serialize};

/// What a byte of weights may count in bytes of activations.
const WEIGHTS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];
/// Multiply-accumulates a byte above which an operator is taken as bound by arithmetic, at the beginning.
const RIDGES: [f64; 4] = [0.3, 1.0, 4.0, 16.0];
/// Rounds of deciding what bounds each operator, and fitting.
const ROUNDS: usize = 8;

/// `start + sum over operators of (overhead + max(macs / peak, traffic / bandwidth))`, with a peak of its own for depthwise
/// convolutions. Stored are the inverses, which may be zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Roofline {
    /// Seconds that every network takes.
    pub start: f64,
    /// Seconds that every operator takes.
    pub overhead: f64,
    /// Seconds for one multiply-accumulate.
    pub seconds_per_mac: f64,
    /// ... of a depthwise convolution.
    pub seconds_per_depthwise_mac: f64,
    /// Seconds for one byte of activations.
    pub seconds_per_byte: f64,
    /// What a byte of weights counts in bytes of activations.
    pub weight: f64,
}

impl Roofline {
    fn arithmetic(&self, operator: &Operator) -> f64 {
        let rate = if operator.depthwise() { self.seconds_per_depthwise_mac } else { self.seconds_per_mac };
        rate * operator.macs as f64
    }

    fn traffic(&self, operator: &Operator) -> f64 {
        self.seconds_per_byte * operator.traffic(self.weight)
    }

    /// Seconds of one operator.
    pub fn operator_seconds(&self, operator: &Operator) -> f64 {
        self.overhead + self.arithmetic(operator).max(self.traffic(operator))
    }

    /// Seconds of a network.
    fn network(&self, operators: &[Operator]) -> f64 {
        self.start + operators.iter().map(|o| self.operator_seconds(o)).sum::<f64>()
    }

    /// The best one for which `bound_by_arithmetic` is true.
    fn given(samples: &[Measured], weight: f64, bound_by_arithmetic: impl Fn(&Operator) -> bool) -> Self {
        // Each network is divided by its time, so that errors are relative.
        let row = |(operators, log): &Measured| {
            let mut row = [1.0, operators.len() as f64, 0.0, 0.0, 0.0];
            for operator in operators {
                match (bound_by_arithmetic(operator), operator.depthwise()) {
                    (true, false) => row[2] += operator.macs as f64,
                    (true, true) => row[3] += operator.macs as f64,
                    (false, _) => row[4] += operator.traffic(weight),
                }
            }
            row.map(|v| v / log.exp()).to_vec()
        };
        let rows: Vec<Vec<f64>> = samples.iter().map(row).collect();
        let x = non_negative_least_squares(&rows, &vec![1.0; rows.len()]);
        // Of depthwise convolutions that nobody measured the least that can be said is that they are no faster than others.
        let depthwise = samples.iter().any(|(operators, _)| operators.iter().any(Operator::depthwise));
        Self {
            start: x[0],
            overhead: x[1],
            seconds_per_mac: x[2],
            seconds_per_depthwise_mac: if depthwise { x[3] } else { x[2] },
            seconds_per_byte: x[4],
            weight,
        }
    }

    /// Mean square error of the logarithm.
    fn error(&self, samples: &[Measured]) -> f64 {
        let square =
            |(operators, log): &Measured| (self.network(operators).max(f64::MIN_POSITIVE).ln() - log).powi(2);
        samples.iter().map(square).sum::<f64>() / samples.len() as f64
    }
}

impl OperatorModel for Roofline {
    const LEAST: usize = 5;

    /// For each weight and first division of the operators: fits, decides anew what bounds each operator, and so on; the best of all.
    fn fit(samples: &[Measured]) -> Result<Self, ModelError> {
        let mut best: Option<(f64, Self)> = None;
        for weight in WEIGHTS {
            for ridge in RIDGES {
                let mut at = Self::given(samples, weight, |o| o.intensity(weight) > ridge);
                for _ in 0..ROUNDS {
                    let error = at.error(samples);
                    if best.is_none_or(|(least, _)| error < least) {
                        best = Some((error, at));
                    }
                    let next = Self::given(samples, weight, |o| at.arithmetic(o) > at.traffic(o));
                    if next == at {
                        break;
                    }
                    at = next;
                }
            }
        }
        best.map(|b| b.1).ok_or(ModelError::TooFew { least: Self::LEAST, got: samples.len() })
    }

    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError> {
        Ok(self.network(operators).max(f64::MIN_POSITIVE).ln())
    }
}

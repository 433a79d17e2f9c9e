//! A line for each kind of operator: what one takes by itself, and for its arithmetic, its activations and its weights.

use super::{Measured, ModelError, OperatorModel};
use crate::Operator;
use nasmyth_surrogate::non_negative_least_squares;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the time of an operator grows with: 1, multiply-accumulates, bytes of activations, bytes of weights.
const TERMS: usize = 4;

/// Rounds of fitting again with less weight on what fits badly: a few wrong measurements must not move the lines.
const ROUNDS: usize = 3;

/// Relative error up to which measurements count in full.
const FINE: f64 = 0.03;

/// `start + sum over operators of (a + b macs + c activations + d weights)`, with four coefficients of its own, none negative, for each kind
/// of operator. Unlike a [`Lookup`](super::Lookup) it tells apart operators of as much arithmetic that move other amounts of data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Seconds that every network takes.
    start: f64,
    /// Kind -> seconds for each operator, multiply-accumulate, byte of activations and byte of weights.
    kinds: BTreeMap<String, [f64; TERMS]>,
}

fn terms(operator: &Operator) -> [f64; TERMS] {
    [1.0, operator.macs as f64, operator.activations as f64, operator.weights as f64]
}

impl Linear {
    /// Seconds of one operator.
    ///
    /// # Errors
    /// A kind that no measured network had.
    pub fn operator_seconds(&self, operator: &Operator) -> Result<f64, ModelError> {
        let missing = || ModelError::MissingOperator {
            kind: operator.kind.clone(),
            known: self.kinds.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        let coefficients = self.kinds.get(&operator.kind).ok_or_else(missing)?;
        Ok(coefficients.iter().zip(terms(operator)).map(|(c, t)| c * t).sum())
    }
}

impl OperatorModel for Linear {
    const LEAST: usize = 10;

    fn fit(samples: &[Measured]) -> Result<Self, ModelError> {
        let mut kinds: Vec<&str> = samples.iter().flat_map(|(o, _)| o).map(|o| o.kind.as_str()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let columns = 1 + TERMS * kinds.len();
        // Each network is divided by its time, so that errors are relative.
        let row = |(operators, log): &Measured| {
            let mut row = vec![0.0; columns];
            row[0] = 1.0;
            for operator in operators {
                let kind = kinds.partition_point(|known| *known < operator.kind.as_str());
                for (value, term) in row[1 + TERMS * kind..].iter_mut().zip(terms(operator)) {
                    *value += term;
                }
            }
            row.iter_mut().for_each(|value| *value /= log.exp());
            row
        };
        let rows: Vec<Vec<f64>> = samples.iter().map(row).collect();
        let mut weights = vec![1.0; rows.len()];
        let mut x = Vec::new();
        for _ in 0..ROUNDS {
            let weighted = rows.iter().zip(&weights).map(|(row, w)| row.iter().map(|v| w * v).collect());
            x = non_negative_least_squares(&weighted.collect::<Vec<_>>(), &weights);
            // The square root of 1 / error: least squares of these are about least absolute errors.
            let error = |row: &Vec<f64>| (row.iter().zip(&x).map(|(v, x)| v * x).sum::<f64>() - 1.0).abs();
            weights = rows.iter().map(|row| 1.0 / error(row).max(FINE).sqrt()).collect();
        }
        let coefficients = |kind: usize| std::array::from_fn(|term| x[1 + TERMS * kind + term]);
        let kinds = kinds.iter().enumerate().map(|(i, kind)| ((*kind).to_owned(), coefficients(i))).collect();
        Ok(Self { start: x[0], kinds })
    }

    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError> {
        let mut seconds = self.start;
        for operator in operators {
            seconds += self.operator_seconds(operator)?;
        }
        Ok(seconds.max(f64::MIN_POSITIVE).ln())
    }
}

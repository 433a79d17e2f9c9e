//! A look-up table of operators: a network takes the sum of its operators' times.

use super::{Measured, ModelError, OperatorModel};
use crate::Operator;
use nasmyth_surrogate::non_negative_least_squares;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// For each kind of operator seconds for each unit of [`Operator::size`], at sizes that are powers of 4; between two entries linear in
/// the logarithm of the size, beyond the last ones constant. A network has a time of its own besides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lookup {
    /// Seconds that every network takes.
    start: f64,
    /// Kind -> pairs of the exponent of 4 and seconds a unit, by exponent.
    entries: BTreeMap<String, Vec<(i32, f64)>>,
}

impl Lookup {
    /// Seconds of one operator.
    ///
    /// # Errors
    /// A kind that the table does not have.
    pub fn operator_seconds(&self, operator: &Operator) -> Result<f64, ModelError> {
        let missing = || ModelError::MissingOperator {
            kind: operator.kind.clone(),
            known: self.entries.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        };
        let entries = self.entries.get(&operator.kind).filter(|e| !e.is_empty()).ok_or_else(missing)?;
        let knots: Vec<i32> = entries.iter().map(|e| e.0).collect();
        let rate: f64 = shares(&knots, operator).iter().map(|&(i, share)| share * entries[i].1).sum();
        Ok(rate * operator.size())
    }
}

impl OperatorModel for Lookup {
    const LEAST: usize = 5;

    fn fit(samples: &[Measured]) -> Result<Self, ModelError> {
        let knots = knots(samples);
        let mut first = BTreeMap::new();
        let mut columns = 1;
        for (kind, knots) in &knots {
            first.insert(kind.as_str(), columns);
            columns += knots.len();
        }
        // Each network is divided by its time, so that errors are relative.
        let row = |(operators, log): &Measured| {
            let mut row = vec![0.0; columns];
            let seconds = log.exp();
            row[0] = 1.0 / seconds;
            for operator in operators {
                for (i, share) in shares(&knots[&operator.kind], operator) {
                    row[first[operator.kind.as_str()] + i] += share * operator.size() / seconds;
                }
            }
            row
        };
        let mut rows: Vec<Vec<f64>> = samples.iter().map(row).collect();
        let neighbours = knots.iter().flat_map(|(kind, knots)| {
            let first = first[kind.as_str()];
            first + 1..first + knots.len()
        });
        let ties: Vec<Vec<f64>> = neighbours.map(|entry| tie(&rows, entry)).collect();
        let targets: Vec<f64> = rows.iter().map(|_| 1.0).chain(ties.iter().map(|_| 0.0)).collect();
        rows.extend(ties);
        let x = non_negative_least_squares(&rows, &targets);
        let entry = |(kind, knots): (&String, &Vec<i32>)| {
            let values = &x[first[kind.as_str()]..];
            (kind.clone(), knots.iter().copied().zip(values.iter().copied()).collect())
        };
        Ok(Self { start: x[0], entries: knots.iter().map(entry).collect() })
    }

    fn log_seconds(&self, operators: &[Operator]) -> Result<f64, ModelError> {
        let mut seconds = self.start;
        for operator in operators {
            seconds += self.operator_seconds(operator)?;
        }
        Ok(seconds.max(f64::MIN_POSITIVE).ln())
    }
}

/// What an entry costs for differing from the one before it: little, but where measurements cannot tell what an operator of that size takes,
/// it takes what it does at the next size, in place of nothing.
fn tie(rows: &[Vec<f64>], entry: usize) -> Vec<f64> {
    /// Relative to how much the measurements say of both.
    const STRENGTH: f64 = 0.03;
    let norm = |column: usize| rows.iter().map(|row| row[column] * row[column]).sum::<f64>().sqrt();
    let strength = STRENGTH * norm(entry - 1).min(norm(entry));
    let mut row = vec![0.0; rows.first().map_or(0, Vec::len)];
    (row[entry - 1], row[entry]) = (strength, -strength);
    row
}

/// The sizes of each kind that entries are for: powers of 4 near which there is an operator.
fn knots(samples: &[Measured]) -> BTreeMap<String, Vec<i32>> {
    let mut knots: BTreeMap<String, BTreeSet<i32>> = BTreeMap::new();
    for operator in samples.iter().flat_map(|(operators, _)| operators) {
        let of_kind = knots.entry(operator.kind.clone()).or_default();
        of_kind.insert(exponent(operator).round() as i32);
    }
    knots.into_iter().map(|(kind, knots)| (kind, knots.into_iter().collect())).collect()
}

/// The exponent of 4 that gives its size.
fn exponent(operator: &Operator) -> f64 {
    operator.size().max(1.0).log2() / 2.0
}

/// The entries that an operator lies between, and how much each counts.
fn shares(knots: &[i32], operator: &Operator) -> Vec<(usize, f64)> {
    let at = exponent(operator);
    let above = knots.partition_point(|&k| f64::from(k) < at);
    match (above.checked_sub(1), knots.get(above)) {
        (Some(below), Some(&high)) => {
            let low = f64::from(knots[below]);
            let share = (at - low) / (f64::from(high) - low);
            vec![(below, 1.0 - share), (above, share)]
        }
        (Some(last), None) => vec![(last, 1.0)],
        (None, _) => vec![(0, 1.0)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(size: u64) -> Operator {
        Operator { kind: "conv-3x3".to_owned(), macs: size, weights: 0, activations: 1 }
    }

    #[test]
    fn what_all_networks_have_takes_no_longer_than_its_neighbour() {
        // All have one small operator that takes long; large ones take 1 a unit.
        let sample = |large: usize| {
            let operators = [vec![operator(16)], vec![operator(1024); large]].concat();
            (operators, (500.0 + 1024.0 * large as f64).ln())
        };
        let table = Lookup::fit(&[1, 2, 3, 4, 5].map(sample)).unwrap();
        let seconds = table.operator_seconds(&operator(64)).unwrap();
        assert!((seconds - 64.0).abs() < 1.0, "{seconds}");
        let network = table.log_seconds(&sample(6).0).unwrap().exp();
        assert!((network - 500.0 - 6.0 * 1024.0).abs() < 10.0, "{network}");
    }

    #[test]
    fn a_size_that_cannot_be_told_apart_takes_what_its_neighbour_does() {
        // As many of the middle size as of another kind, which is dearer: only their sum is known.
        let other = Operator { kind: "pool".to_owned(), macs: 0, weights: 0, activations: 4096 };
        let sample = |i: usize| {
            let (few, many) = (i % 3, 1 + i % 4);
            let operators =
                [vec![operator(64); few], vec![other.clone(); few], vec![operator(1024); many]].concat();
            (operators, (200.0 + 5000.0 * few as f64 + 1024.0 * many as f64).ln())
        };
        let table = Lookup::fit(&(0..12).map(sample).collect::<Vec<_>>()).unwrap();
        let seconds = table.operator_seconds(&operator(64)).unwrap();
        assert!((40.0..90.0).contains(&seconds), "{seconds}");
        assert!((table.operator_seconds(&operator(1024)).unwrap() - 1024.0).abs() < 20.0);
    }

    #[test]
    fn interpolates_and_names_what_is_missing() {
        let entries = BTreeMap::from([("conv-3x3".to_owned(), vec![(3, 2.0), (5, 1.0)])]);
        let table = Lookup { start: 0.5, entries };
        let seconds = |size| table.operator_seconds(&operator(size)).unwrap() / size as f64;
        assert_eq!([seconds(64), seconds(1024), seconds(256)], [2.0, 1.0, 1.5]);
        assert_eq!([seconds(2), seconds(1 << 20)], [2.0, 1.0]);
        assert!((table.log_seconds(&[operator(64), operator(64)]).unwrap() - 256.5f64.ln()).abs() < 1e-12);
        let other = Operator { kind: "softmax".to_owned(), ..operator(1) };
        let error = table.log_seconds(&[other]).unwrap_err().to_string();
        assert!(error.contains("`softmax`") && error.contains("conv-3x3"), "{error}");
    }
}

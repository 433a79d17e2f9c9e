//! A look-up table of operators: a network takes the sum of its operators' times.

use super::{Measured, ModelError, OperatorModel};
use crate::Operator;
use nasmyth_surrogate::non_negative_least_squares;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Seconds that every network takes.
    pub(super) fn start(&self) -> f64 {
        self.start
    }

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
        let rows: Vec<Vec<f64>> = samples.iter().map(row).collect();
        let x = non_negative_least_squares(&rows, &vec![1.0; rows.len()]);
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

/// The sizes of each kind that entries are for. A size of which all networks have as many operators tells nothing that the network's own
/// time does not: it has no entry where its kind has others.
fn knots(samples: &[Measured]) -> BTreeMap<String, Vec<i32>> {
    let mut counts: BTreeMap<(&str, i32), Vec<u32>> = BTreeMap::new();
    for (i, (operators, _)) in samples.iter().enumerate() {
        for operator in operators {
            let at = (operator.kind.as_str(), exponent(operator).round() as i32);
            counts.entry(at).or_insert_with(|| vec![0; samples.len()])[i] += 1;
        }
    }
    let mut knots: BTreeMap<String, (Vec<i32>, Vec<i32>)> = BTreeMap::new();
    for ((kind, knot), counts) in counts {
        let (varying, constant) = knots.entry(kind.to_owned()).or_default();
        let same = counts.iter().all(|count| *count == counts[0]);
        if same { constant.push(knot) } else { varying.push(knot) }
    }
    let chosen =
        |(varying, constant): (Vec<i32>, Vec<i32>)| if varying.is_empty() { constant } else { varying };
    knots.into_iter().map(|(kind, both)| (kind, chosen(both))).collect()
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
    fn what_all_networks_have_is_no_entry_of_its_own() {
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

//! A fast model of values over genes, for strategies that ask for very many predictions.

use crate::Rng;
use crate::model_based::{Known, learned};
use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::{Ensemble, half_rank};

/// Networks of the ensemble.
const MEMBERS: usize = 3;

/// An ensemble over [`Space::encode`], in standard deviations of the results above their mean; bad results are warped.
#[derive(Clone, Debug)]
pub(crate) struct ValueModel {
    ensemble: Ensemble,
}

impl ValueModel {
    /// Of these trials; nothing if there are fewer than two.
    pub fn fit(space: &Space, known: &[Known], rng: &mut Rng) -> Option<Self> {
        if known.len() < 2 {
            return None;
        }
        let known = learned(known);
        let rows: Vec<Vec<f64>> = known.iter().map(|known| encode(space, &known.genotype)).collect();
        let values: Vec<f64> = known.iter().map(|known| known.value).collect();
        Some(Self { ensemble: Ensemble::fit(&rows, &standard(&values), MEMBERS, rng)? })
    }

    /// Expected value of a network.
    pub fn predict(&self, space: &Space, genotype: &Genotype) -> f64 {
        self.ensemble.predict(&encode(space, genotype)).mean
    }
}

fn encode(space: &Space, genotype: &Genotype) -> Vec<f64> {
    space.encode(genotype).into_iter().map(f64::from).collect()
}

/// Warped values, in standard deviations above the mean.
pub(crate) fn standard(values: &[f64]) -> Vec<f64> {
    let warped = half_rank(values);
    let n = warped.len().max(1) as f64;
    let mean = warped.iter().sum::<f64>() / n;
    let variance = warped.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let unit = if variance > 0.0 { variance.sqrt() } else { 1.0 };
    warped.iter().map(|value| (value - mean) / unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_values_keep_their_order_and_have_unit_variance() {
        let values = standard(&[3.0, -1e9, 5.0, 4.0, 3.5]);
        assert!(values[1] < values[0] && values[0] < values[4] && values[3] < values[2], "{values:?}");
        assert!(values.iter().sum::<f64>().abs() < 1e-9);
        assert!((values.iter().map(|v| v * v).sum::<f64>() / 5.0 - 1.0).abs() < 1e-9);
        assert_eq!(standard(&[7.0, 7.0]), [0.0, 0.0]);
    }
}

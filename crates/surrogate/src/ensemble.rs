//! An ensemble of small networks.

use crate::acquisition::normal;
use crate::{Cholesky, Matrix, Prediction};
use rand::Rng;

/// Units of the hidden layer.
const UNITS: usize = 64;
/// Ridge of the output layer, relative to the number of data.
const RIDGE: f64 = 1e-2;

/// Networks with one hidden layer of ReLU units, whose weights are random and stay so (Rahimi and Recht 2008, "Weighted Sums of
/// Random Kitchen Sinks"); the output layer is fitted by ridge regression. The members differ by their hidden layers, and disagree where
/// there are no data.
#[derive(Clone, Debug)]
pub struct Ensemble {
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    /// A row of input weights for each unit, its bias last.
    hidden: Vec<Vec<f64>>,
    /// A weight for each unit.
    output: Vec<f64>,
    mean: f64,
}

impl Ensemble {
    /// Fits so many networks to targets, one for each row of inputs; all rows have one length. `None` without data.
    pub fn fit(rows: &[Vec<f64>], targets: &[f64], members: usize, rng: &mut impl Rng) -> Option<Self> {
        let inputs = rows.first()?.len();
        let square = rows.iter().map(|row| crate::linear::dot(row, row)).sum::<f64>() / rows.len() as f64;
        let scale = (2.0 / square.max(1e-12)).sqrt();
        let members: Option<Vec<Member>> =
            (0..members).map(|_| Member::fit(hidden(inputs, scale, rng), rows, targets)).collect();
        members.map(|members| Self { members })
    }

    /// Mean and variance over the members.
    pub fn predict(&self, row: &[f64]) -> Prediction {
        let values: Vec<f64> = self.members.iter().map(|member| member.predict(row)).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        Prediction { mean, variance: values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n }
    }
}

/// Weights of this standard deviation and biases of unit variance.
fn hidden(inputs: usize, scale: f64, rng: &mut impl Rng) -> Vec<Vec<f64>> {
    let unit = |rng: &mut _| {
        let mut row: Vec<f64> = (0..inputs).map(|_| scale * normal(rng)).collect();
        row.push(normal(rng));
        row
    };
    (0..UNITS).map(|_| unit(rng)).collect()
}

impl Member {
    fn fit(hidden: Vec<Vec<f64>>, rows: &[Vec<f64>], targets: &[f64]) -> Option<Self> {
        let n = targets.len() as f64;
        let mean = targets.iter().sum::<f64>() / n;
        let mut member = Self { hidden, output: Vec::new(), mean };
        // One column of activations for each unit: the normal equations of least squares.
        let activations: Vec<Vec<f64>> = rows.iter().map(|row| member.activations(row)).collect();
        let columns: Vec<Vec<f64>> =
            (0..UNITS).map(|unit| activations.iter().map(|row| row[unit]).collect()).collect();
        let squares = Matrix::symmetric(UNITS, |i, j| crate::linear::dot(&columns[i], &columns[j]));
        let centred: Vec<f64> = targets.iter().map(|y| y - mean).collect();
        let right: Vec<f64> = columns.iter().map(|column| crate::linear::dot(column, &centred)).collect();
        member.output = Cholesky::new(&squares, RIDGE * n)?.solve(&right);
        Some(member)
    }

    fn activations(&self, row: &[f64]) -> Vec<f64> {
        let unit = |weights: &Vec<f64>| {
            (crate::linear::dot(&weights[..row.len()], row) + weights[row.len()]).max(0.0)
        };
        self.hidden.iter().map(unit).collect()
    }

    fn predict(&self, row: &[f64]) -> f64 {
        self.mean + crate::linear::dot(&self.activations(row), &self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[test]
    fn learns_an_interaction_and_doubts_what_it_has_not_seen() {
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(5);
        let mut row = || -> Vec<f64> { (0..8).map(|_| f64::from(rng.random::<bool>())).collect() };
        let rows: Vec<Vec<f64>> = (0..200).map(|_| row()).collect();
        let value = |row: &[f64]| row[0] * row[1] - row[2];
        let targets: Vec<f64> = rows.iter().map(|row| value(row)).collect();
        let mut rng = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(6);
        let ensemble = Ensemble::fit(&rows[..150], &targets[..150], 5, &mut rng).unwrap();
        let error: f64 =
            rows[150..].iter().map(|row| (ensemble.predict(row).mean - value(row)).powi(2)).sum();
        assert!(error / 50.0 < 0.05, "{error}");
        let (near, far) = (ensemble.predict(&rows[0]).variance, ensemble.predict(&[5.0; 8]).variance);
        assert!(far > 10.0 * near, "{near} {far}");
        assert!(Ensemble::fit(&[], &[], 5, &mut rng).is_none());
    }
}

//! Score and costs of a table together.

use crate::BenchError;
use nasmyth_strategy::pareto::{front, hypervolume};

/// Columns that are objectives beside the score, and what a set of rows is worth.
pub(crate) struct Objectives<'t> {
    score: &'t [f32],
    costs: Vec<&'t [f32]>,
    /// Worst value and range of the score and of each negative cost.
    scales: Vec<(f64, f64)>,
}

impl<'t> Objectives<'t> {
    pub fn new(score: &'t [f32], costs: Vec<&'t [f32]>) -> Result<Self, BenchError> {
        let missing = costs.iter().flat_map(|column| column.iter()).filter(|v| v.is_nan()).count();
        if missing > 0 {
            return Err(BenchError::Contest {
                what: "objectives",
                expected: "columns with a value for every network".to_owned(),
                got: format!("{missing} missing values"),
            });
        }
        let mut objectives = Self { score, costs, scales: Vec::new() };
        let raw: Vec<Vec<f64>> = (0..score.len()).filter_map(|row| objectives.raw(row)).collect();
        let scale = |k: usize| {
            let values = raw.iter().map(|point| point[k]);
            let bounds = |(low, high): (f64, f64), v: f64| (low.min(v), high.max(v));
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), bounds);
            (low, (high - low).max(f64::MIN_POSITIVE))
        };
        objectives.scales = (0..=objectives.costs.len()).map(scale).collect();
        Ok(objectives)
    }

    pub fn costs(&self, row: usize) -> Vec<f64> {
        self.costs.iter().map(|column| column[row].into()).collect()
    }

    /// Hypervolume that these rows dominate: 1 would be a network that is the best in everything, 0 the worst.
    pub fn quality(&self, rows: impl Iterator<Item = usize>) -> f64 {
        let unit = |point: Vec<f64>| {
            point.iter().zip(&self.scales).map(|(v, (low, range))| (v - low) / range).collect()
        };
        let points: Vec<Vec<f64>> = rows.filter_map(|row| self.raw(row)).map(unit).collect();
        hypervolume(&points, &vec![0.0; self.scales.len()])
    }

    /// Hypervolume of the table's own front.
    pub fn best(&self) -> f64 {
        let rows: Vec<usize> = (0..self.score.len()).filter(|&row| self.raw(row).is_some()).collect();
        let points: Vec<Vec<f64>> = rows.iter().filter_map(|&row| self.raw(row)).collect();
        self.quality(front(&points).into_iter().map(|i| rows[i]))
    }

    /// Score and negative costs; none without a score.
    fn raw(&self, row: usize) -> Option<Vec<f64>> {
        let score = self.score[row];
        let costs = self.costs.iter().map(|column| -f64::from(column[row]));
        (!score.is_nan()).then(|| std::iter::once(f64::from(score)).chain(costs).collect())
    }
}

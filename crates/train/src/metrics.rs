//! How good a trained network is.

use nasmyth_data::{Dataset, Subset, Task};
use nasmyth_engine::{Engine, EngineError, Mode, Options, ParamStore, reparametrise};
use nasmyth_graph::VerifiedGraph;
use std::collections::BTreeMap;

/// Samples at once; enough to fill the vector units, few enough to stay in cache.
const BATCH: usize = 128;

/// Outputs of the network for samples `0..count`, `[count, outputs]`. `read(i, x)` writes sample `i`. Rows are computed on
/// the threads of `engine` and do not depend on their number. Batch normalisation is folded into the layers before it.
pub fn predict(
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    count: usize,
    engine: &Engine,
    read: impl Fn(usize, &mut [f32]) + Sync,
) -> Result<Vec<f32>, EngineError> {
    let batch = BATCH.min(count.max(1));
    let (graph, params) = reparametrise(graph, params);
    let program = engine.compile(&graph, Options::new(batch, Mode::Infer))?;
    let threads = engine.threads();
    let width = graph.outputs().first().map_or(0, |o| graph.fact(*o).len());
    let mut outputs = vec![0.0; count * width];
    let per_thread = count.div_ceil(batch).div_ceil(threads.max(1)) * batch;
    let run = |first: usize, outputs: &mut [f32]| {
        let mut memory = program.memory();
        program.prepare(&params, &mut memory);
        for (i, rows) in outputs.chunks_mut(batch * width).enumerate() {
            let (x, _) = program.sample(&mut memory);
            let sample = x.len() / batch;
            for (k, x) in x.chunks_exact_mut(sample).take(rows.len() / width).enumerate() {
                read(first + i * batch + k, x);
            }
            program.infer(&params, &mut memory);
            rows.copy_from_slice(&program.output(&memory)[..rows.len()]);
        }
    };
    std::thread::scope(|scope| {
        for (part, rows) in outputs.chunks_mut((per_thread * width).max(1)).enumerate() {
            let run = &run;
            if threads <= 1 || count <= per_thread {
                run(part * per_thread, rows);
            } else {
                scope.spawn(move || run(part * per_thread, rows));
            }
        }
    });
    Ok(outputs)
}

/// Quality on one part of the data.
#[derive(Clone, Debug)]
pub enum Evaluation {
    /// Of a classifier.
    Classified(Classified),
    /// Of a regression.
    Regressed(Regressed),
}

/// Quality of a classifier.
#[derive(Clone, Debug)]
pub struct Classified {
    /// Share of right answers.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// `confusion[truth][answer]` counts samples.
    pub confusion: Vec<Vec<u64>>,
}

/// Quality of a regression.
#[derive(Clone, Debug)]
pub struct Regressed {
    /// Coefficient of determination.
    pub r2: f64,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: f64,
    /// Mean absolute error, in the target's unit.
    pub mae: f64,
    /// Truth and prediction of each sample.
    pub pairs: Vec<(f32, f32)>,
}

impl Evaluation {
    /// From outputs and labels.
    pub fn new(task: &Task, outputs: &[f32], labels: &[f32]) -> Self {
        match task {
            Task::Classification { classes } => Self::Classified(classified(classes.len(), outputs, labels)),
            Task::Regression { .. } => Self::Regressed(regressed(outputs, labels)),
        }
    }

    /// What a search maximises: accuracy, where among networks with the same number of right answers the one with the smaller loss is
    /// ahead (by less than one answer); or R2.
    pub fn value(&self) -> f64 {
        match self {
            Self::Classified(c) => {
                let count: u64 = c.confusion.iter().flatten().sum();
                let loss = if c.loss.is_finite() { c.loss / (1.0 + c.loss) } else { 1.0 };
                c.accuracy - loss / count.max(1) as f64
            }
            Self::Regressed(r) => r.r2,
        }
    }

    /// All figures by name.
    pub fn figures(&self) -> BTreeMap<String, f64> {
        let figures = match self {
            Self::Classified(c) => vec![("accuracy", c.accuracy), ("loss", c.loss)],
            Self::Regressed(r) => vec![("r2", r.r2), ("rmse", r.rmse), ("mae", r.mae)],
        };
        figures.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
    }
}

fn classified(classes: usize, outputs: &[f32], labels: &[f32]) -> Classified {
    let mut confusion = vec![vec![0u64; classes]; classes];
    let (mut right, mut loss) = (0usize, 0.0);
    for (row, &label) in outputs.chunks_exact(classes).zip(labels) {
        let truth = label as usize;
        let answer = (0..classes).fold(0, |best, c| if row[c] > row[best] { c } else { best });
        confusion[truth][answer] += 1;
        right += usize::from(answer == truth);
        let largest = f64::from(row[answer]);
        let total: f64 = row.iter().map(|&v| (f64::from(v) - largest).exp()).sum();
        loss += total.ln() + largest - f64::from(row[truth]);
    }
    let count = labels.len().max(1) as f64;
    Classified { accuracy: right as f64 / count, loss: loss / count, confusion }
}

fn regressed(outputs: &[f32], labels: &[f32]) -> Regressed {
    let count = labels.len().max(1) as f64;
    let mean = labels.iter().map(|&l| f64::from(l)).sum::<f64>() / count;
    let spread: f64 = labels.iter().map(|&l| (f64::from(l) - mean).powi(2)).sum();
    let errors = || labels.iter().zip(outputs).map(|(&l, &o)| f64::from(o) - f64::from(l));
    let squares: f64 = errors().map(|e| e * e).sum();
    Regressed {
        r2: 1.0 - squares / spread.max(f64::MIN_POSITIVE),
        rmse: (squares / count).sqrt(),
        mae: errors().map(f64::abs).sum::<f64>() / count,
        pairs: labels.iter().copied().zip(outputs.iter().copied()).collect(),
    }
}

/// Runs the network on a part of the data and judges it.
pub fn evaluate(
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    data: &Dataset,
    subset: Subset,
    engine: &Engine,
) -> Result<Evaluation, EngineError> {
    evaluate_some(graph, params, data, subset, usize::MAX, engine)
}

/// As [`evaluate`], on at most `most` samples, evenly spaced over the part.
pub fn evaluate_some(
    graph: &VerifiedGraph,
    params: &ParamStore<f32>,
    data: &Dataset,
    subset: Subset,
    most: usize,
    engine: &Engine,
) -> Result<Evaluation, EngineError> {
    let all = data.len(subset);
    let count = all.min(most);
    let sample = |i: usize| i * all / count.max(1);
    let outputs = predict(graph, params, count, engine, |i, x| data.read(subset, sample(i), x))?;
    let labels: Vec<f32> = (0..count).map(|i| data.label(subset, sample(i))).collect();
    Ok(Evaluation::new(data.task(), &outputs, &labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_worked_out_by_hand() {
        let c = classified(2, &[2.0, 0.0, 0.0, 1.0, 3.0, 0.0], &[0.0, 1.0, 1.0]);
        assert_eq!(c.confusion, [[1, 0], [1, 1]]);
        assert!((c.accuracy - 2.0 / 3.0).abs() < 1e-12);
        let expected =
            ((1.0 + (-2f64).exp()).ln() + (1.0 + (-1f64).exp()).ln() + (1.0 + 3f64.exp()).ln()) / 3.0;
        assert!((c.loss - expected).abs() < 1e-12);
        let r = regressed(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0]);
        assert!((r.r2 - 0.5).abs() < 1e-12 && (r.mae - 1.0 / 3.0).abs() < 1e-12);
    }
}

//! A task of a table: which columns are the signal, the score and the time.

use crate::objectives::Objectives;
use crate::statistics::mixed;
use crate::{BenchError, Benchmark, Table};
use nasmyth_space::{Genotype, Space};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Columns of one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Name, e.g. `cifar10`.
    pub name: String,
    /// Validation values, lowest effort first.
    pub valid: Vec<Signals>,
    /// The test value, at the highest effort.
    pub test: Option<String>,
    /// Seconds of a training at the highest effort.
    pub seconds: Option<String>,
}

/// Validation values after so many epochs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// Epochs; 1 where the table does not say.
    pub epochs: f64,
    /// Columns of the recorded runs.
    pub runs: Vec<String>,
}

/// The tasks that the names of columns make: `TASK_valid[_EPOCHS][_runs]`, `TASK_test[_EPOCHS]`, `TASK_train_seconds[_EPOCHS]`,
/// runs with `#1`, `#2`, ... at the end. Where there are runs, their mean is not a signal.
pub(crate) fn tasks_of<'a>(columns: impl IntoIterator<Item = &'a str>) -> Vec<Task> {
    #[derive(Default)]
    struct Found {
        valid: BTreeMap<u64, (Vec<String>, Vec<String>)>,
        test: BTreeMap<u64, String>,
        seconds: BTreeMap<u64, String>,
    }
    let mut found: BTreeMap<String, Found> = BTreeMap::new();
    for column in columns {
        let stem = column.split('#').next().unwrap_or(column);
        let (stem, runs) = stem.strip_suffix("_runs").map_or((stem, column != stem), |s| (s, true));
        let parts = ["_valid", "_test", "_train_seconds"].into_iter().find_map(|kind| {
            let (task, epochs) = stem.rsplit_once(kind)?;
            let epochs = if epochs.is_empty() { 1 } else { epochs.strip_prefix('_')?.parse().ok()? };
            Some((task, kind, epochs))
        });
        let Some((task, kind, epochs)) = parts else { continue };
        let task = found.entry(task.to_owned()).or_default();
        match kind {
            "_valid" => {
                let (means, all) = task.valid.entry(epochs).or_default();
                if runs { all } else { means }.push(column.to_owned());
            }
            "_test" => drop(task.test.insert(epochs, column.to_owned())),
            _ => drop(task.seconds.insert(epochs, column.to_owned())),
        }
    }
    let task = |(name, found): (String, Found)| {
        let signals = found.valid.into_iter().map(|(epochs, (means, runs))| Signals {
            epochs: epochs as f64,
            runs: if runs.is_empty() { means } else { runs },
        });
        Task {
            name,
            valid: signals.collect(),
            test: found.test.into_values().next_back(),
            seconds: found.seconds.into_values().next_back(),
        }
    };
    found.into_iter().map(task).filter(|t| !t.valid.is_empty()).collect()
}

/// A task of a table as a benchmark.
pub struct TaskBenchmark<'t> {
    table: &'t Table,
    space: Space,
    task: Task,
    /// For each effort, the columns of the runs.
    signals: Vec<Vec<&'t [f32]>>,
    score: &'t [f32],
    seconds: Option<&'t [f32]>,
    objectives: Option<Objectives<'t>>,
    best: f64,
}

impl<'t> TaskBenchmark<'t> {
    pub(crate) fn new(table: &'t Table, task: &Task) -> Result<Self, BenchError> {
        let column = |name: &String| table.column(name);
        let runs = |s: &Signals| s.runs.iter().map(column).collect::<Result<Vec<_>, _>>();
        let signals: Vec<Vec<&[f32]>> = task.valid.iter().map(runs).collect::<Result<_, _>>()?;
        let last = task.valid.last().and_then(|s| s.runs.first());
        let score = task.test.as_ref().or(last).map(column).transpose()?.unwrap_or_default();
        let best = score.iter().copied().filter(|v| !v.is_nan()).fold(f32::NEG_INFINITY, f32::max);
        Ok(Self {
            table,
            space: table.space()?,
            seconds: task.seconds.as_ref().map(column).transpose()?,
            task: task.clone(),
            signals,
            score,
            objectives: None,
            best: best.into(),
        })
    }

    /// The same with further objectives: columns of the table that are to be small. Quality is then the hypervolume of score and costs,
    /// each in units of its range in the table.
    ///
    /// # Errors
    /// No such column, or one with values that are missing.
    pub fn with_objectives(mut self, columns: &[String]) -> Result<Self, BenchError> {
        let columns = columns.iter().map(|name| self.table.column(name)).collect::<Result<Vec<_>, _>>()?;
        let objectives = Objectives::new(self.score, columns)?;
        self.best = objectives.best();
        self.objectives = Some(objectives);
        Ok(self)
    }
}

impl Benchmark for TaskBenchmark<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.table.name(), self.task.name)
    }

    fn space(&self) -> &Space {
        &self.space
    }

    fn efforts(&self) -> Vec<f64> {
        self.task.valid.iter().map(|s| s.epochs).collect()
    }

    fn signal(&self, genotype: &Genotype, effort: usize, seed: u64) -> Option<f64> {
        let row = self.table.row(genotype)?;
        let runs = self.signals.get(effort)?.iter().map(|run| run[row]).filter(|v| !v.is_nan());
        let runs: Vec<f32> = runs.collect();
        let chosen = mixed(seed, row as u64).checked_rem(runs.len() as u64)?;
        Some(runs[chosen as usize].into())
    }

    fn score(&self, genotype: &Genotype) -> Option<f64> {
        self.table.row(genotype).map(|row| self.score[row].into()).filter(|v: &f64| !v.is_nan())
    }

    fn costs(&self, genotype: &Genotype) -> Vec<f64> {
        let row = self.table.row(genotype);
        row.zip(self.objectives.as_ref()).map_or(Vec::new(), |(row, objectives)| objectives.costs(row))
    }

    fn quality(&self, recommended: &[&Genotype]) -> Option<f64> {
        match &self.objectives {
            None => self.score(recommended.first()?),
            Some(objectives) => {
                Some(objectives.quality(recommended.iter().filter_map(|g| self.table.row(g))))
            }
        }
    }

    fn seconds(&self, genotype: &Genotype, effort: usize) -> f64 {
        let whole =
            self.table.row(genotype).and_then(|row| Some(f64::from(self.seconds?[row]))).unwrap_or(1.0);
        let epochs = |s: Option<&Signals>| s.map_or(1.0, |s| s.epochs);
        whole * epochs(self.task.valid.get(effort)) / epochs(self.task.valid.last())
    }

    fn class(&self, genotype: &Genotype) -> Option<u64> {
        self.table.row(genotype).map(|row| self.table.class(row))
    }

    fn best(&self) -> f64 {
        self.best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn column_names_make_tasks() {
        let columns = [
            "a_valid_12",
            "a_valid_200",
            "a_valid_200_runs#1",
            "a_valid_200_runs#2",
            "a_test_12",
            "a_test_200",
            "a_train_seconds_200",
            "params",
            "b_valid#1",
            "b_test",
        ];
        let tasks = tasks_of(columns);
        let signals =
            |epochs, runs: &[&str]| Signals { epochs, runs: runs.iter().map(|r| (*r).to_owned()).collect() };
        assert_eq!(tasks.len(), 2);
        assert_eq!(
            tasks[0].valid,
            [signals(12.0, &["a_valid_12"]), signals(200.0, &["a_valid_200_runs#1", "a_valid_200_runs#2"])]
        );
        assert_eq!(
            (tasks[0].test.as_deref(), tasks[0].seconds.as_deref()),
            (Some("a_test_200"), Some("a_train_seconds_200"))
        );
        assert_eq!((tasks[1].name.as_str(), &tasks[1].valid), ("b", &vec![signals(1.0, &["b_valid#1"])]));
    }
}

//! The table `builtin:cells1d`: every distinct cell of NAS-Bench-201's topology, trained on `builtin:mnist1d`.

mod journal;
mod training;

use crate::Interrupted;
use anyhow::{Result, anyhow};
use journal::{Journal, Training};
use nasmyth_bench::{Rows, Table, cell_classes};
use nasmyth_data::{Dataset, Subset};
use nasmyth_estimator::StopFlag;
use nasmyth_space::spaces::cell::OPERATORS;
use nasmyth_train::TrainError;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The edges of a cell, as the preset space `cell` names them.
const EDGES: [&str; 6] = ["node1-0", "node2-0", "node2-1", "node3-0", "node3-1", "node3-2"];

/// How the table is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells1d {
    /// Trainings of each cell, with seeds from 0.
    pub seeds: u32,
    /// Epochs of each training, at least 1.
    pub epochs: u32,
    /// Distinct cells, evenly spread over all; as many as there are if fewer.
    pub cells: usize,
    /// Threads, each with a training of its own; no influence on the table.
    pub workers: usize,
}

/// A class of cells that compute the same: the first is trained for all.
type Class = Vec<[&'static str; 6]>;

impl Cells1d {
    /// Trains what is not trained yet, all cells with one seed before the next, and writes the table. What is done is kept beside
    /// `out`, in `OUT.trainings`; a later call goes on from there, also with more seeds. `observe` is told how many trainings are done and
    /// how many there will be.
    ///
    /// # Errors
    /// Files that cannot be read or written, trainings beside `out` of another number of epochs, an interruption.
    pub fn make(&self, out: &Path, stop: &StopFlag, observe: &(dyn Fn(usize, usize) + Sync)) -> Result<()> {
        let data = training::data()?;
        let classes = self.classes();
        let mut path = out.as_os_str().to_owned();
        path.push(".trainings");
        let mut journal = Journal::open(&PathBuf::from(path), self.epochs)?;
        self.train(&classes, &data, &mut journal, stop, observe)?;
        Table::write(out, "cells1d", &self.rows(&classes, &data, &journal)?, None)?;
        Ok(())
    }

    fn classes(&self) -> Vec<Class> {
        let all = cell_classes();
        let count = self.cells.min(all.len());
        (0..count).map(|i| all[i * all.len() / count].clone()).collect()
    }

    fn train(
        &self,
        classes: &[Class],
        data: &Dataset,
        journal: &mut Journal,
        stop: &StopFlag,
        observe: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<()> {
        let all = (0..self.seeds).flat_map(|seed| classes.iter().map(move |class| (seed, class)));
        let left: Vec<(u32, &Class)> =
            all.filter(|(seed, class)| journal.get(&name(*seed, class)).is_none()).collect();
        let total = self.seeds as usize * classes.len();
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(total - left.len()));
        let journal = Mutex::new(journal);
        let one = |seed: u32, class: &Class| -> Result<()> {
            let network = training::network(&class[0], data)?;
            let curve = training::train(&network, data, self.epochs, seed.into(), stop);
            let curve = curve.map_err(|error| match error {
                TrainError::Interrupted => {
                    Interrupted("give the same command again to go on".to_owned()).into()
                }
                other => anyhow!(other).context(format!("cell {}", name(seed, class).1)),
            })?;
            journal.lock().unwrap_or_else(PoisonError::into_inner).add(name(seed, class), curve)?;
            observe(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            Ok(())
        };
        let work = || -> Result<()> {
            while let Some((seed, class)) = left.get(next.fetch_add(1, Ordering::Relaxed)) {
                // What one worker cannot do, the others need not go on with.
                one(*seed, class).inspect_err(|_| next.store(left.len(), Ordering::Relaxed))?;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (1..self.workers.max(1)).map(|_| scope.spawn(work)).collect();
            let own = work();
            let joined =
                others.into_iter().map(|t| t.join().unwrap_or_else(|p| std::panic::resume_unwind(p)));
            own.and(joined.collect())
        })
    }

    /// A row for each cell; those of a class share their values.
    fn rows(&self, classes: &[Class], data: &Dataset, journal: &Journal) -> Result<Rows> {
        let mut rows = Rows { genes: EDGES.map(str::to_owned).into(), ..Rows::default() };
        for class in classes {
            let values = self.values(class, data, journal)?;
            for cell in class {
                rows.genotypes.push(cell.map(str::to_owned).into());
                for (column, value) in &values {
                    rows.columns.entry(column.clone()).or_default().push(*value);
                }
            }
        }
        Ok(rows)
    }

    /// What was measured and counted of a class, by the names of the columns; accuracies in percent.
    fn values(&self, class: &Class, data: &Dataset, journal: &Journal) -> Result<BTreeMap<String, f32>> {
        let network = training::network(&class[0], data)?;
        let mut values = BTreeMap::from([
            ("params".to_owned(), network.params() as f32),
            ("macs".to_owned(), network.macs() as f32),
        ]);
        let curves = (0..self.seeds).filter_map(|seed| journal.get(&name(seed, class)));
        let percent = |right: u32, subset| 100.0 * right as f32 / data.len(subset) as f32;
        let mut tests = 0.0;
        for (run, curve) in (1..).zip(curves) {
            let test = percent(curve.test, Subset::Test);
            tests += test;
            values.insert(format!("test_of_run_{run}"), test);
            for (epoch, &valid) in (1..).zip(&curve.valid) {
                values.insert(format!("mnist1d_valid_{epoch}#{run}"), percent(valid, Subset::Valid));
            }
        }
        let seconds = training::seconds(&network, self.epochs) as f32;
        values.insert(format!("mnist1d_train_seconds_{}", self.epochs), seconds);
        values.insert(format!("mnist1d_test_{}", self.epochs), tests / self.seeds as f32);
        Ok(values)
    }
}

/// Seed and operators, as the journal names a training.
fn name(seed: u32, class: &Class) -> Training {
    let digit =
        |operator: &&str| OPERATORS.iter().position(|o| o == operator).unwrap_or_default().to_string();
    (seed, class[0].iter().map(digit).collect())
}

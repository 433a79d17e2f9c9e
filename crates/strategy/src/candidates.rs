//! Candidates that come again: what a kernel read of them, and its values to the data.

use crate::graphs::graph;
use nasmyth_space::{Genotype, Space};
use nasmyth_surrogate::{Family, KernelProcess, Prediction, common};
use std::collections::HashMap;
use std::sync::Arc;

/// Candidates that are kept, beyond which all are made anew.
const CACHED: usize = 20_000;

/// Genotypes as points, with their kernel values to the data as far as these were needed.
pub(crate) struct Candidates<K: Family> {
    kept: HashMap<Genotype, Candidate<K>>,
    /// The kernel and the data that the rows belong to.
    kernel: K,
    data: Vec<Arc<K::Point>>,
}

struct Candidate<K: Family> {
    point: Arc<K::Point>,
    /// Kernel values to the first of the data.
    row: Vec<f64>,
}

impl<K: Family> Default for Candidates<K> {
    fn default() -> Self {
        Self { kept: HashMap::new(), kernel: K::first(), data: Vec::new() }
    }
}

impl<K: Family> Candidates<K> {
    /// What the kernel reads of a genotype.
    pub fn point(&mut self, space: &Space, genotype: &Genotype) -> Arc<K::Point> {
        self.candidate(space, genotype).point.clone()
    }

    /// Forgets values that are not those of this process.
    pub fn align(&mut self, process: &KernelProcess<K>) {
        let same = if *process.kernel() == self.kernel { common(&self.data, process.data()) } else { 0 };
        if same < self.data.len() {
            self.kept.values_mut().for_each(|candidate| candidate.row.truncate(same));
        }
        self.kernel = process.kernel().clone();
        self.data = process.data().to_vec();
    }

    /// What the process that was aligned with says of a genotype.
    pub fn predict(&mut self, process: &KernelProcess<K>, space: &Space, genotype: &Genotype) -> Prediction {
        let Candidate { point, row } = self.candidate(space, genotype);
        process.predict_with(row, point)
    }

    fn candidate(&mut self, space: &Space, genotype: &Genotype) -> &mut Candidate<K> {
        if self.kept.len() > CACHED {
            self.kept.clear();
        }
        let made = || Candidate { point: Arc::new(K::point(&graph(space, genotype))), row: Vec::new() };
        self.kept.entry(genotype.clone()).or_insert_with(made)
    }
}

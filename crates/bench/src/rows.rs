//! What an import collects before it is written.

use std::collections::BTreeMap;

/// Networks and what was measured of them, from any source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Names of the genes.
    pub genes: Vec<String>,
    /// For each network the option of each gene, as a word.
    pub genotypes: Vec<Vec<String>>,
    /// Numbers by the name of their column; several runs are columns `NAME#1`, `NAME#2`, ... NaN where nothing was measured.
    pub columns: BTreeMap<String, Vec<f32>>,
}

impl Rows {
    /// Rows of one genotype become one: the mean of what was measured. Returns how many disappeared.
    pub fn merge(&mut self) -> usize {
        let mut at: BTreeMap<Vec<String>, usize> = BTreeMap::new();
        let mut genotypes: Vec<Vec<String>> = Vec::new();
        let mut places = Vec::with_capacity(self.genotypes.len());
        for genotype in std::mem::take(&mut self.genotypes) {
            places.push(*at.entry(genotype.clone()).or_insert_with(|| {
                genotypes.push(genotype);
                genotypes.len() - 1
            }));
        }
        for column in self.columns.values_mut() {
            let mut sums = vec![(0.0f64, 0u32); genotypes.len()];
            for (&at, v) in places.iter().zip(column.iter()).filter(|(_, v)| !v.is_nan()) {
                sums[at] = (sums[at].0 + f64::from(*v), sums[at].1 + 1);
            }
            *column = sums.into_iter().map(|(sum, n)| (sum / f64::from(n)) as f32).collect();
        }
        self.genotypes = genotypes;
        places.len() - self.genotypes.len()
    }

    /// Adds the columns of `other`, matched by genotype; networks that only one of both has get NaN, new ones are appended.
    pub fn join(&mut self, other: &Rows) {
        let mut at: BTreeMap<&[String], usize> = BTreeMap::new();
        let known = self.genotypes.clone();
        for (i, genotype) in known.iter().enumerate() {
            at.insert(genotype, i);
        }
        let mut places = Vec::with_capacity(other.genotypes.len());
        for genotype in &other.genotypes {
            places.push(at.get(&genotype[..]).copied().unwrap_or_else(|| {
                self.genotypes.push(genotype.clone());
                self.genotypes.len() - 1
            }));
        }
        let rows = self.genotypes.len();
        self.columns.values_mut().for_each(|column| column.resize(rows, f32::NAN));
        for (name, values) in &other.columns {
            let column = self.columns.entry(name.clone()).or_insert_with(|| vec![f32::NAN; rows]);
            places.iter().zip(values).filter(|(_, v)| !v.is_nan()).for_each(|(&at, &v)| column[at] = v);
        }
    }
}

//! The genotypes of a restricted space.

use crate::{Gene, Genotype, Rng};
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::collections::HashSet;

/// Genotypes that count as around one, at least: where few differ in one gene only, those that differ in two do too, and so on. With
/// the very nearest alone, searches would go to and fro between a few.
const AROUND: usize = 16;

/// Some genotypes, in a fixed order, each once.
#[derive(Debug)]
pub(crate) struct Members {
    list: Vec<Genotype>,
    set: HashSet<Genotype>,
    /// The genes of all as numbers, one row after the other.
    codes: Vec<u64>,
    /// Length of a row: that of the longest genotype.
    width: usize,
}

/// The code of no gene: no option has that number, no number those bits (it is not one).
const ABSENT: u64 = u64::MAX;

fn code(gene: Option<&Gene>) -> u64 {
    match gene {
        Some(Gene::Index(i)) => u64::from(*i),
        Some(Gene::Real(v)) => v.to_bits(),
        None => ABSENT,
    }
}

impl Members {
    pub fn new(genotypes: impl IntoIterator<Item = Genotype>) -> Self {
        let (mut list, mut set) = (Vec::new(), HashSet::new());
        for genotype in genotypes {
            if set.insert(genotype.clone()) {
                list.push(genotype);
            }
        }
        let width = list.iter().map(|g: &Genotype| g.genes().len()).max().unwrap_or(0);
        let codes = list.iter().flat_map(|g| (0..width).map(|i| code(g.genes().get(i)))).collect();
        Self { list, set, codes, width }
    }

    pub fn list(&self) -> &[Genotype] {
        &self.list
    }

    pub fn contain(&self, genotype: &Genotype) -> bool {
        self.set.contains(genotype)
    }

    pub fn sample(&self, rng: &mut Rng) -> Genotype {
        self.list[rng.random_range(0..self.list.len())].clone()
    }

    /// The genotype itself, or the first of those that differ least.
    pub fn nearest(&self, genotype: &Genotype) -> Genotype {
        match self.contain(genotype) {
            true => genotype.clone(),
            false => self.around(genotype).first().map_or_else(|| genotype.clone(), |g| (*g).clone()),
        }
    }

    /// Another member [around](Self::around), at random.
    pub fn mutate(&self, genotype: &Genotype, rng: &mut Rng) -> Genotype {
        self.around(genotype).choose(rng).map_or_else(|| genotype.clone(), |g| (*g).clone())
    }

    /// The other members that differ in the fewest genes, at least [`AROUND`] and all that differ in no more; the nearest first.
    pub fn around(&self, genotype: &Genotype) -> Vec<&Genotype> {
        let apart = self.distances(genotype);
        let mut counts = vec![0; apart.iter().max().map_or(0, |m| m + 1)];
        apart.iter().filter(|d| **d > 0).for_each(|d| counts[*d] += 1);
        let mut found = 0;
        let reach = counts.iter().position(|n| {
            found += n;
            found >= AROUND
        });
        let within = 1..=reach.unwrap_or(counts.len());
        let mut around: Vec<usize> = (0..apart.len()).filter(|i| within.contains(&apart[*i])).collect();
        around.sort_by_key(|i| apart[*i]);
        around.into_iter().map(|i| &self.list[i]).collect()
    }

    /// Genes in which each member differs, those that only one has included.
    fn distances(&self, genotype: &Genotype) -> Vec<usize> {
        if self.width == 0 {
            return vec![0; self.list.len()];
        }
        let genes: Vec<u64> = (0..self.width).map(|i| code(genotype.genes().get(i))).collect();
        let beyond = genotype.genes().len().saturating_sub(self.width);
        let differ = |row: &[u64]| row.iter().zip(&genes).map(|(a, b)| u64::from(a != b)).sum::<u64>();
        self.codes.chunks_exact(self.width).map(|row| differ(row) as usize + beyond).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first_and_those_as_near_as_the_sixteenth_too() {
        // Three numbers each: 0 0 0, then 30 that differ from it in one, then 40 that differ in three.
        let one = (1..=30).map(|i| Genotype::new([0, 0, i].map(Gene::Index)));
        let three = (1..=40).map(|i| Genotype::new([i, i, i].map(Gene::Index)));
        let zero = Genotype::new([0, 0, 0].map(Gene::Index));
        let all = three.chain([zero.clone()]).chain(one);
        let members = Members::new(all);
        let around = members.around(&zero);
        assert_eq!(around.len(), 30);
        assert!(around.iter().all(|g| g.genes()[..2] == zero.genes()[..2] && **g != zero));
        // 5 5 5: 0 0 5 differs in two genes, all others in three.
        let five = Genotype::new([5, 5, 5].map(Gene::Index));
        let around = members.around(&five);
        assert_eq!((around.len(), around[0]), (70, &Genotype::new([0, 0, 5].map(Gene::Index))));
        assert_eq!(
            members.nearest(&Genotype::new([0, 9, 7].map(Gene::Index))),
            Genotype::new([0, 0, 7].map(Gene::Index))
        );
        assert_eq!(members.nearest(&zero), zero);
    }
}

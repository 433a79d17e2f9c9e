//! The genotypes of a restricted space.

use crate::{Genotype, Rng};
use rand::RngExt;
use rand::seq::IndexedRandom;
use std::collections::HashSet;

/// Some genotypes, in a fixed order, each once.
#[derive(Debug)]
pub(crate) struct Members {
    list: Vec<Genotype>,
    set: HashSet<Genotype>,
}

impl Members {
    pub fn new(genotypes: impl IntoIterator<Item = Genotype>) -> Self {
        let (mut list, mut set) = (Vec::new(), HashSet::new());
        for genotype in genotypes {
            if set.insert(genotype.clone()) {
                list.push(genotype);
            }
        }
        Self { list, set }
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

    /// Another member that differs least, at random among equals.
    pub fn mutate(&self, genotype: &Genotype, rng: &mut Rng) -> Genotype {
        self.around(genotype).choose(rng).map_or_else(|| genotype.clone(), |g| (*g).clone())
    }

    /// All other members that differ in as few genes as any.
    pub fn around(&self, genotype: &Genotype) -> Vec<&Genotype> {
        let (mut around, mut least): (Vec<&Genotype>, usize) = (Vec::new(), usize::MAX);
        for other in &self.list {
            let apart = distance(genotype, other, least);
            if apart == 0 || apart > least {
                continue;
            }
            if apart < least {
                around.clear();
                least = apart;
            }
            around.push(other);
        }
        around
    }
}

/// Genes that differ, those that only one has included; counting ends beyond `most`.
fn distance(a: &Genotype, b: &Genotype, most: usize) -> usize {
    let (a, b) = (a.genes(), b.genes());
    let mut apart = a.len().abs_diff(b.len());
    for (a, b) in a.iter().zip(b) {
        apart += usize::from(a != b);
        if apart > most {
            break;
        }
    }
    apart
}

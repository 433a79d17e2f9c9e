//! New genotypes from old ones: what evolution and local search do.
//!
//! All three repair a genotype that does not belong to the space first: genes that do not fit get their default.

use crate::slots::Chosen;
use crate::{Gene, Genotype, Rng, Space};
use rand::RngExt;

impl Space {
    /// Changes exactly one gene, drawn uniformly, to another value, drawn uniformly. Genes that appear with the new value are
    /// drawn at random, genes that disappear are dropped. The result always differs unless the space has one element.
    pub fn mutate(&self, genotype: &Genotype, rng: &mut Rng) -> Genotype {
        if let Some(members) = self.members() {
            return members.mutate(genotype, rng);
        }
        let old = self.slots().repaired(genotype);
        let genes: Vec<(usize, Gene)> = self.slots().genes(&old).collect();
        if genes.is_empty() {
            return self.genotype(&old);
        }
        let (changed, gene) = genes[rng.random_range(0..genes.len())];
        let new = self.slots().list()[changed].domain.sample_other(gene, rng);
        let chosen = self.slots().fill_with(|i, slot| match old[i] {
            _ if i == changed => new,
            Some(gene) => gene,
            None => slot.domain.sample(rng),
        });
        self.genotype(&chosen)
    }

    /// Uniform crossover (Syswerda 1989): every gene comes from either parent, with equal chance if both have it.
    pub fn crossover(&self, a: &Genotype, b: &Genotype, rng: &mut Rng) -> Genotype {
        let (a, b) = (self.slots().repaired(a), self.slots().repaired(b));
        let chosen = self.slots().fill_with(|i, slot| match (a[i], b[i]) {
            (Some(a), Some(b)) if a != b => [a, b][usize::from(rng.random::<bool>())],
            (a, b) => a.or(b).unwrap_or(slot.default),
        });
        let child = self.genotype(&chosen);
        self.members().map_or(child.clone(), |members| members.nearest(&child))
    }

    /// All genotypes that differ in one gene, in a fixed order, without duplicates. Genes that appear with the new value have
    /// their default. Of a grid of floats, and of integers with more than 64 values, only values a power of two steps away;
    /// of a float without a grid, one and two tenths of its range away.
    ///
    /// Symmetric up to defaults: if the new value made genes disappear, the way back restores them as defaults.
    pub fn neighbours(&self, genotype: &Genotype) -> Vec<Genotype> {
        match self.members() {
            Some(members) => members.around(genotype).into_iter().cloned().collect(),
            None => self.first_neighbours(genotype, usize::MAX),
        }
    }

    /// The first `most` of them.
    pub(crate) fn first_neighbours(&self, genotype: &Genotype, most: usize) -> Vec<Genotype> {
        let old = self.slots().repaired(genotype);
        let change = |(changed, gene): (usize, Gene)| {
            let values = self.slots().list()[changed].domain.neighbours(gene);
            let old = &old;
            values.into_iter().map(move |new| self.with(old, changed, new))
        };
        self.slots().genes(&old).flat_map(change).take(most).collect()
    }

    fn with(&self, old: &Chosen, changed: usize, new: Gene) -> Genotype {
        let gene = |i: usize| if i == changed { Some(new) } else { old[i] };
        self.genotype(&self.slots().fill_with(|i, slot| gene(i).unwrap_or(slot.default)))
    }
}

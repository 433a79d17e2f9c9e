//! Genes by place, for strategies that learn something about each gene.
//!
//! A *place* is a gene that some genotype of the space has: the number of its [`GeneInfo`](crate::GeneInfo) among
//! [`Space::genes`]. Unlike a position in a genotype it means the same in all genotypes.

use crate::domain::Domain;
use crate::{Gene, Genotype, Space, Value};

/// What the values of a gene have to do with each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Nothing: genes are `Gene::Index` below this number.
    Unordered(u32),
    /// They are steps of a range: genes are `Gene::Index` below this number.
    Ordered(u32),
    /// They are all the numbers of a range: genes are `Gene::Real`.
    Real {
        /// Smallest number.
        low: f64,
        /// Largest number.
        high: f64,
    },
}

impl Space {
    /// The scale of every place, in order.
    pub fn scales(&self) -> Vec<Scale> {
        let free = self.slots().list().iter().filter(|slot| slot.domain.is_free());
        free.map(|slot| scale(&slot.domain)).collect()
    }

    /// The values of the gene at a place, where they have nothing to do with each other.
    pub fn options(&self, place: usize) -> Option<Vec<Value>> {
        let slot = self.slots().list().iter().filter(|slot| slot.domain.is_free()).nth(place)?;
        let Scale::Unordered(options) = scale(&slot.domain) else { return None };
        (0..options).map(|i| slot.domain.value(Gene::Index(i))).collect()
    }

    /// The gene at every place; nothing where the genotype has none. A genotype of another space is repaired first.
    pub fn by_place(&self, genotype: &Genotype) -> Vec<Option<Gene>> {
        let chosen = self.slots().repaired(genotype);
        let places = self.slots().list().iter().zip(chosen).filter(|(slot, _)| slot.domain.is_free());
        places.map(|(_, gene)| gene).collect()
    }

    /// A genotype from a gene for every place that exists under the genes before it; `choose` is asked in order. Genes that do
    /// not fit become defaults. Where not all genotypes belong to the space it is the nearest that does.
    pub fn compose(&self, mut choose: impl FnMut(usize) -> Gene) -> Genotype {
        let list = self.slots().list();
        let (mut place, mut upto) = (0, 0);
        let chosen = self.slots().fill_with(|i, slot| {
            place += list[upto..i].iter().filter(|s| s.domain.is_free()).count();
            upto = i;
            let gene = match choose(place) {
                Gene::Real(v) => Gene::real(v),
                gene => gene,
            };
            if slot.domain.contains(gene) { gene } else { slot.default }
        });
        let genotype = self.genotype(&chosen);
        self.members().map_or(genotype.clone(), |members| members.nearest(&genotype))
    }
}

fn scale(domain: &Domain) -> Scale {
    match domain {
        Domain::Options(_) | Domain::Branch(_) => Scale::Unordered(domain.points()),
        Domain::Int { .. } | Domain::Grid { .. } | Domain::Count { .. } => Scale::Ordered(domain.points()),
        Domain::Real { low, high } => Scale::Real { low: *low, high: *high },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rng, SpaceError, Tree};
    use rand::SeedableRng;

    #[test]
    fn genotypes_are_composed_of_their_genes_by_place() {
        let layer = Tree::group([
            Tree::choice("fixed", ["only"]),
            Tree::choice("width", [4, 8, 16]),
            Tree::one_of("op", [("conv", Tree::int("kernel", 1..=7, 2)), ("skip", Tree::nothing())]),
        ]);
        let tree = Tree::group([Tree::repeat("layers", 0..=3, layer), Tree::real("rate", 0.0..=1.0)]);
        let space = Space::new("places", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap();
        assert_eq!(space.scales().len(), space.genes().count());
        let first = [Scale::Ordered(4), Scale::Unordered(3), Scale::Unordered(2), Scale::Ordered(4)];
        assert_eq!(space.scales()[..4], first);
        assert_eq!(space.scales()[10], Scale::Real { low: 0.0, high: 1.0 });
        let mut rng = Rng::seed_from_u64(1);
        for _ in 0..200 {
            let genotype = space.sample(&mut rng);
            let genes = space.by_place(&genotype);
            assert_eq!(genes.iter().flatten().count(), genotype.genes().len());
            assert_eq!(space.compose(|place| genes[place].unwrap()), genotype);
        }
    }
}

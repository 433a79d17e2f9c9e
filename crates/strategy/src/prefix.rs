//! Networks that grow place by place.

use nasmyth_space::{Gene, Genotype, Space};

/// A gene that no place offers, which [`Space::compose`] replaces by the default.
const DEFAULT: Gene = Gene::Index(u32::MAX);

/// The network with these genes in the first places, and the space's defaults in the others and where there is none.
pub(crate) fn completed(space: &Space, genes: &[Option<Gene>]) -> Genotype {
    space.compose(|place| genes.get(place).copied().flatten().unwrap_or(DEFAULT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{SpaceError, Tree};

    #[test]
    fn the_rest_is_the_default() {
        let layer = Tree::choice("kind", [0, 1, 2]).default(1);
        let tree =
            Tree::group([Tree::repeat("layers", 1..=3, layer).default(2), Tree::real("rate", 0.0..=1.0)]);
        let space = Space::new("layers", "", tree, |_| {
            Err(SpaceError::GenotypeText { text: String::new(), got: String::new(), position: 1 })
        })
        .unwrap();
        let genotype = space.parse("layers=3 layers[0].kind=2 layers[1].kind=0 rate=0.25").unwrap();
        let genes = space.by_place(&genotype);
        assert_eq!(completed(&space, &[]), space.default_genotype());
        assert_eq!(completed(&space, &genes), genotype);
        let begun = space.parse("layers=3 layers[0].kind=2").unwrap();
        assert_eq!(completed(&space, &genes[..2]), begun);
    }
}

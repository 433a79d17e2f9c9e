//! Encodings of cells in a search: in whose terms networks are drawn, changed and read.
//!
//! White, Neiswanger, Nolen and Savani: "A Study on Encodings for Neural Architecture Search", NeurIPS 2020, section 3.1: the same
//! encoding may serve one use and hinder another, so strategies choose for each.

use crate::{Rng, StrategyError};
use nasmyth_space::spaces::cell::{EDGES, OPERATORS};
use nasmyth_space::{Gene, Genotype, Space, Value};
use nasmyth_surrogate::encodings::{CellKind, ENCODINGS, Encoding};
use rand::RngExt;

/// Paths from input to output, of networks that are small enough for them.
pub(crate) const PATHS: &str = "paths";
/// Gene by gene, as the space itself draws and mutates.
pub(crate) const GENES: &str = "genes";

/// What models can read: the paths of any small network, genes, or an encoding of cells.
pub(crate) const READ: [&str; 10] = [
    PATHS,
    GENES,
    "adjacency-one-hot",
    "adjacency-categorical",
    "adjacency-continuous",
    "path-one-hot",
    "path-categorical",
    "path-continuous",
    "path-one-hot-truncated",
    "path-categorical-truncated",
];

/// What networks can be drawn and changed in terms of.
pub(crate) const STEPS: &[&str] = READ.split_at(7).0.split_at(1).1;

/// The encoding of this name; none for genes.
pub(crate) fn encoding(name: &str) -> Option<&'static dyn Encoding> {
    ENCODINGS.iter().copied().find(|encoding| encoding.name() == name)
}

/// A space whose cell is seen through an encoding: the operators of NAS-Bench-201's six edges come first among its genes, others may
/// follow.
pub(crate) struct EncodedSpace<'a> {
    space: &'a Space,
    encoding: &'static dyn Encoding,
    kind: CellKind,
}

impl<'a> EncodedSpace<'a> {
    /// # Errors
    /// A space without such a cell.
    pub fn new(space: &'a Space, encoding: &'static dyn Encoding) -> Result<Self, StrategyError> {
        let kind = cell_kind(space).ok_or_else(|| {
            StrategyError::Failed(format!(
                "encoding `{}` is one of NAS-Bench-201's cells, which space `{}` does not begin with: use the space `cell`, or `{GENES}`",
                encoding.name(),
                space.name()
            ))
        })?;
        Ok(Self { space, encoding, kind })
    }

    /// A genotype whose cell is drawn feature by feature, if the encoding can.
    pub fn sample(&self, rng: &mut Rng) -> Option<Genotype> {
        let cell = self.encoding.sample(&self.kind, rng)?;
        Some(self.with(&self.space.sample(rng), &cell))
    }

    /// The genotype with one feature of its cell, or one of its other genes, changed; none if the encoding cannot.
    pub fn mutate(&self, genotype: &Genotype, rng: &mut Rng) -> Option<Genotype> {
        let genes = genotype.genes().len();
        if rng.random_range(0..genes) < EDGES.len() {
            let cell = self.encoding.perturb(&self.kind, &self.cell(genotype), rng)?;
            return Some(self.with(genotype, &cell));
        }
        // A mutation of a gene beside the cell.
        Some(loop {
            let child = self.space.mutate(genotype, rng);
            if self.cell(&child) == self.cell(genotype) {
                break child;
            }
        })
    }

    /// The cell as a vector.
    pub fn encode(&self, genotype: &Genotype) -> Vec<f64> {
        let mut code = self.encoding.encode(&self.kind, &self.cell(genotype));
        let beside = self.space.encode(genotype).into_iter().skip(EDGES.len() * self.kind.operators);
        code.extend(beside.map(f64::from));
        code
    }

    fn cell(&self, genotype: &Genotype) -> Vec<usize> {
        let operator = |gene: &Gene| if let Gene::Index(i) = gene { *i as usize } else { 0 };
        genotype.genes().iter().take(EDGES.len()).map(operator).collect()
    }

    fn with(&self, genotype: &Genotype, cell: &[usize]) -> Genotype {
        let cell = cell.iter().map(|operator| Gene::Index(*operator as u32));
        Genotype::new(cell.chain(genotype.genes().iter().skip(EDGES.len()).copied()))
    }
}

/// The cell that a space begins with: six choices among the same operators of NAS-Bench-201.
fn cell_kind(space: &Space) -> Option<CellKind> {
    let operators = space.options(0)?;
    let known = |value: &Value| matches!(value, Value::Word(word) if OPERATORS.contains(&word.as_str()));
    let edges = (0..EDGES.len()).all(|place| space.options(place).as_ref() == Some(&operators));
    let none = operators.iter().position(|value| *value == Value::Word(OPERATORS[0].to_owned()));
    let cell = CellKind { operators: operators.len(), none, ..CellKind::nas_bench_201() };
    (edges && operators.iter().all(known)).then_some(cell)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nasmyth_space::{Context, preset};
    use rand::SeedableRng;

    fn space(name: &str) -> Space {
        preset(name, &Context::image(16, 16, 1, 10)).unwrap()
    }

    #[test]
    fn the_names_are_those_of_encodings_that_can_draw_and_change() {
        let kind = CellKind::nas_bench_201();
        let mut rng = Rng::seed_from_u64(1);
        let able = ENCODINGS.iter().filter(|e| e.sample(&kind, &mut rng).is_some()).map(|e| e.name());
        assert_eq!((STEPS[0], STEPS[1..].to_vec()), (GENES, able.collect::<Vec<_>>()));
        assert_eq!(READ[2..], ENCODINGS.iter().map(|e| e.name()).collect::<Vec<_>>());
        assert!(encoding(GENES).is_none());
    }

    #[test]
    fn cells_and_the_genes_beside_them_are_drawn_and_changed() {
        let space = space("cell");
        let mut rng = Rng::seed_from_u64(2);
        for name in &STEPS[1..] {
            let encoded = EncodedSpace::new(&space, encoding(name).unwrap()).unwrap();
            let mut changed = [0; 2];
            let mut genotype = encoded.sample(&mut rng).unwrap();
            for _ in 0..200 {
                let child = encoded.mutate(&genotype, &mut rng).unwrap();
                space.validate(&child).unwrap();
                assert_ne!(child, genotype);
                assert_ne!(encoded.encode(&child), encoded.encode(&genotype));
                changed[usize::from(child.genes()[6..] != genotype.genes()[6..])] += 1;
                genotype = child;
            }
            // Two of eight genes stand beside the cell.
            assert!((25..80).contains(&changed[1]), "{name}: {changed:?}");
        }
    }

    #[test]
    fn a_space_without_cells_is_refused() {
        let error = EncodedSpace::new(&space("mobile"), ENCODINGS[0]).err().unwrap().to_string();
        assert!(error.contains("adjacency-one-hot") && error.contains("`mobile`"), "{error}");
    }
}

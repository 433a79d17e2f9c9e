//! Genes as numbers of cells, so that densities over them are sums over tables.

use crate::Rng;
use nasmyth_space::{Gene, Scale};
use rand::RngExt;

/// Cells that a range is divided into: narrower than the narrowest kernel that estimators of densities use (a hundredth of the range).
pub(crate) const CELLS: u32 = 128;

/// Number of cells of a scale: one for each value, at most [`CELLS`] for a range.
pub(crate) fn cells(scale: Scale) -> u32 {
    match scale {
        Scale::Unordered(values) => values,
        Scale::Ordered(values) => values.min(CELLS),
        Scale::Real { .. } => CELLS,
    }
}

/// The cell that holds a gene.
pub(crate) fn cell(scale: Scale, gene: Gene) -> u32 {
    let last = cells(scale).saturating_sub(1);
    match (scale, gene) {
        (Scale::Ordered(values), Gene::Index(i)) if values > CELLS => {
            (u64::from(i) * u64::from(CELLS) / u64::from(values)) as u32
        }
        (Scale::Real { low, high }, Gene::Real(v)) => ((v - low) / (high - low) * f64::from(CELLS)) as u32,
        (_, Gene::Index(i)) => i,
        (_, Gene::Real(_)) => 0,
    }
    .min(last)
}

/// A gene of this cell, drawn uniformly where it holds several.
pub(crate) fn gene(scale: Scale, cell: u32, rng: &mut Rng) -> Gene {
    match scale {
        Scale::Ordered(values) if values > CELLS => {
            let first = |cell: u32| (u64::from(cell) * u64::from(values)).div_ceil(CELLS.into()) as u32;
            Gene::Index(rng.random_range(first(cell)..first(cell + 1)))
        }
        Scale::Real { low, high } => {
            let share = (f64::from(cell) + rng.random::<f64>()) / f64::from(CELLS);
            Gene::Real((low + share * (high - low)).clamp(low, high))
        }
        _ => Gene::Index(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn a_gene_drawn_of_a_cell_lies_in_it() {
        let mut rng = Rng::seed_from_u64(1);
        let scales = [3, 128, 129, 1000, 70_000].map(Scale::Ordered);
        let real = Scale::Real { low: -3.0, high: 0.5 };
        for scale in scales.into_iter().chain([real, Scale::Unordered(300)]) {
            for of in 0..cells(scale) {
                assert_eq!(cell(scale, gene(scale, of, &mut rng)), of, "{scale:?}");
            }
        }
    }
}

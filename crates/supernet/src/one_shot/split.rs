//! Which gene the weights are split by, and how.

use super::dimension::{alike, profiles};
use super::{OneShotError, SplitBy, SplitPlan, Supernet, Task};
use crate::Split;
use nasmyth_space::{Gene, Genotype, Rng, Scale, Space};
use rand::SeedableRng;

/// Most options of a gene that may be split: of their balanced groupings all are looked at.
const MOST_OPTIONS: u32 = 16;

/// Networks around which the gradients of a gene's options are compared.
const AROUND: u64 = 4;

/// Genes whose options are compared, those with the most options first: more would take longer than they are worth.
const MOST_COMPARED: usize = 12;

/// Draws for one network that has a gene at all.
const MOST_DRAWS: usize = 64;

/// Places that a plan may split by, with their numbers of options; those with the most options first.
pub(crate) fn candidates(space: &Space, plan: &SplitPlan, taken: &[usize]) -> Vec<(usize, u32)> {
    let scales = space.scales();
    let wanted = |path: &str| plan.genes.is_empty() || plan.genes.iter().any(|gene| gene == path);
    let places =
        space.genes().enumerate().filter(|(place, gene)| wanted(&gene.path) && !taken.contains(place));
    let options = |place: usize| match scales[place] {
        Scale::Unordered(n) | Scale::Ordered(n) => Some(n).filter(|n| (2..=MOST_OPTIONS).contains(n)),
        Scale::Real { .. } => None,
    };
    let mut candidates: Vec<_> = places.filter_map(|(place, _)| Some((place, options(place)?))).collect();
    candidates.sort_by_key(|&(_, options)| std::cmp::Reverse(options)); // stable
    candidates
}

/// The next split of a super-network.
pub(crate) fn choose(supernet: &mut Supernet, plan: &SplitPlan) -> Result<Split, OneShotError> {
    let space = supernet.task().space;
    let taken: Vec<usize> = supernet.partition().splits.iter().map(|s| s.place).collect();
    let candidates = candidates(space, plan, &taken);
    let by_options = |&(place, options): &(usize, u32)| Split { place, groups: (0..options).collect() };
    let none = || OneShotError::Setting {
        at: "split.count",
        expected: format!("at most {}, the genes that the space can be split by", taken.len()),
        got: plan.count.to_string(),
    };
    let first = candidates.first().ok_or_else(none)?;
    if plan.by == SplitBy::Options {
        return Ok(by_options(first));
    }
    let mut best: Option<(f64, Split)> = None;
    for &(place, options) in candidates.iter().take(MOST_COMPARED) {
        let similarity = match plan.by {
            SplitBy::Dimension => likeness(supernet, place, options)?,
            _ => similarity(supernet, place, options)?,
        };
        let (groups, cost) = balanced_cut(&similarity);
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, Split { place, groups }));
        }
    }
    Ok(best.map_or_else(|| by_options(first), |(_, split)| split))
}

/// How much the options of a gene agree in what they want of the weights that they share: the mean cosine of their gradients on one
/// batch, in networks that differ in this gene only (Hu et al. 2022, equation 4).
///
/// # Errors
/// A network that cannot be compiled.
pub fn similarity(
    supernet: &mut Supernet,
    place: usize,
    options: u32,
) -> Result<Vec<Vec<f64>>, OneShotError> {
    let task = supernet.task();
    let n = options as usize;
    let mut mean = vec![vec![0.0; n]; n];
    for round in 0..AROUND {
        let base = with_gene(task.space, place, &mut around(&task, place, round));
        let at = |option| set(task.space, &base, place, option);
        let gradients = (0..options).map(|o| supernet.gradients(&at(o), round));
        let gradients = gradients.collect::<Result<Vec<_>, _>>()?;
        for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
            mean[a][b] += gradients[a].cosine(&gradients[b]) / AROUND as f64;
        }
    }
    Ok(mean)
}

/// How much the options of a gene are alike in the intrinsic dimensions of features: minus the mean distance of the profiles of networks
/// that differ in this gene only.
fn likeness(supernet: &Supernet, place: usize, options: u32) -> Result<Vec<Vec<f64>>, OneShotError> {
    let task = supernet.task();
    let n = options as usize;
    let mut mean = vec![vec![0.0; n]; n];
    for round in 0..AROUND {
        let base = with_gene(task.space, place, &mut around(&task, place, round));
        let genotypes: Vec<Genotype> =
            (0..options).map(|option| set(task.space, &base, place, option)).collect();
        let alike = alike(&profiles(supernet, &genotypes)?);
        for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
            mean[a][b] += alike[a][b] / AROUND as f64;
        }
    }
    Ok(mean)
}

/// The random numbers of a network around which the options of a gene are compared.
pub(super) fn around(task: &Task<'_>, place: usize, round: u64) -> Rng {
    Rng::seed_from_u64(task.seed ^ (place as u64) << 32 ^ round)
}

/// A random genotype that has a gene at this place, if one is found in a while.
pub(crate) fn with_gene(space: &Space, place: usize, rng: &mut Rng) -> Genotype {
    let mut drawn = space.sample(rng);
    for _ in 0..MOST_DRAWS {
        if space.by_place(&drawn)[place].is_some() {
            break;
        }
        drawn = space.sample(rng);
    }
    drawn
}

/// The genotype with another option at a place. Genes that exist only with it are the first of theirs.
pub(super) fn set(space: &Space, base: &Genotype, place: usize, option: u32) -> Genotype {
    let genes = space.by_place(base);
    space.compose(|p| if p == place { Gene::Index(option) } else { genes[p].unwrap_or(Gene::Index(0)) })
}

/// The two groups of equal size (up to one) between which the sum of similarities is least, and that sum. `similarity` is symmetric; all
/// groupings are tried.
///
/// ```
/// // What 0 and 3 want, 1 and 2 do not.
/// let similarity = [[1.0, -0.8, -0.9, 0.7], [-0.8, 1.0, 0.9, -0.5], [-0.9, 0.9, 1.0, -0.6], [0.7, -0.5, -0.6, 1.0]];
/// let (groups, cost) = nasmyth_supernet::one_shot::balanced_cut(&similarity.map(Vec::from));
/// assert_eq!(groups, [0, 1, 1, 0]);
/// assert!((cost + 2.8).abs() < 1e-12);
/// ```
pub fn balanced_cut(similarity: &[Vec<f64>]) -> (Vec<u32>, f64) {
    let n = similarity.len();
    let balanced =
        |groups: &u32| (groups.count_ones() as usize).abs_diff(n - groups.count_ones() as usize) <= 1;
    let cost = |groups: u32| -> f64 {
        let apart = |a: usize, b: usize| (groups >> a ^ groups >> b) & 1 == 1;
        let pairs = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
        pairs.filter(|&(a, b)| apart(a, b)).map(|(a, b)| similarity[a][b]).sum()
    };
    // Bit `i` is the group of option `i`; the first is always in group 0.
    let groupings = (0..1u32 << n).step_by(2).filter(balanced);
    let best = groupings.map(|g| (g, cost(g))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
    ((0..n).map(|i| best.0 >> i & 1).collect(), best.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn a_cut_is_the_best_of_all_balanced_ones() {
        let mut rng = Rng::seed_from_u64(3);
        for n in 2..=6 {
            let mut matrix = vec![vec![0.0; n]; n];
            for (a, b) in (0..n).flat_map(|a| (0..a).map(move |b| (a, b))) {
                let value = rng.random_range(-1.0..1.0);
                (matrix[a][b], matrix[b][a]) = (value, value);
            }
            let (groups, cost) = balanced_cut(&matrix);
            let ones = groups.iter().filter(|g| **g == 1).count();
            assert!(groups[0] == 0 && ones.abs_diff(n - ones) <= 1);
            let cut = |groups: &[u32]| -> f64 {
                let pairs = (0..n).flat_map(|a| (0..a).map(move |b| (a, b)));
                pairs.filter(|&(a, b)| groups[a] != groups[b]).map(|(a, b)| matrix[a][b]).sum()
            };
            assert!((cut(&groups) - cost).abs() < 1e-12);
            // No exchange of two options between the groups is better.
            for (a, b) in (0..n).flat_map(|a| (0..n).map(move |b| (a, b))) {
                let mut other = groups.clone();
                other.swap(a, b);
                assert!(cut(&other) >= cost - 1e-12);
            }
        }
    }
}

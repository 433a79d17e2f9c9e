//! Several objectives at once. Points are vectors of one length; in every coordinate more is better.

use crate::Rng;
use rand::RngExt;

/// Weight of the sum in the augmented Chebyshev norm (Knowles 2006, section III).
const AUGMENTATION: f64 = 0.05;

/// Whether `a` is at least as good as `b` in everything and better in something.
pub fn dominates(a: &[f64], b: &[f64]) -> bool {
    let mut better = false;
    for (a, b) in a.iter().zip(b) {
        if a < b {
            return false;
        }
        better |= a > b;
    }
    better
}

/// Indices of points from the best to the worst, coordinate by coordinate: a point comes after all that dominate it.
fn lexicographic(points: &[impl AsRef<[f64]>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    let compare = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).map(|(a, b)| b.total_cmp(a)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    };
    order.sort_by(|&a, &b| compare(points[a].as_ref(), points[b].as_ref()).then(a.cmp(&b)));
    order
}

/// The rank of each point: 0 for those that none dominates, 1 for those that only these dominate, and so on.
///
/// Zhang, Tian, Cheng and Jin 2015: "An Efficient Approach to Nondominated Sorting" (sequential search).
pub fn ranks(points: &[impl AsRef<[f64]>]) -> Vec<usize> {
    let mut fronts: Vec<Vec<usize>> = Vec::new();
    let mut ranks = vec![0; points.len()];
    for i in lexicographic(points) {
        let beaten = |front: &Vec<usize>| {
            front.iter().rev().any(|&other| dominates(points[other].as_ref(), points[i].as_ref()))
        };
        let rank = fronts.iter().position(|front| !beaten(front)).unwrap_or(fronts.len());
        if rank == fronts.len() {
            fronts.push(Vec::new());
        }
        fronts[rank].push(i);
        ranks[i] = rank;
    }
    ranks
}

/// Indices of the points that none dominates, in ascending order; of equal points the first.
pub fn front(points: &[impl AsRef<[f64]>]) -> Vec<usize> {
    let mut front: Vec<usize> = Vec::new();
    for i in lexicographic(points) {
        let point = points[i].as_ref();
        let beaten =
            |&other: &usize| points[other].as_ref() == point || dominates(points[other].as_ref(), point);
        if !front.iter().rev().any(beaten) {
            front.push(i);
        }
    }
    front.sort_unstable();
    front
}

/// The crowding distance of each point among these: the sum over coordinates of the distance between its neighbours, in units of
/// the range; infinite at the ends (Deb, Pratap, Agarwal and Meyarivan 2002, section III B).
pub fn crowding(points: &[&[f64]]) -> Vec<f64> {
    let mut distances = vec![0.0; points.len()];
    let mut order: Vec<usize> = (0..points.len()).collect();
    let coordinates = (0..points.first().map_or(0, |p| p.len())).map(|k| points.iter().map(move |p| p[k]));
    for values in coordinates.map(Vec::from_iter) {
        order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
        let (Some(&first), Some(&last)) = (order.first(), order.last()) else { break };
        let range = values[last] - values[first];
        if range <= 0.0 {
            continue;
        }
        distances[first] = f64::INFINITY;
        distances[last] = f64::INFINITY;
        for around in order.windows(3) {
            distances[around[1]] += (values[around[2]] - values[around[0]]) / range;
        }
    }
    distances
}

/// The volume of what the points dominate above `reference`; coordinates below it count as the reference's.
///
/// While, Bradstreet and Barone 2012: "A Fast Way of Calculating Exact Hypervolumes" (WFG).
pub fn hypervolume(points: &[Vec<f64>], reference: &[f64]) -> f64 {
    let clamp = |p: &Vec<f64>| p.iter().zip(reference).map(|(p, r)| (p - r).max(0.0)).collect();
    volume(points.iter().map(clamp).collect())
}

/// Of points above zero.
fn volume(points: Vec<Vec<f64>>) -> f64 {
    let mut points: Vec<Vec<f64>> = front(&points).into_iter().map(|i| points[i].clone()).collect();
    points.sort_by(|a, b| {
        a.iter().zip(b).map(|(a, b)| b.total_cmp(a)).find(|o| o.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
    });
    if points.first().is_some_and(|p| p.len() == 2) {
        let mut below = 0.0;
        return points
            .iter()
            .map(|p| {
                let strip = p[0] * (p[1] - below);
                below = p[1];
                strip
            })
            .sum();
    }
    let exclusive = |(i, point): (usize, &Vec<f64>)| {
        let limited = |other: &Vec<f64>| other.iter().zip(point).map(|(a, b)| a.min(*b)).collect();
        let later: Vec<Vec<f64>> = points[i + 1..].iter().map(limited).collect();
        point.iter().product::<f64>() - if later.is_empty() { 0.0 } else { volume(later) }
    };
    points.iter().enumerate().map(exclusive).sum()
}

/// One number for each point, more is better: the value itself of points of one coordinate; else the negative augmented Chebyshev
/// distance to the best of every coordinate, with weights drawn anew, coordinates in units of their range.
///
/// Knowles 2006: "ParEGO: A Hybrid Algorithm With On-Line Landscape Approximation for Expensive Multiobjective Optimization
/// Problems", equation 2.
pub fn scalarised(points: &[impl AsRef<[f64]>], rng: &mut Rng) -> Vec<f64> {
    let points: Vec<&[f64]> = points.iter().map(AsRef::as_ref).collect();
    let coordinates = points.first().map_or(0, |p| p.len());
    if coordinates <= 1 {
        return points.iter().map(|p| p.first().copied().unwrap_or(0.0)).collect();
    }
    // Exponential variates, divided by their sum, are uniform on the simplex.
    let draws: Vec<f64> = (0..coordinates).map(|_| -(1.0 - rng.random::<f64>()).ln()).collect();
    let sum: f64 = draws.iter().sum();
    let extremes: Vec<(f64, f64)> = (0..coordinates)
        .map(|k| {
            let all = points.iter().map(|p| p[k]).filter(|v| v.is_finite());
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
        })
        .collect();
    let distance = |(k, value): (usize, &f64)| {
        let (low, high) = extremes[k];
        draws[k] / sum * if high > low { ((high - value) / (high - low)).max(0.0) } else { 0.0 }
    };
    let number = |point: &&[f64]| {
        let distances = point.iter().enumerate().map(distance);
        let (most, sum) = distances.fold((0.0f64, 0.0), |(most, sum), d| (most.max(d), sum + d));
        -(most + AUGMENTATION * sum)
    };
    points.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rng;
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};
    use proptest::strategy::Strategy;
    use rand::SeedableRng;

    fn points(coordinates: usize) -> impl Strategy<Value = Vec<Vec<f64>>> {
        let point = prop::collection::vec((0u8..6).prop_map(f64::from), coordinates);
        prop::collection::vec(point, 1..24)
    }

    /// Cells of the integer grid below at least one point.
    fn counted(points: &[Vec<f64>]) -> usize {
        let cells = (0..6u32.pow(3)).map(|i| [i % 6, i / 6 % 6, i / 36].map(f64::from));
        cells.filter(|cell| points.iter().any(|p| p.iter().zip(cell).all(|(p, c)| c < p))).count()
    }

    proptest! {
        #[test]
        fn a_rank_is_one_more_than_the_highest_that_dominates(points in (1..4usize).prop_flat_map(points)) {
            let ranks = ranks(&points);
            for (i, point) in points.iter().enumerate() {
                let above = (0..points.len()).filter(|&j| dominates(&points[j], point)).map(|j| ranks[j] + 1).max();
                prop_assert_eq!(ranks[i], above.unwrap_or(0));
            }
            let front = front(&points);
            prop_assert!(front.iter().all(|&i| ranks[i] == 0));
            prop_assert!(points.iter().all(|p| front.iter().any(|&i| points[i] == *p || dominates(&points[i], p))));
        }

        #[test]
        fn the_hypervolume_is_what_a_grid_counts(points in points(3)) {
            prop_assert_eq!(hypervolume(&points, &[0.0; 3]), counted(&points) as f64);
            let flat: Vec<Vec<f64>> = points.iter().map(|p| vec![p[0], p[1]]).collect();
            let high: Vec<Vec<f64>> = points.iter().map(|p| vec![p[0], p[1], 1.0]).collect();
            prop_assert_eq!(hypervolume(&flat, &[0.0; 2]), counted(&high) as f64);
        }

        #[test]
        fn the_best_scalarised_point_is_on_the_front(points in points(2), seed in 0u64..99) {
            let numbers = scalarised(&points, &mut Rng::seed_from_u64(seed));
            let best = (0..points.len()).max_by(|&a, &b| numbers[a].total_cmp(&numbers[b])).unwrap();
            prop_assert_eq!(ranks(&points)[best], 0);
        }
    }

    #[test]
    fn the_ends_are_infinitely_far_and_the_middle_as_far_as_its_neighbours_are_apart() {
        let points = [[0.0, 4.0], [1.0, 2.0], [4.0, 0.0]];
        let points: Vec<&[f64]> = points.iter().map(|p| &p[..]).collect();
        assert_eq!(crowding(&points), [f64::INFINITY, 2.0, f64::INFINITY]);
    }

    #[test]
    fn one_objective_is_its_own_number() {
        let mut rng = Rng::seed_from_u64(3);
        assert_eq!(scalarised(&[vec![2.0], vec![-1.0]], &mut rng), [2.0, -1.0]);
        assert_eq!(rng.random::<u64>(), Rng::seed_from_u64(3).random::<u64>());
    }
}

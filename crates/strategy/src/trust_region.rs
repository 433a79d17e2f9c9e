//! The part of a space around a centre in which a local model is trusted.
//!
//! Wan et al.: "Think Global and Act Local" (CASMOPOLITAN), ICML 2021, section 3.2: a Hamming ball over the categories and, as in TuRBO
//! (Eriksson et al., NeurIPS 2019), a box over the numbers.

use nasmyth_space::{Gene, Scale};
use nasmyth_surrogate::MixedPoint;

/// Side of the box at the start, at least and at most, in ranges of the numbers.
const SIDE: (f64, f64, f64) = (0.8, 0.0078125, 1.6);
/// Radius of the ball at the start, in shares of the categories.
const RADIUS: f64 = 0.8;
/// By which it grows and shrinks.
const FACTOR: f64 = 1.5;
/// Successes in a row that make it grow.
const SUCCESSES: usize = 3;
/// Failures in a row that make it shrink: as many as there are genes, within these bounds.
const FAILURES: (usize, usize) = (5, 40);

/// A ball and a box.
#[derive(Clone, Debug)]
pub(crate) struct TrustRegion {
    categories: usize,
    /// For each number the smallest step that changes it.
    steps: Vec<f64>,
    /// For each number the length of its side, relative to the others.
    widths: Vec<f64>,
    radius: f64,
    side: f64,
    successes: usize,
    failures: usize,
}

impl TrustRegion {
    /// Around any centre of a space of these scales.
    pub fn new(scales: &[Scale]) -> Self {
        let steps: Vec<f64> = scales.iter().filter_map(|&scale| step(scale)).collect();
        let categories = scales.len() - steps.len();
        Self {
            categories,
            widths: vec![1.0; steps.len()],
            steps,
            radius: (RADIUS * categories as f64).max(1.0),
            side: SIDE.0,
            successes: 0,
            failures: 0,
        }
    }

    /// Makes the box longer along the numbers that matter less: `weights` are those of the squared distances of a kernel.
    pub fn shape(&mut self, weights: &[f64]) {
        let mean = weights.iter().map(|w| w.ln()).sum::<f64>() / weights.len().max(1) as f64;
        self.widths = weights.iter().map(|w| (0.5 * (mean - w.ln())).exp()).collect();
    }

    /// Most categories that may differ from the centre.
    pub fn radius(&self) -> usize {
        self.radius.max(1.0) as usize
    }

    /// How far each number may be from the centre: one step at least.
    pub fn reach(&self) -> Vec<f64> {
        self.widths
            .iter()
            .zip(&self.steps)
            .map(|(width, step)| (0.5 * self.side * width).max(*step))
            .collect()
    }

    /// Whether a point is in it. Genes that either has not do not count.
    pub fn contains(&self, centre: &MixedPoint, point: &MixedPoint) -> bool {
        let both = centre.categories.iter().zip(&point.categories);
        let differ = both.filter(|(a, b)| a.is_some() && b.is_some() && a != b).count();
        let numbers = centre.numbers.iter().zip(&point.numbers).zip(self.reach());
        let near = |((a, b), reach): ((&Option<f64>, &Option<f64>), f64)| match (a, b) {
            (Some(a), Some(b)) => (a - b).abs() <= reach + 1e-9,
            _ => true,
        };
        differ <= self.radius() && numbers.into_iter().all(near)
    }

    /// Grows or shrinks, given whether a trial in it was better than all before.
    pub fn told(&mut self, better: bool) {
        (self.successes, self.failures) =
            if better { (self.successes + 1, 0) } else { (0, self.failures + 1) };
        let most = (self.categories + self.steps.len()).clamp(FAILURES.0, FAILURES.1);
        if self.successes == SUCCESSES {
            self.successes = 0;
            self.radius = (self.radius * FACTOR).min(self.categories as f64).max(1.0);
            self.side = (self.side * FACTOR).min(SIDE.2);
        } else if self.failures == most {
            self.failures = 0;
            // Where there are numbers too, the ball waits at radius 1 for the box.
            let least = if self.steps.is_empty() { 0.0 } else { 1.0 };
            self.radius = (self.radius / FACTOR).max(least);
            self.side /= FACTOR;
        }
    }

    /// Whether it has become too small to go on.
    pub fn collapsed(&self) -> bool {
        if self.steps.is_empty() { self.radius < 1.0 } else { self.side < SIDE.1 }
    }
}

/// The smallest step of a number between 0 and 1; none of a category.
fn step(scale: Scale) -> Option<f64> {
    match scale {
        Scale::Unordered(_) => None,
        Scale::Ordered(values) => Some(1.0 / f64::from(values.max(2) - 1)),
        Scale::Real { .. } => Some(0.0),
    }
}

/// Genes by place as categories and numbers.
pub(crate) fn point(scales: &[Scale], genes: &[Option<Gene>]) -> MixedPoint {
    let mut point = MixedPoint { categories: Vec::new(), numbers: Vec::new() };
    for (scale, gene) in scales.iter().zip(genes) {
        match (scale, gene) {
            (Scale::Unordered(_), Some(Gene::Index(i))) => point.categories.push(Some(*i)),
            (Scale::Unordered(_), _) => point.categories.push(None),
            (Scale::Ordered(values), Some(Gene::Index(i))) => {
                point.numbers.push(Some(f64::from(*i) / f64::from((*values).max(2) - 1)));
            }
            (Scale::Real { low, high }, Some(Gene::Real(v))) => {
                point.numbers.push(Some((v - low) / (high - low)));
            }
            _ => point.numbers.push(None),
        }
    }
    point
}

/// The gene whose number between 0 and 1 is the nearest; none for a category.
pub(crate) fn gene(scale: Scale, number: f64) -> Option<Gene> {
    let number = number.clamp(0.0, 1.0);
    match scale {
        Scale::Unordered(_) => None,
        Scale::Ordered(values) => Some(Gene::Index((number * f64::from(values.max(1) - 1)).round() as u32)),
        Scale::Real { low, high } => Some(Gene::Real((low + number * (high - low)).clamp(low, high))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALES: [Scale; 4] =
        [Scale::Unordered(3), Scale::Ordered(5), Scale::Unordered(2), Scale::Real { low: -1.0, high: 3.0 }];

    fn at(genes: [Gene; 4]) -> MixedPoint {
        point(&SCALES, &genes.map(Some))
    }

    #[test]
    fn a_ball_and_a_box() {
        let (index, real) = (Gene::Index, Gene::Real);
        let centre = at([index(1), index(2), index(0), real(1.0)]);
        assert_eq!(
            (centre.categories.clone(), centre.numbers.clone()),
            (vec![Some(1), Some(0)], vec![Some(0.5); 2])
        );
        let region = TrustRegion::new(&SCALES);
        assert_eq!((region.radius(), region.reach()), (1, vec![0.4, 0.4]));
        assert!(region.contains(&centre, &at([index(2), index(3), index(0), real(2.5)])));
        assert!(!region.contains(&centre, &at([index(2), index(2), index(1), real(1.0)])));
        assert!(!region.contains(&centre, &at([index(1), index(4), index(0), real(1.0)])));
        assert!(!region.contains(&centre, &at([index(1), index(2), index(0), real(2.7)])));
        // An absent gene is neither near nor far.
        assert!(region.contains(&centre, &point(&SCALES, &[None, None, Some(index(1)), None])));
        for (scale, number) in [(SCALES[1], 0.75), (SCALES[3], 0.1)] {
            let genes = [Gene::Index(0); 4].map(|g| Some(gene(scale, number).unwrap_or(g)));
            assert_eq!(point(&[scale], &genes[..1]).numbers, [Some(number)]);
        }
    }

    #[test]
    fn grows_shrinks_and_collapses() {
        let mut region = TrustRegion::new(&SCALES);
        (0..3).for_each(|_| region.told(true));
        assert_eq!((region.radius(), region.side), (2, 0.8 * 1.5));
        (0..4).for_each(|_| region.told(false));
        region.told(true);
        (0..5).for_each(|_| region.told(false));
        assert!((region.side - 0.8).abs() < 1e-12);
        let before = (0..1000).take_while(|_| {
            region.told(false);
            !region.collapsed()
        });
        // 0.8 / 1.5^12 is below 1/128: 12 times five failures.
        assert_eq!(before.count() + 1, 60);
        let mut ball = TrustRegion::new(&[Scale::Unordered(5); 10]);
        assert_eq!(ball.radius(), 8);
        (0..10).for_each(|_| ball.told(false));
        assert_eq!(ball.radius(), 5);
        (0..50).for_each(|_| ball.told(false));
        assert!(ball.collapsed());
    }

    #[test]
    fn the_box_is_longer_where_numbers_matter_less() {
        let mut region = TrustRegion::new(&[Scale::Real { low: 0.0, high: 1.0 }; 2]);
        region.shape(&[4.0, 0.25]);
        assert_eq!(region.reach(), [0.4 * 0.5, 0.4 * 2.0]);
    }
}
